# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update is judged by what real hosts have installed, before any of them gets it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from demo.site import make_site
from e2e.conftest import CACHE, RUN_DIR
from e2e.runner_site import RunnerSite
from integration.repo.forge import Forge
from integration.repo.rooms import Package, Rooms
from testbed.distro import Distro
from testbed.fleet import Fleet

ALIKE = r"[0-9a-f]{12} \((\d+ hosts?)\):"  # how many hosts have one and the same packages


@pytest.fixture
def site(distro: Distro) -> Iterator[RunnerSite]:
    """Three hosts on r1, and an operator's directory for them."""
    directory = RUN_DIR / "preflight-site"
    with Fleet.start(
        "preflight",
        distro=distro,
        hosts=3,
        store=directory / "store",
        run_dir=RUN_DIR,
        cache=CACHE,
        progress=print,
    ) as fleet:
        make_site(directory, fleet, distro)
        yield RunnerSite(directory, fleet)


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    forge = Forge(tmp_path)
    yield forge
    forge.close()


def offer_driver(forge: Forge, requirement: str) -> tuple[Path, dict[str, Any]]:
    """A vendor's repo with one package; the package, and the repo as repo_sync takes it."""
    key = forge.key("vendor")
    driver = Package("driver", "1", (f"Requires: {requirement}",))
    rpm = Rooms(forge.root).build([driver])[driver]
    forge.sign("vendor", rpm)
    forge.index(rpm.parent, key="vendor")
    return rpm, {"name": "vendor", "baseurl": [f"file://{rpm.parent}"], "gpgkey": [str(key)]}


def install(site: RunnerSite, host: str, rpm: Path) -> None:
    """What somebody does to a host behind everybody's back."""
    argv = [*site.fleet.ssh_command(host), "cat > driver.rpm && rpm -i --nosignature driver.rpm"]
    site.fleet.run(argv, input=rpm.read_bytes(), check=True)


def verdict(site: RunnerSite) -> tuple[bool, int]:
    """Whether the newest checked snapshot passed, and for how many package sets it was solved."""
    newest = max((site.directory / "store" / "checks").glob("*.json"))
    told = json.loads(newest.read_text())
    return told["passed"], told["package_sets"]


def test_the_hosts_that_would_lose_a_package_are_named(
    site: RunnerSite, forge: Forge, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"osaas_release": "untested", "osaas_targets": "all"}
    bash = site.fleet.ssh("host-02", "rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", "bash").stdout
    rpm, vendor = offer_driver(forge, f"bash = {bash}")
    repositories = [*yaml.safe_load(site.variables.read_text())["osaas_repositories"], vendor]
    # Another set, for all that its packages are those of host-01.
    disable = "printf '[perl]\\nname=perl\\nstream=\\nstate=disabled\\n' > /etc/dnf/modules.d/perl.module"
    assert site.fleet.ssh("host-03", "sh", "-c", disable).returncode == 0
    site.fleet.publish("r1")
    assert site.play("sync", osaas_repositories=repositories) == 0
    assert site.play("preflight", **asked) == 0
    assert verdict(site) == (True, 2)
    told = capsys.readouterr().out
    assert re.search(r"[0-9a-f]{12} \(2 hosts\):", told)
    assert re.search(r"[0-9a-f]{12} -perl \(1 host\):", told)

    install(site, "host-02", rpm)
    assert site.play("preflight", **asked) == 0
    assert verdict(site) == (True, 3)
    capsys.readouterr()

    site.fleet.publish("r2")
    assert site.play("sync", osaas_repositories=repositories) == 0
    assert site.play("preflight", **asked) != 0
    assert verdict(site) == (False, 3)
    told = capsys.readouterr().out
    assert "(host-02): driver-0:1-1.noarch would be removed: " in told
    assert f"nothing provides bash = {bash} needed by driver-0:1-1.noarch" in told

    assert site.play("preflight", osaas_allow_removals=["driver"], **asked) != 0, (
        "it is broken by itself, too"
    )
    site.fleet.kill("host-03")
    assert site.play("preflight", osaas_reconnect_timeout=5, **asked) != 0
    assert "host-03: not asked, or no answer." in capsys.readouterr().out


def test_hosts_are_asked_once_and_again_when_they_changed(
    site: RunnerSite, forge: Forge, capsys: pytest.CaptureFixture[str]
) -> None:
    rpm, _vendor = offer_driver(forge, "bash")
    site.fleet.publish("r1")
    assert site.play("sync") == 0
    assert site.play("enrol", osaas_release="untested") == 0
    # Whose packages are judged, the ledger says.
    variables = yaml.safe_load(site.variables.read_text())
    del variables["osaas_targets"]
    site.variables.write_text(yaml.safe_dump(variables))
    asked = {"osaas_release": "untested", "osaas_reconnect_timeout": 5}

    # The first of them is not there to be asked, and the second one speaks for all.
    site.fleet.kill("host-01")
    site.fleet.kill("host-03")
    capsys.readouterr()
    assert site.play("preflight", **asked) == 0
    assert re.findall(ALIKE, capsys.readouterr().out) == ["3 hosts"]

    site.fleet.kill("host-02")
    site.fleet.publish("r2")
    assert site.play("sync") == 0
    capsys.readouterr()
    assert site.play("preflight", **asked) == 0
    assert re.findall(ALIKE, capsys.readouterr().out) == ["3 hosts"]
    assert verdict(site) == (True, 1)

    site.fleet.power_on("host-03")
    install(site, "host-03", rpm)
    assert site.play("enrol", osaas_release="untested", osaas_targets="host-03") == 0
    capsys.readouterr()
    assert site.play("preflight", **asked) == 0
    assert sorted(re.findall(ALIKE, capsys.readouterr().out)) == ["1 host", "2 hosts"]

    site.fleet.kill("host-03")
    assert site.play("preflight", **asked) == 0
    with sqlite3.connect(site.ledger) as ledger:
        digest = ledger.execute("SELECT digest FROM host WHERE name = 'host-03'").fetchone()[0]
        other = "(SELECT packages FROM package_set WHERE digest != ?)"
        ledger.execute(f"UPDATE package_set SET packages = {other} WHERE digest = ?", (digest, digest))
    ledger.close()
    capsys.readouterr()
    assert site.play("preflight", **asked) != 0
    assert f"ledger: package set {digest} does not have its digest: " in capsys.readouterr().out
