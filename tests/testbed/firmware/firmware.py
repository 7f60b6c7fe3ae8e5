# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power on to root: what firmware, boot loader and initrd of one image host do, and a record of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import initrd
from .initrd import NoRoot
from .loader import argument, choose, missing
from .record import Boot, note

TOLD = ("digest", "roothash", "entry")
BOOTED = "booted"
NOTHING = "nothing can be booted"


@dataclass(frozen=True)
class Firmware:
    """Of a host whose disk has directories esp and data. `place` is for mounts, `record` a file of Boots."""

    disk: Path
    place: Path
    record: Path

    def start(self) -> list[str] | None:
        """How nspawn is told of the root, None if this boot failed before one was there.

        Raises NoRoot if there is nothing to boot at all.
        """
        choice = choose(self.disk / "esp")
        if choice.entry is None:
            note(self.record, Boot(choice.before, "", choice.after, NOTHING))
            raise NoRoot(NOTHING)
        told: list[str] | None = None
        try:
            if lacking := missing(self.disk / "esp", choice.entry):
                raise NoRoot(f"{lacking[0]} cannot be loaded")
            wanted = {
                name: argument(choice.entry, f"osaas.{name}") for name in ("digest", "roothash", "entry")
            }
            self._load(wanted["digest"])
            told = initrd.put_together(self.place, self.disk / "esp", self.disk / "data", wanted)
            init = argument(choice.entry, "init")
            if init and not (self.place / "root" / init.lstrip("/")).exists():
                raise NoRoot(f"kernel panic: {init} cannot be run")
            outcome = BOOTED
        except NoRoot as problem:
            told = None
            initrd.take_down(self.place)
            outcome = str(problem)
        note(self.record, Boot(choice.before, choice.entry.file_name, choice.after, outcome))
        return told

    def end(self) -> None:
        """After the root has ended."""
        initrd.take_down(self.place)

    def _load(self, digest: str) -> None:
        """A kernel or initramfs that is torn does not come far."""
        for name in ("vmlinuz", "initramfs"):
            loaded = self.disk / "esp/osaas" / digest[:16] / name
            whole = self.disk / "data/deployments" / digest / name
            if not whole.exists() or loaded.read_bytes() != whole.read_bytes():
                raise NoRoot(f"{name} of {digest[:16]} is torn")
