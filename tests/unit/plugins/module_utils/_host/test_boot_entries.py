# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot entries: the same names, orders and counters as systemd's own."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import (
    BootEntry,
    boot_order,
    compare_versions,
    parse_entry,
)
from hypothesis import given, settings
from hypothesis import strategies as st

OLD = BootEntry("fleet-1", version="20261101T000000Z", sort_key="osaas")
NEW = BootEntry("fleet-2", version="20261102T000000Z", sort_key="osaas", tries_left=2)

TEXT = """\
# written by a person
title Fleet
version 20261102T000000Z
sort-key osaas
linux /osaas/2/vmlinuz
initrd /osaas/2/initrd
initrd /osaas/2/more
options root=UUID=1 rw
options quiet
colour green
"""


def test_an_entry_is_read_with_its_counters() -> None:
    entry = parse_entry("fleet-2+1-1.conf", TEXT)
    assert entry == BootEntry(
        "fleet-2",
        title="Fleet",
        version="20261102T000000Z",
        sort_key="osaas",
        linux="/osaas/2/vmlinuz",
        initrd=("/osaas/2/initrd", "/osaas/2/more"),
        options=("root=UUID=1", "rw", "quiet"),
        tries_left=1,
        tries_done=1,
    )
    assert parse_entry(entry.file_name, entry.text()) == entry


@pytest.mark.parametrize(
    ("name", "left", "done"),
    [
        ("a.conf", None, 0),
        ("a+3.conf", 3, 0),
        ("a+3-0.conf", 3, 0),
        ("a+0-3.conf", 0, 3),
        ("a+b+2.conf", 2, 0),
    ],
)
def test_counters_of_file_names(name: str, left: int | None, done: int) -> None:
    entry = parse_entry(name, "")
    assert (entry.tries_left, entry.tries_done) == (left, done)


def test_what_is_no_entry_is_named() -> None:
    with pytest.raises(
        HostError, match=r"^loader\.txt: is not the name of a boot entry\. Expected NAME\.conf$"
    ):
        parse_entry("loader.txt", "")


def test_a_new_release_that_never_comes_up_leaves_the_old_one() -> None:
    seen, entries = [], {OLD.name: OLD, NEW.name: NEW}
    for _boot in range(4):
        first = boot_order(entries.values())[0]
        entries[first.name] = first.tried()
        seen.append(entries[first.name].file_name)
    assert seen == ["fleet-2+1-1.conf", "fleet-2+0-2.conf", "fleet-1.conf", "fleet-1.conf"]


def test_a_blessed_entry_is_counted_no_more() -> None:
    blessed = NEW.tried().blessed()
    assert blessed.file_name == "fleet-2.conf"
    assert blessed.tried() == blessed
    assert boot_order([OLD, blessed])[0] == blessed


def test_the_order_of_entries() -> None:
    ordered = [
        BootEntry("x", version="2", sort_key="a"),
        BootEntry("x", version="1", sort_key="a", tries_left=3),
        BootEntry("x", version="1", sort_key="a", tries_left=2, tries_done=1),
        BootEntry("x", version="1", sort_key="a", tries_left=2, tries_done=2),
        BootEntry("x", version="9", sort_key="a", machine_id="0"),
        BootEntry("x", version="9", sort_key="b"),
        BootEntry("no-key-10"),
        BootEntry("no-key-9"),
        BootEntry("x", version="9", sort_key="a", tries_left=0, tries_done=3),
    ]
    assert list(boot_order(ordered[::-1])) == ordered


def test_versions_in_the_order_of_the_specification() -> None:
    ordered = [
        "~",
        "",
        "a",
        "1~rc1",
        "1",
        "1-1",
        "1^",
        "1.1",
        "2",
        "10",
        "20261101T000000Z",
        "20261102T000000Z",
    ]
    places = range(len(ordered) - 1)
    assert all(compare_versions(ordered[place], ordered[place + 1]) == -1 for place in places)


def test_characters_of_no_meaning_only_part_numbers() -> None:
    assert compare_versions("1_10", "1_9") == 1
    assert compare_versions("1_1", "11") == -1


@settings(max_examples=60, deadline=None)
@given(*[st.from_regex(r"([019aB]{1,2}[-~^.])?[019aB]{1,2}([-~^.][019aB]{0,2})?", fullmatch=True)] * 2)
def test_versions_compare_as_systemd_compares_them(one: str, other: str) -> None:
    said = subprocess.run(
        ["systemd-analyze", "compare-versions", "--", one, other], capture_output=True, check=False
    ).returncode
    assert compare_versions(one, other) == {11: 1, 0: 0, 12: -1}[said]
