# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The files of a manifest. Nothing else in the world can tell what stood in one, so that it is there twice.

The copy is one file with the manifest, its signature and a checksum over both: it proves itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import (
    json_text,
    read_json,
    write_atomic,
    write_json,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import (
    MANIFEST,
    MANIFEST_COPY,
    MANIFEST_SIGNATURE,
)

MODE = 0o444


@dataclass(frozen=True)
class ManifestFiles:
    """What stands in them; "" is no file."""

    manifest: str
    signature: str

    @property
    def checksum(self) -> str:
        """Over both."""
        return sha256(json_text(asdict(self)).encode("utf-8", "surrogateescape"))


def read_files(snapshot: Path) -> ManifestFiles:
    """The files as they are in the directory of a snapshot, whatever became of them."""
    return ManifestFiles(_read(snapshot / MANIFEST), _read(snapshot / MANIFEST_SIGNATURE))


def read_copy(snapshot: Path) -> ManifestFiles | None:
    """The copy of them, if there is one and it is good."""
    try:
        raw = read_json(snapshot / MANIFEST_COPY) or {}
        files = ManifestFiles(str(raw["manifest"]), str(raw["signature"]))
        return files if files.checksum == raw["checksum"] else None
    except (ValueError, TypeError, KeyError):
        return None


def write_files(snapshot: Path, files: ManifestFiles) -> None:
    """Make the directory of a snapshot, which must be writable, have these and a copy of them."""
    write_atomic(snapshot / MANIFEST, files.manifest.encode(), mode=MODE)
    if files.signature:
        write_atomic(snapshot / MANIFEST_SIGNATURE, files.signature.encode(), mode=MODE)
    else:
        (snapshot / MANIFEST_SIGNATURE).unlink(missing_ok=True)
    write_json(snapshot / MANIFEST_COPY, {**asdict(files), "checksum": files.checksum}, mode=MODE)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else ""
