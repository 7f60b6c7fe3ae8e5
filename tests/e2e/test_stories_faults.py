# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Six real hosts in three racks, on which things go wrong; the rollout sees to it that few of them do."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from demo.site import BIN
from testbed.distro import Distro

from .story_site import Story, StorySite, kill, story_site, wait_until

CANARY = {"canary": True}
EARLY = {"wave": "early"}
THREE_WAVES = [
    {"name": "canary", "labels": CANARY},
    {"name": "early", "labels": EARLY},
    {"name": "rest", "percent": 100},
]
# A host's sshd that starts only when the controller lets it, by a file that the store serves.
SILENT = """\
[Service]
TimeoutStartSec=300
ExecStartPre=/bin/sh -c 'until curl -fs http://{address}:8080/speak; do sleep 0.5; done'
"""
CAREFUL = [
    {
        "name": "As a careful person would write it",
        "hosts": "all",
        "serial": 3,
        "max_fail_percentage": 0,
        "gather_facts": False,
        "tasks": [{"name": "Touch the host", "ansible.builtin.ping": {}}],
    }
]


@pytest.fixture(scope="module")
def site(distro: Distro) -> Iterator[StorySite]:
    with story_site("faults-of-stories", distro, hosts=6, racks=3) as site:
        yield site


def silence(site: StorySite, story: Story, host: int) -> None:
    """From its next boot on the host does not answer, until speak()."""
    text = SILENT.format(address=site.fleet.address)
    story.shell(
        host,
        "cd /etc/systemd/system && mkdir -p ssh.service.d sshd.service.d &&"
        f" echo {shlex.quote(text)} | tee ssh.service.d/silent.conf >sshd.service.d/silent.conf &&"
        " systemctl daemon-reload",
    )


def speak(site: StorySite, story: Story, host: int) -> None:
    """Let a silent host answer again, for good."""
    store_file = Path(site.directory / "store" / "speak")
    store_file.touch()
    wait_until(lambda: story.answers(host), f"host-{host:02} to answer")
    story.shell(host, "rm /etc/systemd/system/ssh*.service.d/silent.conf; systemctl daemon-reload")
    store_file.unlink()


def test_failures_in_the_middle_wave_spend_the_error_budget(site: StorySite) -> None:
    story = Story(
        site,
        "middle",
        range(1, 7),
        labels={1: CANARY, **dict.fromkeys((2, 3, 4), EARLY)},
        waves=THREE_WAVES,
        error_budget=1,
        max_unavailable=2,
    )
    # beacon of the bad release starts where its new setting is; nobody thought of the others.
    for host in (1, 4, 5, 6):
        story.shell(host, "sed -i '/beacon/a address =' /etc/beacon.conf")
    try:
        status, shown = story.roll(osaas_release=site.bad, **story.hooks())
        assert status == 2 and "2 of 6 hosts failed, the error budget is 1" in shown
    finally:
        for host in (1, 4, 5, 6):
            story.shell(host, "sed -i '/^address/d' /etc/beacon.conf")
    states = story.states()
    assert states[1] == "done" and states[2] == states[3] == "rolled back"
    assert states[5] == states[6] == "eligible" and states[4] in ("done", "eligible")
    assert story.status()["state"] == "halted" and story.pool() == set(range(1, 7))
    assert {story.beacons()[host] for host in (2, 3)} == {"1.1" if story.at == site.old else "1.3"}


def test_a_host_that_does_not_come_back_from_its_reboot_is_for_a_person(site: StorySite) -> None:
    story = Story(site, "silent", (1, 2), labels={1: CANARY})
    silence(site, story, 1)
    status, shown = story.roll(osaas_reboot_packages=["beacon"], osaas_reboot_timeout=5, **story.hooks())
    assert status == 2 and story.states() == {1: "quarantined", 2: "eligible"}, shown
    assert "Reboot the host: Timed out waiting" in story.reason(1)
    # Nobody lets a host serve of which nobody knows how it is.
    assert story.pool() == {2}
    assert "unavailable: quarantined" in story.play("explain", osaas_host="host-01")[1]
    speak(site, story, 1)


