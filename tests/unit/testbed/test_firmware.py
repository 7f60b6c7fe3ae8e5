# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The testbed's boot loader decides as the cases say, on directories alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import BootEntry, parse_entry
from testbed.firmware.cases import CASES, Case, file_name, spelled
from testbed.firmware.loader import ENTRIES, choose, entry_files
from testbed.firmware.record import Boot, boots, note

DIGESTS = {"A": "a" * 64, "B": "b" * 64}


@pytest.fixture
def esp(tmp_path: Path) -> Path:
    (tmp_path / ENTRIES).mkdir(parents=True)
    (tmp_path / "vmlinuz").touch()
    return tmp_path


def enter(esp: Path, entry: str, linux: str = "/vmlinuz") -> Path:
    name = file_name(entry, DIGESTS)
    read = parse_entry(name, "")
    text = BootEntry(read.name, sort_key="osaas", version=entry.partition("-")[0], linux=linux).text()
    path = esp / ENTRIES / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case(case: Case, esp: Path) -> None:
    for entry in case.entries:
        enter(esp, entry)

    chosen = [choose(esp).entry for _boot in case.boots]
    booted = [entry for entry in chosen if entry is not None]
    last = booted[-1]
    if last.tries_left is not None:  # the last boot of a case is a good one
        (esp / ENTRIES / last.file_name).rename(esp / ENTRIES / last.blessed().file_name)

    assert tuple(spelled([entry.file_name], DIGESTS)[0] for entry in booted) == case.boots
    assert spelled(entry_files(esp), DIGESTS) == case.after


def test_an_entry_without_its_kernel_is_not_there(esp: Path) -> None:
    enter(esp, "1-A")
    enter(esp, "2-B+3", linux="/gone")

    choice = choose(esp)

    assert choice.entry is not None
    assert spelled([choice.entry.file_name], DIGESTS) == ("1-A",)
    assert choice.before == choice.after


def test_nothing_can_be_booted(esp: Path) -> None:
    enter(esp, "1-A", linux="/gone")

    assert choose(esp).entry is None


def test_the_last_entry_is_booted_even_without_tries(esp: Path) -> None:
    enter(esp, "1-A+0-3")

    assert spelled(choose(esp).after, DIGESTS) == ("1-A+0-4",)


def test_what_was_decided_is_told_again(tmp_path: Path) -> None:
    decided = [Boot(("a",), "a", ("b",), "booted"), Boot((), "", (), "nothing can be booted")]
    assert boots(tmp_path / "record") == []

    for one in decided:
        note(tmp_path / "record", one)

    assert boots(tmp_path / "record") == decided
