# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Signatures, checked by the distro's own gpgv and rpmkeys, with the operator's keys and no others."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import (
    CommandError,
    FleetError,
    InputError,
    VerificationError,
)
from ansible_collections.osaas.fleet.plugins.module_utils._gpgv import signature_fault
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import SIGNATURE, Repository

ARMORED = re.compile(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL)
RING = "keyring.gpg"
BATCH = 256  # files for one rpmkeys at most: enough to forget its start-up


@dataclass(frozen=True)
class Keys:
    """The operator's keys for one repo. `digest` is sha256 over the digests of the key files, sorted."""

    repository: str
    files: tuple[Path, ...]
    digest: str
    runner: Runner
    scratch: Path

    @property
    def _ring(self) -> Path:
        return self.scratch / RING

    @property
    def _database(self) -> Path:
        return self.scratch / "rpmdb"

    def verify_repomd(self, content: Path, signature: Path) -> None:
        """Raises VerificationError unless `signature` is a good signature of `content` by one of the keys."""
        why = signature_fault(self.runner, self._ring, content, signature)
        if why:
            raise VerificationError(
                why,
                where=f"{self.repository}: {SIGNATURE}",
                way_out="Nothing of this state was published; ask upstream, or check gpgkey",
            )

    async def verify_packages(self, files: Mapping[Path, str]) -> list[FleetError]:
        """One error for each of `files` (path -> name) that none of the keys signed, or that is damaged."""
        paths = list(files)
        processors = os.cpu_count() or 1
        size = min(BATCH, -(-len(paths) // processors) or 1)
        batches = [paths[start : start + size] for start in range(0, len(paths), size)]
        if batches:
            self._import()
        workers = asyncio.Semaphore(processors)

        async def check(batch: Sequence[Path]) -> list[Path]:
            async with workers:
                return await asyncio.to_thread(self._bad, batch)

        bad = [path for result in await asyncio.gather(*map(check, batches)) for path in result]
        return [
            VerificationError(
                await asyncio.to_thread(self._reason, path),
                where=f"{self.repository}: {files[path]}",
                way_out="Nothing of this state was published; ask upstream, or check gpgkey",
            )
            for path in bad
        ]

    def _import(self) -> None:
        """Fill the database that packages are checked with. Raises InputError."""
        if self._database.exists():
            return
        self._database.mkdir()
        try:
            self.runner.run(self._rpmkeys("--import", *map(str, self.files)))
        except CommandError as error:
            raise _unusable(error, self.repository) from error

    def _rpmkeys(self, *arguments: str) -> list[str]:
        # Both digests and signatures must be there and good, whatever the machine's own macros say.
        rules = ("--define", "_pkgverify_level all", "--define", "_pkgverify_flags 0x0")
        return ["rpmkeys", "--dbpath", str(self._database), *rules, *arguments]

    def _bad(self, batch: Sequence[Path]) -> list[Path]:
        done = self.runner.run(self._rpmkeys("--checksig", *map(str, batch)), check=False)
        good = {line[: -len(": digests signatures OK")] for line in done.stdout.splitlines() if _good(line)}
        return [path for path in batch if str(path) not in good]

    def _reason(self, path: Path) -> str:
        done = self.runner.run(self._rpmkeys("--checksig", "--verbose", str(path)), check=False)
        lines = [line.strip() for line in done.stdout.splitlines()[1:]]
        if any(": BAD" in line for line in lines):
            return "a digest or signature inside the package is bad"
        for line in lines:
            if line.endswith(": NOKEY"):
                return f"signed by a key that is not allowed ({line[: -len(': NOKEY')]})"
        if any(line.endswith(": NOTFOUND") for line in lines):
            return "the package is not signed"
        return f"rpmkeys refuses it: {(done.stderr.strip() or 'not an RPM package').splitlines()[-1]}"


def open_keys(runner: Runner, repository: Repository, scratch: Path) -> Keys:
    """Keyrings of the operator's key files alone, made below `scratch` (an empty directory of mode 0700).

    Raises InputError for a file that is missing or holds no key.
    """
    contents = [_read(path, repository.name) for path in repository.gpgkeys]
    digests = sorted(hashlib.sha256(content).hexdigest() for content in contents)
    total = hashlib.sha256("\n".join(digests).encode()).hexdigest()
    keys = Keys(repository.name, repository.gpgkeys, total, runner, scratch)
    if repository.repo_gpgcheck:
        make_ring(runner, repository.gpgkeys, scratch, where=repository.name)
    return keys


def make_ring(runner: Runner, files: Sequence[Path], scratch: Path, *, where: str) -> Path:
    """A keyring for gpgv of the keys in `files`, made in `scratch`. Raises InputError as open_keys() does."""
    ring = scratch / RING
    contents = [_read(path, where) for path in files]
    try:
        ring.write_bytes(b"".join(_dearmored(runner, content, scratch) for content in contents))
    except CommandError as error:
        raise _unusable(error, where) from error
    return ring


def _unusable(error: CommandError, repository: str) -> InputError:
    return InputError(f"a gpgkey file holds no usable key: {error.what}", where=repository)


def _good(line: str) -> bool:
    return line.endswith(": digests signatures OK")


def _read(path: Path, repository: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"gpgkey {path} cannot be read: {error.strerror}", where=repository) from error
    if not ARMORED.search(content):
        raise InputError(
            f"gpgkey {path} holds no ASCII-armored public key",
            where=repository,
            way_out="Make such a file with gpg --armor --export",
        )
    return content


def _dearmored(runner: Runner, content: bytes, scratch: Path) -> bytes:
    """The keys of a file as gpgv wants them; a file may hold several armored blocks."""
    armored, binary = scratch / "armored", scratch / "binary"
    blocks = []
    for block in ARMORED.findall(content):
        armored.write_bytes(block + b"\n")
        argv = ["gpg", "--homedir", str(scratch), "--batch", "--yes", "--no-options", "--dearmor"]
        runner.run([*argv, "--output", str(binary), str(armored)])
        blocks.append(binary.read_bytes())
    return b"".join(blocks)
