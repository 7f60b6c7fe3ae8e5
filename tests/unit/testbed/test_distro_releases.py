# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the releases of Testbed Linux are."""

from __future__ import annotations

from testbed.distro.releases import FAULTY_BEACON, RELEASES, Release, suffixes

SOURCES = {
    "systemd": "systemd",
    "libsystemd0": "systemd",
    "plugin": "plugin",
    "bash": "bash",
    "hello": "hello",
    "less": "less",
}
TIES = {"plugin": frozenset({"libsystemd0"}), "bash": frozenset({"less"})}


def test_the_story_is_the_one_the_stories_tell() -> None:
    assert [release.name for release in RELEASES] == ["r1", "r2", "r3", "r4"]
    assert [release.minor for release in RELEASES] == [1, 2, 3, 4]
    assert [release.beacon for release in RELEASES] == ["1.0", "1.1", FAULTY_BEACON, "1.3"]
    assert [release.advisory and release.advisory.id for release in RELEASES] == [
        None,
        "TBLSA-2026:0002",
        "TBLBA-2026:0003",
        "TBLBA-2026:0004",
    ]


def test_only_the_second_release_needs_a_reboot_and_names_cves() -> None:
    needs_reboot = {"systemd", "dbus", "glibc", "linux", "openssl"}
    assert [bool(needs_reboot & set(release.sources)) for release in RELEASES] == [False, True, False, False]
    assert [bool(release.advisory and release.advisory.cves) for release in RELEASES] == [
        False,
        True,
        False,
        False,
    ]


def test_each_release_is_later_than_the_one_before() -> None:
    issued = [release.issued for release in RELEASES]
    assert issued == sorted(set(issued))


def test_all_packages_of_a_source_move_together_and_stay_moved() -> None:
    first, second, third, fourth = suffixes(RELEASES, SOURCES, {})
    assert set(first.values()) == {""}
    assert second == {**first, "systemd": "r2", "libsystemd0": "r2", "bash": "r2"}
    assert third == {**second, "hello": "r3", "less": "r3"}
    assert fourth == third


def test_what_is_tied_to_an_exact_version_moves_along() -> None:
    _, second, third, _ = suffixes(RELEASES, SOURCES, TIES)
    assert second["plugin"] == "r2"
    assert third["plugin"] == "r2"
    assert third["bash"] == "r3"  # its own source did not move in r3, less did


def test_ties_of_ties_move_along() -> None:
    (state,) = suffixes(
        [Release("r9", 9, 0, "1.0", sources=("a",))],
        {"a": "a", "b": "b", "c": "c"},
        {"b": frozenset({"a"}), "c": frozenset({"b"})},
    )
    assert state == {"a": "r9", "b": "r9", "c": "r9"}
