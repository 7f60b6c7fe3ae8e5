# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight foretells is what the machine's real dnf does with the same host and the same repo."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._evr import parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.solve import Universe
from integration.repo.rooms import Package, Room, Rooms, read_rooms

CHANCES = {"Requires": 0.7, "Recommends": 0.4, "Supplements": 0.15, "Conflicts": 0.1, "Obsoletes": 0.12}
CHOICES = {
    "Requires": ("{a}", "{a} >= 2", "({a} if {b})", "({a} or {b})"),
    "Recommends": ("{a}", "{a} >= 2", "({a} if {b})"),
    "Supplements": ("{a}", "({a} and {b})"),
    "Conflicts": ("{a}", "{a} < 2", "({a} unless {b})"),
    "Obsoletes": ("{a}", "{a} < 2"),
}


def world(seed: int, names: int = 12) -> Room:
    """A made-up world: relations thrown by dice, on a host that may be whole or not.

    Of the first hundreds of seeds one ends in another way than with dnf: 219, where libsolv 0.7.23, which is
    Debian 12's, installs what 0.7.39, which preflight uses, does without, given the same jobs and packages.
    """
    dice = random.Random(seed)
    all_names = [f"w{seed}p{number}" for number in range(names)]

    def package(name: str, version: int) -> Package:
        tags = []
        for tag, chance in CHANCES.items():
            if dice.random() < chance:
                a, b = dice.sample([other for other in all_names if other != name], 2)
                tags.append(f"{tag}: {dice.choice(CHOICES[tag]).format(a=a, b=b)}")
        return Package(name, str(version), tuple(tags))

    built: dict[tuple[str, int], Package] = {}  # one build has one set of relations

    def build(name: str, version: int) -> Package:
        return built.setdefault((name, version), package(name, version))

    installed = [build(name, dice.choice((1, 1, 1, 2))) for name in dice.sample(all_names, names * 2 // 3)]
    offered = [build(name, dice.choice((1, 2, 2, 3))) for name in dice.sample(all_names, names - 2)]
    return Room(f"world{seed}", tuple(installed), tuple(offered))


ROOMS = read_rooms(Path(__file__).with_name("rooms.yml"))
WORLDS = tuple(world(seed) for seed in range(60))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """For every room what was foretold, and what dnf says."""
    rooms = Rooms(tmp_path_factory.mktemp("rooms"))
    groups: list[Sequence[Room]] = [WORLDS, *([room] for room in ROOMS)]
    built = {}
    for group in groups:
        built.update(rooms.build([one for room in group for one in (*room.installed, *room.offered)]))
    roots, told = [], []
    for room in (*ROOMS, *WORLDS):
        old = rooms.repo(f"{room.name}-old", [built[one] for one in room.installed])
        new = rooms.repo(room.name, [built[one] for one in dict.fromkeys(room.offered)], room.modules)
        root = rooms.root(room.name, [built[one] for one in room.installed], room.enabled)
        roots.append((root, new))
        told.append(foretell(room, new, old, rooms.installed(root)))
    said = rooms.ask_dnf(roots)
    names = [room.name for room in (*ROOMS, *WORLDS)]
    return dict(zip(names, zip(told, said, strict=True), strict=True))


def foretell(room: Room, new: Path, old: Path, installed: Sequence[str]) -> dict[str, Any]:
    packages = {parse_nevra(one, where=room.name) for one in installed}
    done = Universe(NoRunner(), "x86_64", [new], [old], packages).distro_sync(
        packages, None if room.untold else room.enabled
    )
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(done).items()}


class NoRunner:
    """Metadata that is packed with gzip needs no program."""

    def run(self, *_arguments: Any, **_options: Any) -> Any:
        raise AssertionError("nothing is to be run")

    def warn(self, message: str) -> None:
        raise AssertionError(message)


@pytest.mark.parametrize("name", [room.name for room in ROOMS])
def test_it_is_what_dnf_does(name: str, answers: dict[str, Any]) -> None:
    told, said = answers[name]
    assert (told["solved"], said) == (True, {**said, "solved": True})
    removed = sorted((*told["remove"], *told["expire"]))
    kinds = {kind: value for kind, value in said.items() if kind != "gone"}
    assert {**told, "remove": removed} == {**told, **kinds}


@pytest.mark.parametrize("name", [room.name for room in WORLDS])
def test_it_ends_as_with_dnf(name: str, answers: dict[str, Any]) -> None:
    """Only the end counts: dnf calls some packages obsoleted that are exchanged for another version, and the
    other way round where a package both replaces another one and is downgraded.
    """
    told, said = answers[name]
    assert told["solved"] == said["solved"], said
    if said["solved"]:
        assert end(told) == end(said)


def end(transaction: dict[str, Any]) -> dict[str, Any]:
    come = {one for kind in ("install", "upgrade", "downgrade") for one in transaction[kind]}
    gone = {one for kind in ("replace", "remove", "expire", "gone") for one in transaction.get(kind, ())}
    changed = {one.rpartition("-")[0].rpartition("-")[0] for one in come}
    left = {one for one in gone if one.rpartition("-")[0].rpartition("-")[0] not in changed}
    return {"come": come, "gone": left, "download": transaction["download"], "grow": transaction["grow"]}


def test_the_worlds_are_worth_it(answers: dict[str, Any]) -> None:
    said = [answers[room.name][1] for room in WORLDS]
    assert sum(one["solved"] for one in said) > 40
    assert sum(bool(one.get("remove")) for one in said) > 15
    assert not all(one["solved"] for one in said)
