# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hold says, and what holds make of the packages that there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold import (
    Effect,
    Hold,
    parse_moment,
    parse_version,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.holding import Row, decide
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package, RemoteFile
from ansible_collections.osaas.fleet.plugins.module_utils._repo.source_builds import State

UNTIL = datetime(2027, 1, 1, tzinfo=UTC)


def hold(**given: str) -> Hold:
    return Hold(UNTIL, "a reason", **given)


def state(
    *packages: str, streams: dict[str, str] | None = None, advisories: dict[str, dict[str, str]] | None = None
) -> State:
    """Packages as NEVRA, or NEVRA < source RPM without its suffix."""
    return State(
        Path("tree"),
        [_package(text) for text in packages],
        streams or {},
        advisories or {},
    )


def _package(text: str) -> Package:
    nevra, _sign, source = text.partition(" < ")
    build = parse_nevra(nevra, where="test")
    source = source or f"{build.name}-{build.version}-{build.release}"
    file = RemoteFile(f"{nevra}.rpm", "sha256", "0" * 64, 1)
    return Package(str(build), file, build, f"{source}.src.rpm", ("", file.href))


def outcome(holds: Sequence[Hold], *states: State) -> list[str]:
    """What the repo has then: carried packages come last, with a plus."""
    repos, _effects = decide(holds, [{"os": one} for one in states])
    kept = [package.nevra for package in repos["os"].take]
    return kept + [f"+{package.nevra}" for _state, package in repos["os"].carried]


