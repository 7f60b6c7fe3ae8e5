# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Package names and versions, compared as rpm compares them (rpm's docs, "Version comparison")."""

from __future__ import annotations

import re
import typing as t
from functools import cmp_to_key

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError

NEVRA = re.compile(r"(.+)-(?:(\d+):)?([^-:]+)-([^-:]+)\.([^.-]+)")
SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")


class Nevra(t.NamedTuple):
    """What names one build of one package."""

    name: str
    epoch: int
    version: str
    release: str
    arch: str

    def __str__(self) -> str:
        """The epoch is always written, so that names compare."""
        return f"{self.name}-{self.evr}.{self.arch}"

    @property
    def evr(self) -> str:
        """For example 0:1.2-3.el9."""
        return f"{self.epoch}:{self.version}-{self.release}"


def parse_nevra(text: str, *, where: str) -> Nevra:
    """Read name-[epoch:]version-release.arch. Raises InputError."""
    found = NEVRA.fullmatch(text)
    if found is None:
        raise InputError(
            f"{text!r} is not the name of a package build",
            where=where,
            way_out="Give it as name-[epoch:]version-release.arch",
        )
    name, epoch, version, release, arch = found.groups()
    return Nevra(name, int(epoch or 0), version, release, arch)


def compare_versions(one: str, other: str) -> int:
    """-1, 0 or 1: how rpm orders two versions, or two releases.

    Runs of digits compare as numbers, runs of letters as text, and a number is newer than letters. `~` is
    older than the end of the text (a pre-release), `^` is newer than the end and older than anything else.
    All other characters only part the runs.
    """
    left, right = SEGMENT.findall(one), SEGMENT.findall(other)
    for mine, its in zip([*left, ""], [*right, ""]):
        if mine == its:
            continue
        for mark in ("~", "^"):
            if mark in (mine, its):
                return _marked(mark, mine, its)
        if not mine or not its:
            return 1 if mine else -1
        if mine.isdigit() != its.isdigit():
            return 1 if mine.isdigit() else -1
        if mine.isdigit():
            # Not int(): Python refuses to read thousands of digits, which a hostile repo may send.
            number, other_number = mine.lstrip("0"), its.lstrip("0")
            if number == other_number:
                continue
            return 1 if (len(number), number) > (len(other_number), other_number) else -1
        return 1 if mine > its else -1
    return 0


def _marked(mark: str, mine: str, its: str) -> int:
    """The order of two unequal segments, one of which at least is `mark`."""
    if mark == "~":
        return -1 if mine == "~" else 1
    # A caret is newer than the end, and older than whatever else goes on.
    if mine == "^":
        return 1 if its == "" else -1
    return -1 if mine == "" else 1


def compare_evr(one: Nevra, other: Nevra) -> int:
    """-1, 0 or 1: whether `one` is an older, the same or a newer build than `other`."""
    if one.epoch != other.epoch:
        return 1 if one.epoch > other.epoch else -1
    return compare_versions(one.version, other.version) or compare_versions(one.release, other.release)


evr_key = cmp_to_key(compare_evr)
