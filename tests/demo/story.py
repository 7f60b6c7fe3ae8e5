# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story that the demo tells, step by step; every step is checked, not only shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .site import Site

Say = Callable[[str], None]


class StoryError(Exception):
    """Something did not come out as the story says."""


def tell(site: Site, say: Say) -> list[dict[str, Any]]:
    """Run the main job; returns the status of the three rollouts. Raises StoryError at the first surprise."""
    say("1. Release r1: sync the upstream repos, cut a snapshot, pin all hosts to it")
    _sync(site, "r1")
    _expect(site.play("enrol", osaas_release="untested"), 0, "enrolling the hosts")

    say("2. Release r2, an ordinary update with a new systemd: the canary first, then the others")
    _sync(site, "r2")
    _expect(site.play("rollout", osaas_release="untested"), 0, "rolling out r2")
    good = site.rollout()
    _all_on_one_release(good)
    _beacons(site, "1.1")

    say("3. Release r3 breaks a service: the canary is put back by itself, nobody else is touched")
    _sync(site, "r3")
    _expect(site.play("rollout", osaas_release="untested"), 2, "rolling out r3")
    bad = site.rollout()
    _only_the_canary_was_touched(bad, good)
    _beacons(site, "1.1")

    say("4. Release r4 is the fix")
    _sync(site, "r4")
    _expect(site.play("rollout", osaas_release="untested"), 0, "rolling out r4")
    fixed = site.rollout()
    _all_on_one_release(fixed)
    _beacons(site, "1.3")
    return [good, bad, fixed]


def _sync(site: Site, release: str) -> None:
    site.fleet.publish(release)
    _expect(site.play("sync"), 0, f"syncing {release}")


def _expect(status: int, expected: int, what: str) -> None:
    if status != expected:
        raise StoryError(f"{what} ended with status {status}, not {expected}")


def _all_on_one_release(rollout: dict[str, Any]) -> None:
    hosts = rollout["hosts"]
    digests = {host["digest"] for host in hosts}
    if rollout["counts"] != {"done": len(hosts)} or len(digests) != 1:
        raise StoryError(
            f"hosts are {rollout['counts']} with {len(digests)} package sets, not all done with one"
        )


def _only_the_canary_was_touched(bad: dict[str, Any], before: dict[str, Any]) -> None:
    was = {host["host"]: (host["release"], host["digest"]) for host in before["hosts"]}
    now = {host["host"]: (host["release"], host["digest"]) for host in bad["hosts"]}
    expected = {"rolled back": 1, "eligible": len(was) - 1}
    if bad["state"] != "halted" or bad["counts"] != expected or now != was:
        raise StoryError(f"the rollout is {bad['state']} with {bad['counts']}; hosts changed: {was != now}")


def _beacons(site: Site, version: str) -> None:
    """Ask every host itself, not Ansible and not the ledger."""
    for host in site.fleet.hosts:
        argv = ["curl", "-fsS", "--max-time", "5", f"http://{host.address}:8000/"]
        answer = site.fleet.run(argv, capture_output=True, text=True)
        serves = json.loads(answer.stdout) if answer.returncode == 0 else {}
        if serves.get("version") != version or not serves.get("healthy"):
            raise StoryError(f"{host.name} serves {serves or answer.stderr.strip()}, not beacon {version}")