def test_an_unreachable_host_is_a_failure_whatever_ansible_thinks_of_it(site: StorySite) -> None:
    story = Story(site, "away", range(1, 7), labels={1: CANARY, 2: CANARY})
    for host in ("host-01", "host-02"):
        site.fleet.kill(host)
    try:
        play = site.directory / "careful.yml"
        play.write_text(yaml.safe_dump(CAREFUL, sort_keys=False))
        plain = {"ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_TIMEOUT": "3"}
        careful = subprocess.run(
            site.fleet.command(str(BIN / "ansible-playbook"), str(play)),
            cwd=site.directory,
            env=site.environment() | plain,
            check=False,
            capture_output=True,
            text=True,
        )
        # Two thirds of the first batch are gone, yet the second is begun: this is why the ledger halts.
        recap = dict(re.findall(r"^(host-\d+) .*ok=(\d)", careful.stdout, re.MULTILINE))
        assert recap == {f"host-0{n}": "0" if n in (1, 2) else "1" for n in range(1, 7)}, careful.stdout

        status, shown = story.roll("--forks 6")
        assert status == 2 and "of 6 hosts failed, the error budget is 0" in shown
        states = story.states()
        assert "held" in (states[1], states[2]) and {states[n] for n in range(3, 7)} == {"eligible"}
        assert "cannot be reached" in shown
    finally:
        for host in ("host-01", "host-02"):
            site.fleet.power_on(host)


def test_a_host_that_cannot_be_drained_is_held_and_one_not_undrained_is_for_a_person(site: StorySite) -> None:
    retry = {"drain": {"times": 1, "after": 1}}
    story = Story(site, "balancer", (3, 4, 5), labels={3: CANARY}, error_budget=2, retry=retry)
    had = {host: story.transactions(host) for host in (3, 4, 5)}
    status, shown = story.roll(**story.hooks(drain_fails=(4,), undrain_fails=(5,)))
    assert story.states() == {3: "done", 4: "held", 5: "quarantined"}, shown
    assert status == 2 and "2 of 3 hosts failed" in shown
    assert "Fail, if that is the story: the balancer does not answer" in story.reason(4)
    assert story.attempts()[4] == 2 and story.transactions(4) == had[4]
    # host-05 is well and on the release, but out of service; host-04 has never changed, and serves.
    assert story.pool() == {3, 4}
    assert story.beacons()[5] == story.beacons()[3] != story.beacons()[4]


def test_a_controller_that_is_killed_in_every_phase_is_continued(site: StorySite) -> None:
    story = Story(site, "killed", range(1, 6), max_unavailable_per_domain=2)
    had = {host: story.transactions(host) for host in range(1, 6)}
    story.shell(
        2,
        "mkdir -p /etc/osaas/pre-update.d && cd /etc/osaas/pre-update.d &&"
        " printf '#!/bin/sh\\nuntil [ -e /run/go ]; do sleep 0.2; done\\n' >hold && chmod +x hold",
    )
    silence(site, story, 3)
    hooks = story.hooks(drain=(1,), check=(4,), undrain=(5,))
    hooks["osaas_reboot_packages"] = "{{ ['beacon'] if inventory_hostname == 'host-03' else [] }}"
    with story.rolling(**hooks) as run:
        story.wait_for_stop(1, 4, 5)
        wait_until(lambda: story.transactions(2) > had[2], "host-02 to begin its transaction")
        wait_until(lambda: not story.answers(3), "host-03 to go down")
        kill(run)
    left = story.states()
    assert left == {1: "draining", 2: "activating", 3: "activating", 4: "activating", 5: "activating"}
    story.go()
    story.shell(2, "touch /run/go")
    speak(site, story, 3)
    status, shown = story.roll(**hooks)
    assert status == 0, shown
    assert set(story.states().values()) == {"done"} and set(story.attempts().values()) == {2}
    assert {host: story.transactions(host) - had[host] for host in had} == dict.fromkeys(had, 1)
    assert len(set(story.beacons().values())) == 1 and story.pool() == {1, 2, 3, 4, 5}
