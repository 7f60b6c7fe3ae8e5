# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Files of a release in the store: the manifest, proven by digest and signature, and what it vouches for."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import os
import re
import tempfile
import time
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import (
    HostError,
    InputError,
    VerificationError,
)
from ansible_collections.osaas.fleet.plugins.module_utils._files import sync_directory
from ansible_collections.osaas.fleet.plugins.module_utils._gpgv import signature_fault
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import (
    MANIFEST,
    SIGNATURE,
    ReleaseFile,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.esp import file_digest
from ansible_collections.osaas.fleet.plugins.module_utils._host.fetch import PAUSE, TRIES, Straight, fetch
from ansible_collections.osaas.fleet.plugins.module_utils._host.origin import Interrupted, Origin

_LARGEST_MANIFEST = 64 << 20  # bytes
_LARGEST_SIGNATURE = 1 << 16
_KEY = re.compile(r"-----BEGIN PGP PUBLIC KEY BLOCK-----(.*?)-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL)


@dataclass(frozen=True)
class ReleaseManifest:
    """The manifest of a release: its bytes, those of its signature (empty if nobody asked), its value."""

    raw: bytes
    signature: bytes
    value: t.Any


def directory_of(release: str) -> str:
    """Where an image lies, below the store."""
    return f"images/{release}"


def fetch_manifest(
    runner: Runner, origin: Origin, release: str, digest: str, keys: Mapping[str, str]
) -> ReleaseManifest:
    """The manifest of an image, whose SHA-256 is `digest` and which one of the `keys` has signed.

    `keys` are ASCII-armored, by name; without any, no signature is asked for.
    Raises VerificationError, UpstreamError.
    """
    place = directory_of(release)
    raw = _all(origin, f"{place}/{MANIFEST}", _LARGEST_MANIFEST)
    found = hashlib.sha256(raw).hexdigest()
    if found != digest:
        raise VerificationError(
            f"its SHA-256 is {found}, not {digest}",
            where=f"{place}/{MANIFEST}",
            way_out="Is the digest that of another release, or was the store changed?",
        )
    signature = b""
    if keys:
        signature = _all(origin, f"{place}/{SIGNATURE}", _LARGEST_SIGNATURE)
        check_signature(runner, keys, raw, signature, where=f"{place}/{MANIFEST}")
    try:
        return ReleaseManifest(raw, signature, json.loads(raw))
    except ValueError as error:
        raise VerificationError("is not JSON", where=f"{place}/{MANIFEST}") from error


def check_signature(
    runner: Runner, keys: Mapping[str, str], content: bytes, signature: bytes, *, where: str
) -> None:
    """Raises VerificationError unless one of the `keys` has signed `content`."""
    with tempfile.TemporaryDirectory(prefix="osaas-keyring-") as scratch:
        ring, signed, beside = (Path(scratch) / name for name in ("ring.gpg", MANIFEST, SIGNATURE))
        ring.write_bytes(b"".join(dearmored(text, name) for name, text in keys.items()))
        signed.write_bytes(content)
        beside.write_bytes(signature)
        fault = signature_fault(runner, ring, signed, beside)
    if fault:
        names = ", ".join(sorted(keys))
        raise VerificationError(fault, where=where, way_out=f"Only these keys may have signed it: {names}")


def dearmored(text: str, name: str) -> bytes:
    """The keys in a text as gpgv wants them. Raises InputError if there are none (RFC 9580, 6.2)."""
    found = b""
    for block in _KEY.findall(text):
        _headers, _empty, body = block.replace("\r", "").partition("\n\n")
        lines = [line for line in body.split() if not line.startswith("=")]
        with contextlib.suppress(binascii.Error):
            found += base64.b64decode("".join(lines), validate=True)
    if not found:
        raise InputError(
            "holds no ASCII-armored public key",
            where=f"gpgkeys: {name}",
            way_out="Make it with gpg --armor --export",
        )
    return found


def fetch_file(origin: Origin, path: str, target: Path, size: int, sha256: str) -> int:
    """Bring a file of the store to `target`, or what is missing of it; returns how many bytes came.

    What is there already is trusted if its bytes are right; a part of it lies in `target`.part. It is
    flushed, and read-only. Raises UpstreamError, VerificationError, HostError.
    """
    if target.exists() and file_digest(target) == sha256:
        return 0
    part = target.with_name(f"{target.name}.part")
    with disk_faults(part):
        came = 0
        for fresh in (False, True):
            came += _grow(origin, path, part, size)
            found = file_digest(part)
            if found == sha256:
                finish(part, target)
                return came
            part.unlink()  # whatever it was a part of
            if fresh or came == size:
                break
    raise VerificationError(
        f"its SHA-256 is {found}, not {sha256}", where=path, way_out="The store must be repaired"
    )


def fetch_small(origin: Origin, release: str, file: ReleaseFile) -> bytes:
    """A file that is wanted in memory. Raises VerificationError."""
    path = f"{directory_of(release)}/{file.name}"
    content = _all(origin, path, file.size)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise VerificationError("is not what the manifest says", where=path)
    return content


def finish(part: Path, target: Path) -> None:
    """Give a whole file its name."""
    part.chmod(0o444)
    part.replace(target)
    sync_directory(target.parent)


@contextlib.contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """A full or broken disk, told in one line."""
    try:
        yield
    except OSError as error:
        if not isinstance(error, (ConnectionError, TimeoutError)):
            raise HostError(
                f"cannot be written: {error.strerror}",
                where=str(path),
                way_out="Make room, and run it again: what came is kept",
            ) from error
        raise


def _grow(origin: Origin, path: str, part: Path, size: int) -> int:
    part.touch()
    with part.open("r+b") as stream:
        came = fetch(origin, path, Straight(stream, size))
        stream.flush()
        os.fsync(stream.fileno())
    return came


def _all(origin: Origin, path: str, most: int) -> bytes:
    """A small file of a size that is not known; what is beyond `most` bytes is left."""
    for vain in range(1, TRIES):
        try:
            return b"".join(data for _offset, data in origin.chunks(path, 0, most))
        except Interrupted:
            time.sleep(PAUSE * 2 ** (vain - 1))
    return b"".join(data for _offset, data in origin.chunks(path, 0, most))
