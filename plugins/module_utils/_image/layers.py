# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Layers on disk: finished roots, each under the digest of all that it was built from."""

from __future__ import annotations

import fcntl
import shutil
import typing as t
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._files import (
    json_text,
    read_json,
    sync_directory,
    write_json,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.key_locks import KeyLocks
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import (
    Base,
    Entry,
    Summary,
    listing,
    read_listing,
    summarise,
    write_listing,
)

HALF = ".building-"
RECORD = "layer.json"
LISTING = "listing"


@dataclass(frozen=True)
class Layer:
    """A finished layer."""

    key: str
    summary: Summary


class Make(t.Protocol):
    """What makes a layer out of a copy of its parent."""

    def apply(self, root: Path) -> None:
        """Work on the root. Raises FleetError."""

    def check(self, before: Mapping[str, Entry], after: Mapping[str, Entry]) -> None:
        """Judge what came of it, by the listings. Raises FleetError."""


@dataclass(frozen=True)
class Layers:
    """The directory that layers are kept in. One builder at a time works there."""

    directory: Path
    runner: Runner
    keys: KeyLocks = field(default_factory=KeyLocks, compare=False)  # of layers that threads are building

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other builders out, and clear away what killed ones left. Raises InputError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / ".lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                where = str(self.directory)
                raise InputError(
                    "another builder is at work here", where=where, way_out="Wait for it"
                ) from error
            for half in self.directory.glob(f"{HALF}*"):
                shutil.rmtree(half)
            yield

    def half(self, key: str) -> Path:
        """Where a layer is that is not whole; the next builder clears it away."""
        return self.directory / f"{HALF}{key}"

    def root(self, key: str) -> Path:
        """Where the root of a layer is."""
        return self.directory / key / "root"

    def find(self, key: str) -> Layer | None:
        """The layer, if it was built."""
        raw: t.Any = read_json(self.directory / key / RECORD)
        return Layer(raw["key"], Summary(**raw["summary"])) if raw is not None else None

    def entries(self, key: str) -> dict[str, Entry]:
        """The listing of a layer that was built."""
        return read_listing(self.directory / key / LISTING)

    def build(self, key: str, parent: str | None, *, apart: bool, make: Make) -> Layer:
        """Build a layer from a copy of its parent.

        Files of the copy are the parent's own unless it is taken `apart`: what writes into files, rather than
        putting new ones in their place, needs that. Raises FleetError; the next builder clears away what is
        half done then.
        """
        try:
            return self._build(key, parent, apart=apart, make=make)
        except OSError as error:
            what = f"a layer cannot be built: {error.strerror or error}"
            raise StoreError(what, where=str(self.directory)) from error

    def _build(self, key: str, parent: str | None, *, apart: bool, make: Make) -> Layer:
        half = self.half(key)
        half.mkdir(mode=0o755)
        root, base = half / "root", None
        if parent is None:
            root.mkdir(mode=0o755)
        else:
            how = "--reflink=auto" if apart else "--link"
            self.runner.run(["cp", "--archive", how, "--", str(self.root(parent)), str(root)])
            base = Base(self.root(parent), self.entries(parent))
        make.apply(root)
        entries = list(listing(root, base))
        make.check(base.entries if base else {}, {entry.path: entry for entry in entries})
        layer = Layer(key, summarise(entries))
        write_listing(half / LISTING, entries)
        write_json(half / RECORD, asdict(layer))
        self.runner.run(["sync", "--file-system", str(half)])
        half.replace(self.directory / key)
        sync_directory(self.directory)
        return layer


def layer_key(**content: t.Any) -> str:
    """The digest of what a layer is built from."""
    return sha256(json_text(content).encode()).hexdigest()
