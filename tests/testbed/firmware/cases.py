# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a boot loader must decide, as data: proven on nspawn and on virtual machines by the same words.

An entry is written as its number, a dash, the name of its image, and its counters: `2-B+1-1` is the second
commit, of image B, which may fail once more and has failed once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_SPELLED = re.compile(r"(?P<number>\d+)-(?P<image>[A-Za-z]+)(?P<counters>(?:\+\d+(?:-\d+)?)?)")
_FILE = re.compile(r"osaas-(?P<number>\d{6})-(?P<short>[0-9a-f]{16})(?P<counters>(?:\+\d+(?:-\d+)?)?)\.conf")


@dataclass(frozen=True)
class Case:
    """Entries before a reboot, what happens then, each boot by its entry as counted, and entries after."""

    name: str
    entries: tuple[str, ...]
    story: str
    boots: tuple[str, ...]
    after: tuple[str, ...]


GOOD = Case(
    "good",
    ("1-A", "2-B+2"),
    "B comes up healthy and is blessed",
    ("2-B+1-1",),
    ("1-A", "2-B"),
)
UNHEALTHY = Case(
    "unhealthy",
    ("1-A", "2-B+2"),
    "B comes up, its health check fails, it reboots itself, twice",
    ("2-B+1-1", "2-B+0-2", "1-A"),
    ("1-A", "2-B+0-2"),
)
NO_USERSPACE = Case(
    "no userspace",
    ("1-A", "2-B+2"),
    "init of B ends at once, the kernel panics and reboots, twice",
    ("2-B+1-1", "2-B+0-2", "1-A"),
    ("1-A", "2-B+0-2"),
)
DAMAGED = Case(
    "damaged root",
    ("1-A", "2-B+1"),
    "one byte of the root of B is flipped: dm-verity refuses it, the initrd reboots",
    ("2-B+0-1", "1-A"),
    ("1-A", "2-B+0-1"),
)
ROLLED_BACK = Case(
    "rolled back",
    ("2-B", "3-A+2"),
    "A is committed again while B runs, comes up healthy and is blessed",
    ("3-A+1-1",),
    ("2-B", "3-A"),
)
CUT_IN_COMMIT = Case(
    "power cut in commit",
    ("1-A",),
    "the power goes while kernel, initramfs or entry of B are written",
    ("1-A",),
    ("1-A",),
)
CUT_IN_FIRST_BOOT = Case(
    "power cut in first boot",
    ("1-A", "2-B+3"),
    "the power goes while B starts for the first time; its second start is healthy",
    ("2-B+2-1", "2-B+1-2"),
    ("1-A", "2-B"),
)
CASES = (GOOD, UNHEALTHY, NO_USERSPACE, DAMAGED, ROLLED_BACK, CUT_IN_COMMIT, CUT_IN_FIRST_BOOT)


def file_name(spelled: str, digests: Mapping[str, str]) -> str:
    """The name of an entry's file; `digests` are by the names of images."""
    found = _SPELLED.fullmatch(spelled)
    assert found is not None, spelled
    digest = digests[found["image"]]
    return f"osaas-{int(found['number']):06d}-{digest[:16]}{found['counters']}.conf"


def spelled(files: Iterable[str], digests: Mapping[str, str]) -> tuple[str, ...]:
    """The inverse, for several files, sorted."""
    images = {digest[:16]: image for image, digest in digests.items()}
    found = [_FILE.fullmatch(name) for name in sorted(files)]
    return tuple(
        f"{int(one['number'])}-{images[one['short']]}{one['counters']}" for one in found if one is not None
    )
