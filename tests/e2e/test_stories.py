# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twelve real hosts in four racks: what becomes of good and bad releases, and what operators do to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
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
