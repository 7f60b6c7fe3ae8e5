# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real host runs a service that is an image of its own; it is swapped, well and badly, and killed.

The tests of this file are one story on one host: they run in their order.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR
from .host_site import Site
from .service_site import ServiceWorkshop, service_workshop

HOST = "host-01"
SAYS = {"name": "tick says", "kind": "file", "path": "/var/lib/tick/says", "retries": 5, "delay": 0.2}
IMAGES = "/var/lib/osaas/services/images"
PENDING = "/var/lib/osaas/services/pending.json"


@pytest.fixture(scope="module")
def shop(distro: Distro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceWorkshop]:
    scratch = tmp_path_factory.mktemp("services")
    with service_workshop(distro, scratch / "store", scratch) as shop:
        yield shop


@pytest.fixture(scope="module")
def site(distro: Distro, shop: ServiceWorkshop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Fleet.start(
        "services",
        distro=distro,
        hosts=1,
        racks=1,
        store=shop.site.store,
        run_dir=RUN_DIR,
        cache=CACHE,
        progress=print,
    ) as fleet:
        made = Site(fleet, distro, tmp_path_factory.mktemp("site"))
        upstream = f"--nogpgcheck --repofrompath=up,http://{fleet.address}:8081/baseos"
        made.shell(HOST, f"dnf -qy {upstream} install gpgv tar zstd")
        yield made


@pytest.fixture(scope="module")
def first(shop: ServiceWorkshop) -> dict[str, str]:
    return shop.publish("first")


@pytest.fixture(scope="module")
def second(shop: ServiceWorkshop, first: dict[str, str]) -> dict[str, str]:
    return shop.publish("second")


def options(site: Site, shop: ServiceWorkshop, *services: dict[str, str], says: str = "") -> dict[str, Any]:
    """Options of host_config for these services, and what the file of `tick` must say afterwards."""
    checks = [{**SAYS, "contains": says}] if says else []
    return {
        "config": {"runtime": {"services": list(services), "health_checks": checks}},
        "url": f"http://{site.fleet.address}:8080",
        "gpgkeys": [{"name": "site", "content": shop.key}],
    }


def state(site: Site) -> dict[str, str]:
    """What the service itself tells, whether it runs, and what lies about of its images."""
    script = f"""
    cd /var/lib/tick; echo "$(cat says);$(cat starts);$(systemctl is-active tick.service)"
    ls -A {IMAGES} | wc -l; test -e {PENDING} && echo pending || echo settled"""
    lines = site.shell(HOST, script).splitlines()
    says, starts, active = lines[0].split(";")
    return {"says": says, "starts": starts, "active": active, "images": lines[1], "change": lines[2]}


def test_a_service_starts_from_an_image_of_its_own(
    site: Site, shop: ServiceWorkshop, first: dict[str, str]
) -> None:
    given = options(site, shop, first, says="first")
    planned = site.call(HOST, "host_config", "--check", **given)
    assert planned["changed"] and planned["services"]["started"] == ["tick"], planned
    assert site.shell(HOST, f"ls {IMAGES} 2>/dev/null || echo none") == "none"
    done = site.call(HOST, "host_config", **given)
    assert done["changed"] and done["services"]["started"] == ["tick"], done
    assert not site.call(HOST, "host_config", **given)["changed"]
    assert state(site) == {
        "says": "first",
        "starts": "1",
        "active": "active",
        "images": "1",
        "change": "settled",
    }


def test_it_is_swapped_with_one_reload_and_keeps_its_state(
    site: Site, shop: ServiceWorkshop, second: dict[str, str]
) -> None:
    reloads = "journalctl --boot --output=cat _PID=1 | grep -c '^Reloading\\.*$' || true"
    before = int(site.shell(HOST, reloads))
    done = site.call(HOST, "host_config", **options(site, shop, second, says="second"))
    assert done["services"] == {"started": [], "swapped": ["tick"], "stopped": [], "kept": []}, done
    assert int(site.shell(HOST, reloads)) == before + 1
    now = state(site)
    assert (now["says"], now["starts"], now["active"], now["images"]) == ("second", "2", "active", "2")


def test_one_that_does_not_start_is_put_back(
    site: Site, shop: ServiceWorkshop, second: dict[str, str]
) -> None:
    bad = shop.publish("bad", then="echo out of memory >&2; exit 1")
    done = site.call(HOST, "host_config", **options(site, shop, bad, says="bad"))
    assert done["failed"]
    assert done["msg"].startswith("services: not changed, all is as it was: tick.service is failed: "), done
    assert done["msg"].endswith(
        "Mend the image of the service, or its health check, and run this again"
    ) and ("out of memory" in done["msg"])
    now = state(site)
    assert (now["says"], now["active"], now["change"]) == ("second", "active", "settled")
    recorded = json.loads(site.shell(HOST, "cat /var/lib/osaas/config/runtime.json"))
    assert recorded["services"] == [second]


def test_one_that_runs_but_is_not_well_is_put_back(
    site: Site, shop: ServiceWorkshop, second: dict[str, str]
) -> None:
    sick = shop.publish("sick")
    done = site.call(HOST, "host_config", **options(site, shop, sick, says="healthy"))
    assert done["failed"], done
    assert done["msg"] == (
        "services: not changed, all is as it was: tick says: /var/lib/tick/says: looked for 'healthy'. "
        "Mend the image of the service, or its health check, and run this again"
    )
    assert state(site)["says"] == "second"


def test_an_image_that_another_signed_is_refused(
    site: Site, shop: ServiceWorkshop, first: dict[str, str], second: dict[str, str]
) -> None:
    wrong = {**first, "digest": second["digest"]}
    done = site.call(HOST, "host_config", **options(site, shop, {**wrong, "digest": "0" * 64}))
    assert done["msg"] == (
        f"images/{first['release']}/manifest.json: its SHA-256 is {first['digest']}, not {'0' * 64}. "
        "Is the digest that of another release, or was the store changed?"
    )
    stranger = shop.publish("stranger")
    given = options(site, shop, stranger)
    given["gpgkeys"] = [{"name": "testbed", "content": site.key}]
    done = site.call(HOST, "host_config", **given)
    assert done["failed"] and done["msg"].endswith("Only these keys may have signed it: testbed"), done
    assert state(site)["says"] == "second"


# A command that succeeds at one point of a swap; {digest} is that of what comes.
POINTS = {
    "downloading": "test -e {images}/.{digest}",
    "unpacking": "test -e {images}/.{digest}/tree/usr",
    "recorded": "test -e {pending}",
    "unit written": "grep -q {digest} /etc/systemd/system/tick.service",
    "running": "grep -q third /var/lib/tick/says",
}


def test_killed_anywhere_the_next_run_gets_there(
    site: Site, shop: ServiceWorkshop, second: dict[str, str]
) -> None:
    third = shop.publish("third")
    killer = Path(__file__).with_name("killer.py").read_text()
    for name, point in POINTS.items():
        condition = point.format(images=IMAGES, digest=third["digest"], pending=PENDING)
        argv = ["python3", "-", "host_config", "sh", "-c", f"'{condition}'"]
        with subprocess.Popen(
            site.fleet.command(*site.fleet.ssh_command(HOST), *argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as watcher:
            assert watcher.stdin is not None and watcher.stdout is not None
            watcher.stdin.write(killer)
            watcher.stdin.close()
            assert watcher.stdout.readline() == "ready\n"
            command = site.command(HOST, "host_config", options(site, shop, third, says="third"))
            cut = subprocess.run(command, env=site.environment(), capture_output=True, check=False)
            assert watcher.stdout.read() == "killed\n", name
        assert cut.returncode != 0, name
        again = site.call(HOST, "host_config", **options(site, shop, third, says="third"))
        assert not again["failed"] and again["services"]["swapped"] == ["tick"], (name, again)
        assert again["recovered"] == (name in ("recorded", "unit written", "running")), (name, again)
        now = state(site)
        assert (now["says"], now["active"], now["change"]) == ("third", "active", "settled"), (name, now)
        back = site.call(HOST, "host_config", **options(site, shop, second, says="second"))
        assert not back["failed"] and state(site)["says"] == "second", (name, back)
        # What is here need not be fetched again: away with it, for the next point.
        site.shell(HOST, f"rm -rf {IMAGES}/{third['digest']}")


def test_it_is_there_after_a_reboot_and_goes_when_it_is_not_wanted(
    site: Site, shop: ServiceWorkshop, second: dict[str, str]
) -> None:
    starts = int(state(site)["starts"])
    site.reboot(HOST)
    now = state(site)
    assert (now["says"], now["active"], int(now["starts"])) == ("second", "active", starts + 1)
    done = site.call(HOST, "host_config", **options(site, shop))
    assert done["services"]["stopped"] == ["tick"], done
    now = state(site)
    assert (now["active"], now["says"]) == ("inactive", "second")
    left = site.shell(HOST, "find /etc/systemd/system -name 'tick*'; systemctl is-system-running")
    assert left == "running"


def test_a_tier_that_may_not_change_is_refused(site: Site) -> None:
    config = {"provisioning": {"hostname": "web-01", "root": {"password_hash": "$y$secret"}}, "boot": {}}
    done = site.call(HOST, "host_config", config=config | {"boot": {"tries": 5}})
    assert done["msg"] == (
        "provisioning.hostname, provisioning.root: may not change now. "
        "Provision the host anew, by osaas.fleet.provision, or leave the field as it is; "
        "boot.tries: may not change now. "
        "Allow changes of boot, which take effect with the next deployment, or leave the field as it is"
    )
    assert "secret" not in json.dumps(done)
    assert "secret" not in site.shell(HOST, "journalctl --boot --output=cat")
    done = site.call(HOST, "host_config", config={"boot": {"tries": 5}}, allow=["boot"])
    assert done["changed"] and done["fields"] == ["boot.tries"], done
    done = site.call(HOST, "host_config", config={"boot": {"tries": "5"}})
    assert done["msg"] == 'config.boot.tries: must be a whole number, not "5"'
