# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twelve real hosts in four racks: what becomes of good and bad releases, and what operators do to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from integration.fleet.postgres import postgres
from testbed.distro import Distro

from .story_site import Story, StorySite, ended, story_site, wait_until

CANARY = {"canary": True}
EARLY = {"wave": "early"}
THREE_WAVES = [
    {"name": "canary", "labels": CANARY},
    {"name": "early", "labels": EARLY},
    {"name": "rest", "percent": 100},
]


@pytest.fixture(scope="module")
def site(distro: Distro) -> Iterator[StorySite]:
    with story_site("stories", distro, hosts=12, racks=4) as site:
        yield site


def at_once(story: Story) -> tuple[int, Counter[str]]:
    """How many hosts were claimed at the same time at most, and how many of each rack."""
    rack = {host.name: host.rack for host in story.site.fleet.hosts}
    most, most_of, held = 0, Counter[str](), set[str]()
    for event in sorted([*story.events("claim"), *story.events("record")], key=lambda event: event["id"]):
        if event["what"] == "claim":
            held.add(event["subject"])
        elif event["outcome"].startswith(("done", "rolled back", "quarantined")):
            held.discard(event["subject"])
        most = max(most, len(held))
        most_of |= Counter(rack[host] for host in held)
    return most, most_of


def test_a_good_release_goes_out_to_all_and_is_rolled_back(site: StorySite) -> None:
    story = Story(
        site,
        "good",
        range(1, 13),
        labels={1: CANARY, **dict.fromkeys((2, 3, 4, 5), EARLY)},
        waves=THREE_WAVES,
        max_unavailable=4,
        soak=1,
    )
    status, shown = story.roll("--forks 6", **story.hooks())
    assert status == 0 and story.status()["state"] == "succeeded", shown
    assert set(story.states().values()) == {"done"}
    assert set(story.beacons().values()) == {"1.3"} and story.pool() == set(range(1, 13))
    most, of_each_rack = at_once(story)
    assert 2 <= most <= 4 and set(of_each_rack.values()) == {1}, (most, of_each_rack)
    waves = [event["subject"] for event in story.events("claim")]
    assert waves[0] == "host-01" and set(waves[1:5]) == {f"host-{n:02}" for n in (2, 3, 4, 5)}

    status, shown = story.play(
        "rollback", "--forks 6", osaas_release=story.to, osaas_reason="it eats files", **story.hooks()
    )
    assert status == 0, shown
    assert f"{story.to} is bad (it eats files): back to {story.at}" in shown
    back = story.status()
    assert (back["state"], back["release"]) == ("succeeded", story.at)
    assert set(story.beacons().values()) == {"1.1"} and story.pool() == set(range(1, 13))
    status, shown = story.roll()
    assert status == 2 and "is marked bad: it eats files. Roll out another one" in shown


def test_a_bad_release_is_halted_at_the_canary_and_superseded_by_its_fix(site: StorySite) -> None:
    story = Story(site, "bad", (1, 2, 3), labels={1: CANARY})
    status, _shown = story.roll(osaas_release=site.bad, **story.hooks())
    assert status == 2 and story.states() == {1: "rolled back", 2: "eligible", 3: "eligible"}
    assert story.status()["reason"] == "1 of 3 hosts failed, the error budget is 0"
    assert "beacon" in story.reason(1) and story.pool() == {1, 2, 3}

    fix = site.new if story.at == site.old else site.old
    status, _shown = story.roll(osaas_release=fix)
    assert status == 0 and set(story.states().values()) == {"done"}
    assert story.status(1)["state"] == "superseded" and story.status(1)["reason"] == f"by release {fix}"


def test_an_operator_halts_a_rollout_and_resumes_it_whatever_the_limit(site: StorySite) -> None:
    story = Story(site, "halt", (4, 5, 6), max_unavailable=1)
    with story.rolling(**story.hooks(drain=(4, 5, 6))) as run:
        wait_until(lambda: len(story.pool()) == 2, "one host to be drained")
        assert story.play("halt", "--limit host-06", osaas_reason="the shop is slow")[0] == 0
        assert "the shop is slow" in story.play("status", "--limit host-06")[1]
        story.go()
        assert ended(run) == 2
    halted = story.status()
    assert (halted["state"], halted["reason"]) == ("halted", "the shop is slow")
    assert halted["counts"] == {"done": 1, "eligible": 2} and story.pool() == {4, 5, 6}
    assert story.play("resume", "--limit host-06", osaas_reason="it was the database")[0] == 0
    assert story.roll(**story.hooks())[0] == 0
    assert set(story.states().values()) == {"done"} and set(story.attempts().values()) == {1}


def test_nothing_starts_in_a_freeze_nor_when_the_window_has_closed(site: StorySite) -> None:
    now = datetime.now(UTC)
    closes = (now + timedelta(seconds=75)).replace(second=0, microsecond=0)
    window = {"from": f"{closes - timedelta(hours=2):%H:%M}", "until": f"{closes:%H:%M}"}
    windowed = Story(site, "window", (7, 8), max_unavailable=1, windows=[window])
    with windowed.rolling(**windowed.hooks(drain=(7, 8))) as run:
        thaws = now + timedelta(days=1)
        freeze = {"from": "2026-01-01", "until": thaws.isoformat(), "reason": "holidays"}
        frozen = Story(site, "freeze", (9,), freezes=[freeze])
        status, shown = frozen.roll()
        assert status == 0 and "holidays" in shown and frozen.states() == {9: "eligible"}

        wait_until(lambda: datetime.now(UTC) > closes, "the window to close")
        windowed.go()
        assert ended(run) == 0
    assert windowed.status()["counts"] == {"done": 1, "eligible": 1} and windowed.pool() == {7, 8}
    [waiting] = [host for host, state in windowed.states().items() if state == "eligible"]
    _status, shown = windowed.play("explain", "--limit host-12", osaas_host=f"host-{waiting:02}")
    assert "it waits: outside of every window; the next window opens at" in shown


