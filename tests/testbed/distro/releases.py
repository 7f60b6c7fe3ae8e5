# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the releases of Testbed Linux are: the story an upstream tells, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Advisory:
    """An advisory as updateinfo.xml has it; `kind` is "security" or "bugfix"."""

    id: str
    kind: str
    severity: str
    title: str
    description: str
    cves: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """One state of upstream. `issued`: seconds since 1970; `sources`: source packages built anew in it."""

    name: str
    minor: int
    issued: int
    beacon: str
    sources: tuple[str, ...] = ()
    advisory: Advisory | None = None


FAULTY_BEACON = "1.2"

RELEASES = (
    Release("r1", 1, issued=1790812800, beacon="1.0"),  # 2026-10-01
    Release(
        "r2",
        2,
        issued=1792022400,
        beacon="1.1",  # 2026-10-15
        sources=("bash", "ca-certificates", "curl", "dbus", "jq", "openssh", "systemd", "tzdata"),
        advisory=Advisory(
            "TBLSA-2026:0002",
            "security",
            "Important",
            "Important: systemd, openssh, curl and others",
            "Updates that close several holes. A reboot is needed to run the new systemd and dbus.",
            cves=("CVE-2026-90001", "CVE-2026-90002", "CVE-2026-90003"),
        ),
    ),
    Release(
        "r3",
        3,
        issued=1793232000,
        beacon=FAULTY_BEACON,  # 2026-10-29
        sources=("hello", "less"),
        advisory=Advisory(
            "TBLBA-2026:0003",
            "bugfix",
            "Low",
            "beacon, hello and less: ordinary bug fixes",
            "beacon reads its listen address from its configuration.",
        ),
    ),
    Release(
        "r4",
        4,
        issued=1794441600,
        beacon="1.3",  # 2026-11-12
        advisory=Advisory(
            "TBLBA-2026:0004",
            "bugfix",
            "Important",
            "beacon: starts again without a listen address",
            "beacon 1.2 did not start unless its configuration named a listen address. Mended.",
        ),
    ),
)


def suffixes(
    releases: Iterable[Release], sources: Mapping[str, str], ties: Mapping[str, frozenset[str]]
) -> list[dict[str, str]]:
    """For each release, the build suffix of each Debian package: the release that built it anew, or "".

    `sources` gives each package's source, `ties` the packages that each requires in exactly their version:
    what is tied to a package built anew is built anew with it, or an update would take half of them.
    """
    states: list[dict[str, str]] = []
    current = dict.fromkeys(sources, "")
    for release in releases:
        moved = {name for name, source in sources.items() if source in release.sources}
        while more := {name for name in sources if name not in moved and ties.get(name, frozenset()) & moved}:
            moved |= more
        current = {**current, **dict.fromkeys(moved, release.name)}
        states.append(current)
    return states
