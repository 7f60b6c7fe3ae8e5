# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a commit writes, and what may go to make room: decisions alone, nothing is touched here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import BootEntry
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import Deployment
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import (
    arguments_of,
    deployment_entry,
    digest_of,
    first,
    next_sequence,
    sequence_of,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployments import Standing

MARGIN = 1 << 20  # bytes that stay free: directories, entries and reports need some


@dataclass(frozen=True)
class Commit:
    """`write` is the new entry, None if the right one is there; `remove` are entries that it makes needless.

    They are removed after it is written: at no time is there nothing to boot.
    """

    write: BootEntry | None
    remove: tuple[BootEntry, ...]


def plan_commit(standing: Standing, deployment: Deployment, tries: int, arguments: Sequence[str]) -> Commit:
    """The entry by which the next boot is one of `deployment`.

    What runs and is good needs no new proof: its entry is only numbered anew. All else is counted.
    """
    sequence = next_sequence(standing.entries)
    fresh = deployment_entry(deployment, sequence, tries, arguments)
    alike = [
        entry
        for entry in standing.entries
        if digest_of(entry) == deployment.digest and arguments_of(entry) == arguments_of(fresh)
    ]
    there = first(standing.entries)
    write = None
    if there is None or there not in alike or not _will_do(there, standing):
        proven = standing.current == deployment.digest and any(one.tries_left is None for one in alike)
        write = deployment_entry(deployment, sequence, None, arguments) if proven else fresh
        there = write
    needless = [one for one in alike if one is not there and not _on_trial(one, standing)]
    stay = [*(one for one in standing.entries if one not in needless), there]
    if not any(digest_of(one) and one.tries_left is None for one in stay):
        needless = [one for one in needless if one.tries_left is not None]  # nothing else is good
    return Commit(write, tuple(needless))


def _on_trial(entry: BootEntry, standing: Standing) -> bool:
    """Whether it is what runs, and is yet to be blessed."""
    return entry.name == standing.booted_entry and entry.tries_left is not None


def _will_do(entry: BootEntry, standing: Standing) -> bool:
    """Whether an entry needs no fresh counters: it is good, was never tried, or is being tried now."""
    return entry.tries_left is None or not entry.tries_done or entry.name == standing.booted_entry


def spared(standing: Standing, more: Collection[str] = ()) -> frozenset[str]:
    """What must not go: what runs, what it would fall back to, what boots next, what was staged last."""
    kept = {standing.booted, standing.previous, standing.committed, *standing.staged[:1], *more}
    return frozenset(kept - {""})


def expendable(standing: Standing, more: Collection[str] = ()) -> list[str]:
    """What may go, in this order: what failed, then what is oldest. `more` is spared too."""
    there = {*standing.installed, *map(digest_of, standing.entries)} - {""} - spared(standing, more)
    number: dict[str, int] = {}
    for entry in standing.entries:
        number[digest_of(entry)] = max(number.get(digest_of(entry), 0), sequence_of(entry))

    def age(digest: str) -> tuple[bool, int, float, str]:
        return digest not in standing.failed, number.get(digest, 0), standing.since.get(digest, 0), digest

    return sorted(there, key=age)


def garbage(standing: Standing, keep: int, more: Collection[str] = ()) -> list[str]:
    """What goes so that `keep` deployments stay, or as many as must; `more` is spared too."""
    there = {*standing.installed, *map(digest_of, standing.entries)} - {""}
    return expendable(standing, more)[: max(0, len(there) - keep)]


def make_room(
    needed: int, free: int, expendables: Sequence[str], sizes: Mapping[str, int], *, where: str
) -> list[str]:
    """What must go so that `needed` bytes fit, in the order of `expendables`; `sizes` are theirs.

    Raises HostError, with the arithmetic, if all of it is not enough.
    """
    gone: list[str] = []
    short = needed + MARGIN - free
    for digest in expendables:
        if short <= 0:
            break
        if sizes.get(digest, 0):
            gone.append(digest)
            short -= sizes[digest]
    if short > 0:
        freed = sum(sizes.get(digest, 0) for digest in expendables)
        raise HostError(
            f"{_mib(needed)} and {_mib(MARGIN)} to spare are needed, {_mib(free)} are free,"
            f" and {_mib(freed)} of deployments may go: {_mib(short)} too little",
            where=where,
            way_out="Remove what else lies there, or use a larger disk",
        )
    return gone


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
