# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a sync's time goes, out of a profile: seconds in each kind of work, callees not counted."""

from __future__ import annotations

import pstats
import re
from collections import Counter
from pathlib import Path

# The first that fits "file:function" of a profile's entry.
GROUPS = {
    "waiting for rpmkeys, gpgv and sync": r"select\.poll'|waitpid|_fork_exec|subprocess\.py",
    "waiting for the network": r"select\.epoll'",
    "sockets": r"_socket\.socket",
    "TLS certificates of the system, never used": r"_ssl\.",
    "checksums": r"_hashlib|_sha",
    "files: open, write, chmod, rename, link, stat": r"posix\.|io\.open|_io\.|pathlib\.py",
    "package list: createrepo_c and our rules": r"createrepo_c|(primary|hrefs|safexml|digests)\.py|pyexpat",
    "HTTP client: aiohttp, yarl, asyncio": r"aiohttp|yarl|multidict|asyncio|_contextvars|upstream\.py",
    "start: imports and arguments": r"importlib|marshal|_imp\.|builtins\.(compile|exec|__b)|ansible/|/re/",
}


def groups(profile: Path) -> dict[str, float]:
    """Seconds by group, largest first; what fits none is `all else`."""
    seconds: Counter[str] = Counter()
    stats = pstats.Stats(str(profile)).stats  # type: ignore[attr-defined]  # there for thirty years
    for (file, _line, function), (_calls, _primitive, own, *_rest) in stats.items():
        where = f"{file}:{function}"
        seconds[next((name for name, rule in GROUPS.items() if re.search(rule, where)), "all else")] += own
    return dict(seconds.most_common())


def text(title: str, profile: Path) -> str:
    """For a person."""
    found = groups(profile)
    total = sum(found.values())
    lines = [f"{name:<52} {seconds:>8.2f} {100 * seconds / total:>6.0f} %" for name, seconds in found.items()]
    return "\n".join([title, f"{'':<52} {'s':>8}", *lines])
