# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three package hosts and three image hosts are one fleet: one rollout moves them, a bad release stops it.

The tests of this file are one story: they run in their order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo.image_hosts import boots
from demo.image_hosts_site import CONFIG, IMAGE, image_site, is_image_host, release, switch_on
from integration.image.conftest import Released, make_workshop
from integration.image.site import Site as BuildSite
from integration.image.site import make_key
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR, on_flavours
from .runner_site import RunnerSite
from .service_site import ServiceWorkshop

pytestmark = on_flavours("testbed-10")


@pytest.fixture(scope="module")
def site(distro: Distro) -> Iterator[RunnerSite]:
    """Six hosts on r1, enrolled."""
    directory = RUN_DIR / "image-rollout-site"
    with (
        Fleet.start(
            "image-rollout",
            distro=distro,
            hosts=3,
            image_hosts=3,
            store=directory / "store",
            run_dir=RUN_DIR,
            cache=CACHE,
            progress=print,
        ) as fleet,
        image_site(directory, fleet, distro) as plain,
    ):
        site = RunnerSite(plain.directory, plain.fleet)
        release(site, "r1")
        switch_on(site)
        assert site.play("enrol", osaas_release="untested") == 0
        yield site


def snapshots(site: RunnerSite) -> list[str]:
    """All snapshots, oldest first."""
    return sorted(path.name for path in (site.directory / "store/snapshots").iterdir())


def images(site: RunnerSite) -> list[str]:
    """All published images, oldest first."""
    return sorted(path.name for path in (site.directory / "store/images").glob(f"{IMAGE}-*"))


def beacons(site: RunnerSite) -> dict[str, str]:
    """Which version of the beacon each host runs, as it says itself."""
    found = {}
    for host in site.fleet.hosts:
        argv = ["curl", "-fsS", "--max-time", "5", f"http://{host.address}:8000/"]
        answer = site.fleet.run(argv, capture_output=True, text=True)
        found[host.name] = json.loads(answer.stdout)["version"] if answer.returncode == 0 else answer.stderr
    return found


def booted(site: RunnerSite, host: str) -> dict[str, Any]:
    """What an image host booted."""
    done = site.fleet.ssh(host, "cat", "/run/osaas/booted.json")
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def states(site: RunnerSite) -> dict[str, str]:
    return {host["host"]: host["state"] for host in site.rollout()["hosts"]}


def reason(site: RunnerSite, host: str) -> str:
    [found] = [one["reason"] for one in site.rollout()["hosts"] if one["host"] == host]
    return str(found)


def test_a_snapshot_without_its_image_stops_before_it_begins(site: RunnerSite) -> None:
    assert set(beacons(site).values()) == {"1.0"}
    site.fleet.publish("r3")
    assert site.play("sync") == 0
    bad = snapshots(site)[-1]
    status, shown = site.run("rollout", {"osaas_release": bad})
    words = " ".join(shown.split())
    assert (
        status == 2
        and (
            f"No image {IMAGE} is published that was built from {bad}. Build and publish it, with "
            "osaas.fleet.build and osaas.fleet.publish"
        )
        in words
    )
    assert not (site.fleet.ssh("image-01", "ls", "/run/osaas/data/staging").stdout.split())


def test_a_bad_release_is_left_by_the_image_host_itself_and_halts(site: RunnerSite) -> None:
    assert site.play("build") == 0 and site.play("publish") == 0
    before = booted(site, "image-01")["digest"]
    assert site.play("rollout", osaas_release="untested") == 2
    status = site.rollout()
    assert status["state"] == "halted", status
    assert states(site) == {
        "host-01": "rolled back",
        "image-01": "rolled back",
        **dict.fromkeys(("host-02", "host-03", "image-02", "image-03"), "eligible"),
    }
    assert set(beacons(site).values()) == {"1.0"}
    why = reason(site, "image-01")
    good, bad = images(site)
    assert why.startswith(f"Tell why the host went back by itself: image-01 runs {good} again, not {bad}: ")
    assert "beacon" in why
    assert booted(site, "image-01")["digest"] == before
    told = "\n".join(boots(site))
    assert told.count("image-02") == told.count("image-03") == 1, told
    [row] = [one for one in status["hosts"] if one["host"] == "image-01"]
    assert (row["release"], row["digest"]) == (snapshots(site)[0], before)