def test_an_exempt_host_is_left_out_and_a_late_one_joins(site: StorySite) -> None:
    story = Story(site, "late", (9, 10, 11))
    expires = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    exempt = {"hosts": ["host-10"], "owner": "payments", "reason": "card readers", "expires": expires}
    story.module("exemption", **exempt)
    assert story.roll()[0] == 0
    assert story.states() == {9: "done", 10: "exempt", 11: "done"} and story.status()["state"] == "succeeded"
    assert "payments: card readers" in story.play("explain", osaas_host="host-10")[1]

    story.join(12)
    story.module("exemption", hosts=["host-10"], state="absent")
    assert story.roll()[0] == 0
    assert set(story.states().values()) == {"done"} and set(story.attempts().values()) == {1}


def test_a_barrier_is_not_skipped(site: StorySite) -> None:
    story = Story(site, "barrier", (7, 8), at=site.old)
    assert story.roll("--limit host-07", osaas_release=site.bad, osaas_health_checks=[])[0] == 0
    story.module("release_mark", release=site.bad, mark="barrier", reason="changes the disk's format")
    status, shown = story.roll(osaas_health_checks=[])
    assert status == 0 and story.states() == {7: "done", 8: "eligible"}
    assert f"the host must not skip release {site.bad}, a barrier: roll that out first" in shown

    assert story.roll("--limit host-08", osaas_release=site.bad, osaas_health_checks=[])[0] == 0
    assert story.roll(osaas_health_checks=[])[0] == 0
    assert story.states() == {7: "done", 8: "done"}
    for host in (7, 8):
        story.shell(host, "systemctl restart beacon")  # broken by the release between, unseen without checks
    wait_until(lambda: set(story.beacons().values()) == {"1.3"}, "both to serve the release")


def test_a_newer_release_takes_over_and_hosts_in_flight_finish(site: StorySite) -> None:
    story = Story(site, "newer", (1, 2), max_unavailable=1)
    first = {"osaas_release": site.bad, "osaas_health_checks": []}
    with story.rolling(**first, **story.hooks(drain=(1, 2))) as older:
        wait_until(lambda: len(story.pool()) == 1, "one host to be drained")
        [in_flight] = {1, 2} - story.pool()
        with story.rolling() as newer:
            wait_until(lambda: story.status()["id"] == 2, "the newer rollout to be opened")
            story.go()
            assert ended(older) == 2
            assert ended(newer) == 0
    superseded = {host["host"]: host["state"] for host in story.status(1)["hosts"]}
    assert superseded.pop(f"host-{in_flight:02}") == "done" and set(superseded.values()) == {"eligible"}
    assert story.status(1)["state"] == "superseded" and story.states() == {1: "done", 2: "done"}


def test_two_controllers_share_a_rollout_on_postgresql(site: StorySite) -> None:
    with postgres() as server:
        story = Story(site, "shared", range(3, 9), ledger=server.address(), max_hosts_per_run=3)
        hooks = story.hooks(drain=range(3, 9))
        with story.rolling(**hooks) as one, story.rolling(**hooks) as other:
            wait_until(lambda: len(story.pool()) <= 3, "hosts to be drained")
            story.go()
            assert (ended(one), ended(other)) == (0, 0)
        assert set(story.states().values()) == {"done"} and set(story.attempts().values()) == {1}
        assert sorted(Counter(event["who"] for event in story.events("claim")).values()) == [3, 3]
        assert set(at_once(story)[1].values()) == {1}
        assert len(set(story.beacons().values())) == 1


def test_serial_throttle_tags_limit_and_check_mode_keep_their_meaning(site: StorySite) -> None:
    story = Story(site, "knobs", (9, 10, 11, 12))
    status, shown = story.roll("--check")
    assert status == 0 and f"Release {story.to} to 4 in wave fleet, of 4 hosts" in shown
    assert "If the release breaks every host, at most" in shown and not story.events("open rollout")
    before = {host: story.transactions(host) for host in (9, 10, 11, 12)}

    assert story.roll("--tags nothing", **story.hooks(drain_fails=(9,)))[0] == 0
    assert not story.events("open rollout")
    assert story.roll("--limit host-09 --skip-tags drain", **story.hooks(drain_fails=(9,)))[0] == 0
    assert story.states() == {9: "done", 10: "eligible", 11: "eligible", 12: "eligible"}

    assert story.roll(osaas_serial=1, osaas_stage_throttle=1, **story.hooks())[0] == 0
    assert set(story.states().values()) == {"done"} and at_once(story)[0] == 1
    assert {host: story.transactions(host) - had for host, had in before.items()} == dict.fromkeys(before, 1)


def test_a_run_ends_when_it_is_told_to(site: StorySite) -> None:
    story = Story(site, "until", (1, 2), labels={1: CANARY}, soak=5)
    assert story.roll(osaas_run_until="once")[0] == 0
    assert story.states() == {1: "done", 2: "eligible"}
    assert story.roll(osaas_run_until="done")[0] == 0
    assert story.states() == {1: "done", 2: "done"}
    canary_done = next(event for event in story.events("record") if event["outcome"] == "done")
    assert story.events("claim")[-1]["time"] >= canary_done["time"] + 5
