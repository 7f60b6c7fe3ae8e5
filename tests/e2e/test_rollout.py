# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does to a rollout, through the public playbooks of the installed tarball.

The main job itself is the demo, which `make test` runs under two versions of ansible-core.
"""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Iterator

import pytest
from demo.site import Site, make_site
from e2e.conftest import CACHE, RUN_DIR
from e2e.runner_site import RunnerSite
from testbed.distro import Distro
from testbed.fleet import Fleet


@pytest.fixture
def site(distro: Distro) -> Iterator[RunnerSite]:
    """A fresh fleet on r1, and an operator's directory for it."""
    directory = RUN_DIR / "story-site"
    with Fleet.start(
        "story", distro=distro, store=directory / "store", run_dir=RUN_DIR, cache=CACHE, progress=print
    ) as fleet:
        make_site(directory, fleet, distro)
        yield RunnerSite(directory, fleet)


def states(site: Site) -> dict[str, str]:
    """The state of every host in the newest rollout, read beside a running rollout."""
    with sqlite3.connect(f"file:{site.ledger}?mode=ro", uri=True) as ledger:
        query = "SELECT host, state FROM assignment WHERE rollout = (SELECT max(id) FROM rollout)"
        return dict(ledger.execute(query))


def wait_for_second_wave(site: Site, process: subprocess.Popen[bytes]) -> set[str]:
    """Until the canary is done and somebody after it is being changed; who that is."""
    for _try in range(1200):
        assert process.poll() is None, f"the rollout ended early with status {process.returncode}"
        now = states(site)
        if "done" in now.values() and (busy := {host for host in now if now[host] == "activating"}):
            return busy
        time.sleep(0.1)
    raise AssertionError(f"no host of the second wave came to be changed: {states(site)}")


def begin(site: RunnerSite) -> tuple[list[str], subprocess.Popen[bytes], set[str]]:
    """Start the rollout of r2; its command, its process, and who is being changed once the canary is done."""
    site.fleet.publish("r1")
    assert site.play("sync") == 0
    assert site.play("enrol", osaas_release="untested") == 0
    site.fleet.publish("r2")
    assert site.play("sync") == 0
    command = site.argv("rollout", osaas_release="untested")
    process = subprocess.Popen(command, cwd=site.directory, env=site.environment(), start_new_session=True)
    return command, process, wait_for_second_wave(site, process)


def test_an_operator_halts_a_rollout_and_resumes_it(site: RunnerSite) -> None:
    command, process, busy = begin(site)
    assert site.play("halt", osaas_reason="the shop is slow") == 0
    assert process.wait() == 2
    halted = site.rollout()
    assert (halted["state"], halted["reason"]) == ("halted", "the shop is slow")
    done = {host["host"] for host in halted["hosts"] if host["state"] == "done"}
    assert busy <= done and halted["counts"] == {"done": len(done), "eligible": 6 - len(done)}
    assert site.play("resume", osaas_reason="it was the database") == 0
    again = subprocess.run(command, cwd=site.directory, env=site.environment(), check=False)
    assert again.returncode == 0
    assert site.rollout()["counts"] == {"done": 6}


def test_check_mode_shows_the_plan_and_a_limit_is_kept(site: RunnerSite) -> None:
    site.fleet.publish("r1")
    assert site.play("sync") == 0
    assert site.play("enrol", osaas_release="untested") == 0
    site.fleet.publish("r2")
    assert site.play("sync") == 0
    command = site.argv("rollout", osaas_release="untested")

    def rollout(*flags: str) -> str:
        done = subprocess.run(
            [*command, *flags],
            cwd=site.directory,
            env=site.environment(),
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    shown = rollout("--check")
    assert "to 1 in wave canary, 5 in wave fleet, of 6 hosts" in shown
    assert "If the release breaks every host, at most 1 in 1 domains are broken before the halt" in shown
    with sqlite3.connect(f"file:{site.ledger}?mode=ro", uri=True) as ledger:
        assert ledger.execute("SELECT count(*) FROM rollout").fetchone() == (0,)
    rollout("--limit", "host-01,host-04")
    assert states(site) == {f"host-0{n}": "done" if n in (1, 4) else "eligible" for n in range(1, 7)}