@pytest.mark.parametrize(
    ("text", "build", "order"),
    [
        ("1.10", "s-1.9-1.src", -1),
        ("1.10", "s-5:1.10-7.src", 0),
        ("1.10-7", "s-1.10-8.src", 1),
        ("5:1.10", "s-1.11-1.src", -1),
        ("0:1.10-7", "s-1.10-7.src", 0),
        ("1:1", "s-2:0-1.src", 1),
    ],
)
def test_what_a_version_does_not_say_is_not_compared(text: str, build: str, order: int) -> None:
    assert parse_version(text, where="test").compare(parse_nevra(build, where="test")) == order


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-01", UNTIL),
        ("2027-01-01T00:00:00Z", UNTIL),
        ("2027-01-01 02:00:00+02:00", UNTIL),
        ("2027-01-01T06:30", UNTIL + timedelta(hours=6.5)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    parsed = parse_moment(text, where="test")
    assert parsed == moment
    assert parsed.tzinfo is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "holds: give one of source, glob and advisory"),
        ({"source": "a", "glob": "b"}, "holds: give one of source, glob and advisory"),
        ({"source": "a", "reason": " "}, "hold of source a: it needs a reason"),
        (
            {"source": "a", "version": "1", "block": "2"},
            "hold of source a: give one of version and block; an advisory says by itself what goes",
        ),
        (
            {"advisory": "A-1", "block": "2"},
            "hold of advisory A-1: give one of version and block; an advisory says by itself what goes",
        ),
        (
            {"glob": "a*", "block": "1-2-3"},
            "hold of glob a*: '1-2-3' is not a version. Give it as [epoch:]version[-release]",
        ),
        (
            {"source": "a", "version": "*"},
            "hold of source a: '*' is not a version. Give it as [epoch:]version[-release]",
        ),
        (
            {"source": "a", "until": "soon"},
            "holds: until: 'soon' is not a time."
            " Give it in ISO 8601, such as 2026-12-31 or 2026-12-31T18:00:00Z",
        ),
    ],
)
def test_bad_holds(given: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Hold.from_dict({"until": "2027-01-01", "reason": "a reason", **given})
    assert str(caught.value) == message


def test_a_hold_reads_back() -> None:
    effect = Effect(hold(source="lib", block="2", owner="me"), ("lib",), ("lib-0:1-1.x",), ())
    raw = effect.to_dict()
    assert raw == {
        "source": "lib",
        "block": "2",
        "owner": "me",
        "reason": "a reason",
        "until": "2027-01-01T00:00:00+00:00",
        "sources": ["lib"],
        "carried": ["lib-0:1-1.x"],
        "left_out": [],
    }
    assert Effect.from_dict(raw) == effect
    local = Hold(datetime(2027, 1, 1, tzinfo=timezone(timedelta(hours=2))), "a reason", glob="x")
    assert Hold.from_dict(local.to_dict()) == local


BEFORE = state("lib-1-1.x", "lib-devel-1-1.x < lib-1-1", "new-1-1.x", "gone-1-1.x")
NOW = state("lib-2-1.x", "lib-devel-2-1.x < lib-2-1", "new-2-1.x", "fresh-1-1.x")


@pytest.mark.parametrize(
    ("given", "has"),
    [
        ({"source": "nothing"}, ["lib-0:2-1.x", "lib-devel-0:2-1.x", "new-0:2-1.x", "fresh-0:1-1.x"]),
        ({"source": "lib"}, ["new-0:2-1.x", "fresh-0:1-1.x", "+lib-0:1-1.x", "+lib-devel-0:1-1.x"]),
        ({"glob": "*-devel"}, ["new-0:2-1.x", "fresh-0:1-1.x", "+lib-0:1-1.x", "+lib-devel-0:1-1.x"]),
        ({"source": "lib-devel"}, ["lib-0:2-1.x", "lib-devel-0:2-1.x", "new-0:2-1.x", "fresh-0:1-1.x"]),
        (
            {"glob": "gone"},
            ["lib-0:2-1.x", "lib-devel-0:2-1.x", "new-0:2-1.x", "fresh-0:1-1.x", "+gone-0:1-1.x"],
        ),
        ({"source": "fresh"}, ["lib-0:2-1.x", "lib-devel-0:2-1.x", "new-0:2-1.x"]),
        ({"source": "lib", "block": "*"}, ["new-0:2-1.x", "fresh-0:1-1.x"]),
        (
            {"source": "lib", "version": "1"},
            ["new-0:2-1.x", "fresh-0:1-1.x", "+lib-0:1-1.x", "+lib-devel-0:1-1.x"],
        ),
    ],
)
def test_what_a_hold_keeps(given: dict[str, str], has: list[str]) -> None:
    assert outcome([hold(**given)], NOW, BEFORE) == has


def test_without_a_snapshot_before_there_is_nothing_to_keep() -> None:
    assert outcome([hold(source="lib")], NOW) == [package.nevra for package in NOW.packages]


def test_the_first_hold_that_fits_decides() -> None:
    holds = [hold(source="lib", block="2"), hold(glob="*")]

    assert outcome(holds, NOW, BEFORE) == [
        "lib-0:2-1.x",
        "lib-devel-0:2-1.x",
        "+gone-0:1-1.x",
        "+new-0:1-1.x",
    ]
    _repos, effects = decide(holds, [{"os": NOW}, {"os": BEFORE}])
    assert [(effect.outcome, effect.sources) for effect in effects] == [
        ("idle", ("lib",)),
        ("applied", ("fresh", "gone", "new")),
    ]


def test_the_newest_build_that_may_stay_is_there() -> None:
    older, newer = state("lib-1-1.x"), state("lib-2-1.x")
    assert outcome([hold(source="lib", block="2")], state("lib-1-1.x", "lib-3-1.x"), newer, older) == [
        "lib-0:1-1.x",
        "+lib-0:2-1.x",
    ]
    assert outcome([hold(source="lib", block="1")], state("lib-3-1.x"), newer, older) == ["+lib-0:1-1.x"]


def test_history_is_read_only_as_far_as_needed() -> None:
    class Rows:
        def __iter__(self) -> Iterator[Row]:
            yield {"os": NOW}
            yield {"os": BEFORE}
            raise AssertionError("too far")

    holds = [hold(source="lib"), hold(source="new", block="1")]
    repos, _effects = decide(holds, Rows())
    assert repos["os"].why == (
        "hold of source lib (2 packages left out, 2 carried forward)",
        "hold of source new (1 packages left out, 1 carried forward)",
    )


def test_one_source_in_two_repos() -> None:
    """A package of the source that is new in the other repo goes with it."""
    rows = [
        {"base": state("lib-2-1.x"), "app": state("lib-extra-2-1.x < lib-2-1")},
        {"base": state("lib-1-1.x"), "app": state("other-1-1.x")},
    ]

    for given in ({}, {"version": "1"}, {"block": "1"}):
        repos, [effect] = decide([hold(source="lib", **given)], rows)
        assert [package.nevra for _state, package in repos["base"].carried] == ["lib-0:1-1.x"]
        assert (repos["app"].take, repos["app"].carried) == ((), ())
        assert effect.left_out == ("lib-0:2-1.x", "lib-extra-0:2-1.x")


def test_an_epoch_is_that_of_the_packages() -> None:
    """Few packages of a source have another epoch than the others."""
    there = state("lib-1:1-1.x", "lib-data-1-1.x < lib-1-1", "lib-2:0-1.x", "lib-data-0-1.x < lib-0-1")
    assert outcome([hold(source="lib", block="1:9")], there) == ["lib-1:1-1.x", "lib-data-0:1-1.x"]


def test_module_streams_are_apart() -> None:
    streams = {"node-0:18.2-1.x": "node:18", "node-0:20.2-1.x": "node:20"}
    there = state("node-18.2-1.x", "node-20.2-1.x", streams=streams)
    old = state("node-18.1-1.x", streams={"node-0:18.1-1.x": "node:18"})

    assert outcome([hold(source="node", version="18.1")], there, old) == [
        "node-0:20.2-1.x",
        "+node-0:18.1-1.x",
    ]


def test_a_package_comes_back_as_it_was() -> None:
    """In its module stream, though upstream no longer has it in one."""
    old = state("node-18.1-1.x", streams={"node-0:18.1-1.x": "node:18"})

    assert outcome([hold(source="node")], state("node-18.1-1.x", "node-18.2-1.x"), old) == [
        "+node-0:18.1-1.x"
    ]


ADVISORIES = {"A-1": {"lib-0:2-1.x": "", "elsewhere-0:1-1.x": ""}}


def test_an_advisory_keeps_out_what_it_names_and_newer_ones() -> None:
    there = state("lib-1-1.x", "lib-2-1.x", "lib-3-1.x", "other-2-1.x", advisories=ADVISORIES)

    assert outcome([hold(advisory="A-1")], there) == ["lib-0:1-1.x", "other-0:2-1.x"]
    assert outcome([hold(advisory="A-2")], there) == [package.nevra for package in there.packages]


def test_an_advisory_is_about_all_of_the_source() -> None:
    """Also about packages that it does not name, in another repo."""
    there = {"base": state("lib-2-1.x", advisories=ADVISORIES), "app": state("extra-2-1.x < lib-2-1")}
    before = {"base": state("lib-1-1.x"), "app": state("extra-1-1.x < lib-1-1")}
    repos, [effect] = decide([hold(advisory="A-1")], [there, before])
    assert [repo.take for repo in repos.values()] == [(), ()]
    assert effect.carried == ("extra-0:1-1.x", "lib-0:1-1.x")


def test_an_advisory_whose_builds_upstream_replaced() -> None:
    before = state("lib-1-1.x")
    assert outcome([hold(advisory="A-1")], state("lib-3-1.x", advisories=ADVISORIES), before) == [
        "+lib-0:1-1.x"
    ]


def test_an_advisory_that_upstream_forgot() -> None:
    earlier = Effect(hold(advisory="A-1"), ("lib",), (), ("lib-0:2-1.x",))
    rows = [{"os": state("lib-3-1.x")}, {"os": state("lib-1-1.x")}]
    repos, [effect] = decide([hold(advisory="A-1")], rows, [earlier])
    assert (repos["os"].take, effect.carried, effect.left_out) == ((), ("lib-0:1-1.x",), ("lib-0:3-1.x",))
    assert decide([hold(advisory="A-2")], rows, [earlier])[1][0].outcome == "unmatched"


@pytest.mark.parametrize("said", ["", "node:18"])
def test_an_advisory_is_about_its_module_stream(said: str) -> None:
    streams = {"node-0:18.2-1.x": "node:18", "node-0:20.2-1.x": "node:20"}
    advisories = {"A-1": {"node-0:18.2-1.x": said}}
    there = state("node-18.2-1.x", "node-20.2-1.x", streams=streams, advisories=advisories)

    assert outcome([hold(advisory="A-1")], there) == ["node-0:20.2-1.x"]


def test_packages_that_are_source_packages_or_name_none() -> None:
    there = state("lib-2-1.src", "lib-2-1.x")
    nameless: Any = there.packages[1]._replace(source="")
    there = State(there.tree, [there.packages[0], nameless], {}, {})

    assert outcome([hold(source="lib", block="*")], there) == []


def test_a_version_that_is_nowhere() -> None:
    with pytest.raises(InputError) as caught:
        decide([hold(source="lib", version="9")], [{"os": NOW}, {"os": BEFORE}])
    assert str(caught.value) == (
        "hold of source lib: no mirror and no snapshot has version 9 of lib."
        " The mirrors and the last snapshot have lib-0:1-1, lib-0:2-1"
    )
