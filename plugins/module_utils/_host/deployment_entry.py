# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Boot entries of deployments: what is in them, which number comes next, and which one a boot came from."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import (
    BootEntry,
    boot_order,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import ROLES, Deployment
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import SHORT

SORT_KEY = "osaas"
_DIGEST, _ENTRY, _ROOT_HASH = "osaas.digest=", "osaas.entry=", "osaas.roothash="


def deployment_entry(
    deployment: Deployment, sequence: int = 1, tries: int | None = None, arguments: Sequence[str] = ()
) -> BootEntry:
    """The entry of a deployment; `arguments` are the host's own, `tries` None means known to be good."""
    short = deployment.digest[:SHORT]
    name = f"{SORT_KEY}-{sequence:06d}-{short}"
    return BootEntry(
        name=name,
        title=deployment.title or deployment.release,
        version=str(sequence),
        sort_key=SORT_KEY,
        linux=f"/osaas/{short}/{ROLES['linux']}",
        initrd=(f"/osaas/{short}/{ROLES['initrd']}",),
        options=(
            "root=osaas",
            f"{_ENTRY}{name}",
            f"{_DIGEST}{deployment.digest}",
            f"{_ROOT_HASH}{deployment.root_hash}",
            *deployment.arguments,
            *arguments,
        ),
        tries_left=tries,
    )


def digest_of(entry: BootEntry) -> str:
    """The deployment that an entry boots; empty for an entry that is not ours."""
    return _value(entry, _DIGEST) if entry.sort_key == SORT_KEY else ""


def arguments_of(entry: BootEntry) -> tuple[str, ...]:
    """Its kernel arguments but those that name the entry: they tell whether two entries boot alike."""
    return tuple(word for word in entry.options if not word.startswith(_ENTRY))


def sequence_of(entry: BootEntry) -> int:
    """Which commit on this host made it; 0 for an entry that is not ours."""
    return int(entry.version) if digest_of(entry) and entry.version.isdigit() else 0


def next_sequence(entries: Collection[BootEntry]) -> int:
    """The number of the next commit: what was committed last is booted first."""
    return max(map(sequence_of, entries), default=0) + 1


def first(entries: Collection[BootEntry]) -> BootEntry | None:
    """What the loader boots next, None if there is nothing."""
    order = boot_order(entries)
    return order[0] if order else None


def named(entries: Collection[BootEntry], name: str) -> BootEntry | None:
    """The entry of that name, whatever its counters."""
    return next((entry for entry in entries if entry.name == name), None)


def gives_up(entries: Collection[BootEntry], booted: str) -> bool:
    """Whether the boot that came from the entry `booted` should end: there is something to fall back to.

    It should not where the entry is known to be good, or nothing else would be booted: a host that stays up
    can be mended.
    """
    entry = named(entries, booted)
    if entry is None or entry.tries_left is None:
        return False
    return any(not one.given_up for one in entries if one.name != booted)


def _value(entry: BootEntry, key: str) -> str:
    return next((word[len(key) :] for word in entry.options if word.startswith(key)), "")
