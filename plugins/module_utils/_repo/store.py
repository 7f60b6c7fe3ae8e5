# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The store on disk: every file once, by its sha256; everything else is links into that.

store.lock                        held (flock) by whoever writes
objects/sha256/ab/<sha256>        each file once, mode 0444, whole and verified before it gets this name
trees/<repo>/<tree>/…             a complete published state of a repo, hard links into objects; never edited;
                                  its name is the sha256 of repomd.xml and that of its signature
trees/<repo>/<tree>.json          TreeRecord: what is known of it
trees/<repo>/<tree>.list          its packages, for the next sync; made again where it is missing
trees/<repo>/<tree>.solv          its packages as libsolv likes them; made again where it is missing
mirrors/<repo>                    -> ../trees/<repo>/<tree>, the newest state
snapshots/<id>/manifest.json      with manifest.json.asc, and <repo> -> ../../trees/<repo>/<tree>
snapshots/<id>/manifest.json.copy both again, for store_verify
images/<id>/manifest.json         with manifest.json.asc, and the artifacts, hard links into objects
images/<id>/manifest.json.copy    both again, for store_verify
channels/<name>                   -> ../snapshots/<id> or ../images/<id>, with <name>.json, its history
at.map                            dated addresses, for nginx
last-cut.json                     what the last cut with holds came to, for the next one
checks/<id>.json                  what the checks of that snapshot, or the tests of that image, came to
superseded/mirrors/<repo>         -> ../../trees/<repo>/<tree>, the state before the newest one
superseded/channels/<name>        -> ../../snapshots/<id> or ../../images/<id>, where it pointed before
partial/<repo>/                   downloads that a later run resumes
quarantine/<sha256>               a damaged file that nobody can be served any more, with <sha256>.json, why
quarantine/<id>/                  a release whose manifest is lost, with <id>.json, why
scratch/                          of the running writer; emptied by the next one
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, StoreError

PARTIAL_DAYS = 7


@dataclass(frozen=True)
class Store:
    """The places in a store below `root`."""

    root: Path

    def object(self, sha256: str) -> Path:
        """Where the file with this digest stands."""
        return Path(self.object_name(sha256))

    def object_name(self, sha256: str) -> str:
        """The same as text, where it is asked for every package: a Path costs more than to open the file."""
        return f"{self.root}/objects/sha256/{sha256[:2]}/{sha256}"

    def tree(self, repository: str, name: str) -> Path:
        """The published state of `repository` with this name, see tree_name()."""
        return self.root / "trees" / repository / name

    def record(self, repository: str, name: str) -> Path:
        """The TreeRecord beside that tree."""
        return self.root / "trees" / repository / f"{name}.json"

    def listing(self, repository: str, name: str) -> Path:
        """The packages of that tree, beside it."""
        return self.root / "trees" / repository / f"{name}.list"

    @property
    def mirrors(self) -> Path:
        """One symlink for each repo."""
        return self.root / "mirrors"

    @property
    def snapshots(self) -> Path:
        """One directory for each snapshot."""
        return self.root / "snapshots"

    @property
    def images(self) -> Path:
        """One directory for each image that was published."""
        return self.root / "images"

    @property
    def last_cut(self) -> Path:
        """A note about the last cut with holds."""
        return self.root / "last-cut.json"

    @property
    def channels(self) -> Path:
        """One symlink and one history for each channel."""
        return self.root / "channels"

    @property
    def checks(self) -> Path:
        """One verdict for each release that was checked."""
        return self.root / "checks"

    @property
    def superseded(self) -> Path:
        """Where mirrors and channels pointed before, for clients that had read their metadata."""
        return self.root / "superseded"

    def partial(self, repository: str) -> Path:
        """Where unfinished downloads of `repository` wait to be resumed."""
        return self.root / "partial" / repository

    @property
    def quarantine(self) -> Path:
        """Where damaged files are kept away from clients."""
        return self.root / "quarantine"

    @property
    def scratch(self) -> Path:
        """Temporary files of the writer."""
        return self.root / "scratch"

    def adopt(self, file: Path, sha256: str) -> None:
        """Move a file that is known to have this digest, on the same file system, into the objects.

        An object that is there stays, for trees have links to it, unless its size shows that it is damaged.
        """
        target = self.object(sha256)
        if target.exists() and target.stat().st_size == file.stat().st_size:
            file.unlink()
            return
        file.chmod(0o444)
        try:
            file.replace(target)
        except FileNotFoundError:
            make_directory(target.parent)
            file.replace(target)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer. Clears what dead writers left. Raises StoreError if another one is at work."""
        make_directory(self.root)
        with (self.root / "store.lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    "another run is writing to this store",
                    where=str(self.root),
                    way_out="Wait until it has ended, then run again",
                ) from None
            self._clear()
            try:
                yield
            finally:
                shutil.rmtree(self.scratch, ignore_errors=True)

    def _clear(self) -> None:
        """Remove half trees, half snapshots and scratch of dead runs, and downloads nobody resumed."""
        for pattern in (
            "trees/*/.*",
            "snapshots/.*",
            "images/.*",
            "mirrors/.*",
            "channels/.*",
            "superseded/*/.*",
            "checks/.*",
            "quarantine/.*",
            ".at.map.*",
            ".last-cut.json.*",
            "scratch",
        ):
            for litter in self.root.glob(pattern):
                remove(litter)
        for partial in self.root.glob("partial/*/*"):
            if partial.stat().st_mtime < time.time() - PARTIAL_DAYS * 86400:
                partial.unlink()
        self.scratch.mkdir(mode=0o700)


def tree_name(repomd_sha256: str, signature_sha256: str) -> str:
    """The name of a tree: whoever signs a state anew makes another tree, for none is ever edited."""
    return f"{repomd_sha256}-{signature_sha256}" if signature_sha256 else repomd_sha256


def open_store(path: str) -> Store:
    """The store at `path`. Raises InputError if there is none (only a sync makes one)."""
    store = Store(Path(path))
    if not store.mirrors.is_dir():
        raise InputError("there is no store here", where=path, way_out="Sync a repository into it first")
    return store


def make_directory(path: Path) -> None:
    """Make `path` and its parents as directories that a web server can read, whatever the umask is."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    path.chmod(0o755)


@contextmanager
def writable(directory: Path) -> Iterator[None]:
    """Let a directory that is never edited be edited."""
    mode = stat.S_IMODE(directory.stat().st_mode)
    directory.chmod(0o755)
    try:
        yield
    finally:
        directory.chmod(mode)


@contextmanager
def disk_errors(store: Store) -> Iterator[None]:
    """Turn a full or failing disk into one clear line."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StoreError(
            os.strerror(error.errno).lower() if error.errno else str(error),
            where=error.filename if error.filename and not full else str(store.root),
            way_out="Free space and run again: what was downloaded is kept" if full else "",
        ) from error


def remove(litter: Path) -> None:
    """Remove a file, a link or a directory with all that is in it."""
    if litter.is_symlink() or not litter.is_dir():
        litter.unlink()
        return
    litter.chmod(0o755)
    shutil.rmtree(litter)
