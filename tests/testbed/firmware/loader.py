# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd-boot does with a directory that is the ESP: choose, count, load. The order is its own.

An entry whose kernel is not there is not shown at all (systemd: src/boot, config_entry_add_type1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import (
    BootEntry,
    boot_order,
    parse_entry,
)

ENTRIES = "loader/entries"


@dataclass(frozen=True)
class Choice:
    """What was there, what was chosen (None: nothing can be booted), and what is there now: file names."""

    before: tuple[str, ...]
    entry: BootEntry | None
    after: tuple[str, ...]


def choose(esp: Path) -> Choice:
    """Choose what to boot, and count that it is tried: its file gets another name."""
    before = entry_files(esp)
    order = boot_order([entry for entry in read(esp) if there(esp, entry.linux)])
    if not order:
        return Choice(before, None, before)
    chosen, counted = order[0], order[0].tried()
    (esp / ENTRIES / chosen.file_name).rename(esp / ENTRIES / counted.file_name)
    return Choice(before, counted, entry_files(esp))


def read(esp: Path) -> list[BootEntry]:
    """All entries."""
    return [parse_entry(path.name, path.read_text()) for path in sorted((esp / ENTRIES).glob("*.conf"))]


def entry_files(esp: Path) -> tuple[str, ...]:
    """Names of the files of all entries, sorted."""
    return tuple(sorted(path.name for path in (esp / ENTRIES).glob("*.conf")))


def there(esp: Path, path: str) -> bool:
    """Whether a path that an entry names is on the ESP."""
    return bool(path) and (esp / path.lstrip("/")).is_file()


def missing(esp: Path, entry: BootEntry) -> Sequence[str]:
    """What an entry would load and is not there."""
    return [path for path in (entry.linux, *entry.initrd) if not there(esp, path)]


def argument(entry: BootEntry, name: str) -> str:
    """The last value of a kernel argument, empty if there is none."""
    values = [word.partition("=")[2] for word in entry.options if word.startswith(f"{name}=")]
    return values[-1] if values else ""