def test_what_failed_on_a_host_is_refused_by_it(site: RunnerSite) -> None:
    status, shown = site.run("host", {"osaas_targets": "image-01", "osaas_release": images(site)[-1]})
    assert status == 2 and "failed on this host" in " ".join(shown.split()), shown


def test_its_fix_reaches_both_kinds_of_hosts(site: RunnerSite) -> None:
    release(site, "r4")
    assert site.play("rollout", osaas_release="untested") == 0
    status = site.rollout()
    assert status["state"] == "succeeded" and set(states(site).values()) == {"done"}
    assert set(beacons(site).values()) == {"1.3"}
    digests = {one["host"]: one["digest"] for one in status["hosts"]}
    assert {digests[name] for name in digests if is_image_host(name)} == {booted(site, "image-01")["digest"]}
    assert len(set(digests.values())) == 2
    assert {one["release"] for one in status["hosts"]} == {snapshots(site)[-1]}


def test_host_info_tells_of_an_image_host_what_it_tells_of_others(site: RunnerSite) -> None:
    site.fleet.ssh("image-02", "sh", "-c", "echo hello > /etc/motd")
    status, shown = site.run("explain", {"osaas_host": "image-02"})
    assert status == 0, shown
    info = site.ask("image-02", "host_info")["host"]
    assert info["image"]["release"] == images(site)[-1] and info["image"]["good"]
    assert info["running"] == info["pinned"] == snapshots(site)[-1] and not info["reboot_required"]
    assert any(line.startswith("/etc/motd was ") for line in info["drift_reasons"]), info["drift_reasons"]


def test_an_image_as_release_moves_image_hosts_alone(site: RunnerSite) -> None:
    ledger, hosts = str(site.directory / "images.db"), "image-02,image-03,host-02"
    policy = {
        "waves": [{"name": "all", "percent": 100}],
        "max_unavailable": 3,
        "max_unavailable_per_domain": 3,
        "error_budget": 1,
        "soak": 0,
    }
    given = {"osaas_ledger": ledger, "osaas_targets": hosts, "osaas_policy": policy}
    assert site.play("enrol", **given, osaas_release="untested") == 0
    site.play("rollout", **given, osaas_release=images(site)[0])
    found = site.ask("localhost", "rollout_info", ledger=ledger)["rollout"]["hosts"]
    told = {one["host"]: (one["state"], one["reason"]) for one in found}
    assert (told["image-02"][0], told["image-03"][0]) == ("done", "done"), told
    assert told["host-02"][0] == "held" and "is not a snapshot id" in told["host-02"][1], told
    assert beacons(site) == {
        **dict.fromkeys(("host-01", "host-02", "host-03", "image-01"), "1.3"),
        **dict.fromkeys(("image-02", "image-03"), "1.0"),
    }


def test_its_config_reaches_an_image_host(site: RunnerSite) -> None:
    kept = json.loads(site.fleet.ssh("image-03", "cat", "/run/osaas/data/config/boot.json").stdout)
    assert kept == CONFIG["boot"]
    refused = site.ask("image-03", "host_config", config={"provisioning": {"hostname": "other"}})
    assert refused["msg"].startswith("provisioning.hostname: may not change now. "), refused


def test_a_service_of_an_image_host_is_there_again_after_a_reboot(
    site: RunnerSite, distro: Distro, tmp_path: Path
) -> None:
    store = site.directory / "store"
    (tmp_path / "shop").mkdir()
    released = Released(distro, store, snapshots(site)[-1])
    with make_key(tmp_path) as key:
        shop = ServiceWorkshop(BuildSite(make_workshop(released, tmp_path / "shop"), key, store))
        config = {"runtime": {"services": [shop.publish("first")], "health_checks": [{"kind": "units"}]}}
        keys = [{"name": "site", "content": shop.key}]
        url = f"http://{site.fleet.address}:8080"
        done = site.ask("image-03", "host_config", config=config, url=url, gpgkeys=keys)
    assert done["services"]["started"] == ["tick"], done
    site.reboot("image-03")
    look = "systemctl is-active tick.service; cat /var/lib/tick/starts; systemctl is-system-running"
    assert site.fleet.ssh("image-03", "sh", "-c", look).stdout.split() == ["active", "2", "running"]
    assert site.ask("image-03", "deployment_info")["deployment"]["drift_reasons"] == []
