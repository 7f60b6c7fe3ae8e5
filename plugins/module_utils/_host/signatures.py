# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Prove that downloaded packages were signed by a key of the pin, and by no other that the host trusts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import Session, Source

_BATCH = 500  # files per command: far below the kernel's limit of 2 MiB for an argument list


def verify_packages(runner: Runner, source: Source, session: Session) -> None:
    """Check every package of a plan against the keys of its repo. Raises VerificationError.

    rpm's own keyring is left out of it: it holds keys of vendors, and those of pins long gone.
    """
    files = session.files()
    for repository in source.repositories:
        with tempfile.TemporaryDirectory(prefix="osaas-keyring-") as keyring:
            rpmkeys = ["rpmkeys", "--dbpath", keyring, "--define", "_pkgverify_level all"]
            runner.run([*rpmkeys, "--import", *repository.keys])
            chosen = files.get(repository.name, ())
            for start in range(0, len(chosen), _BATCH):
                _check(runner, rpmkeys, chosen[start : start + _BATCH], repository.keys)


def _check(runner: Runner, rpmkeys: list[str], files: tuple[str, ...], keys: tuple[str, ...]) -> None:
    done = runner.run([*rpmkeys, "--checksig", *files], check=False)
    bad = [line.split(":")[0] for line in done.stdout.splitlines() if line.endswith("NOT OK")]
    if done.status != 0 or bad:
        names = ", ".join(Path(file).name for file in bad) or done.stderr.strip()
        raise VerificationError(
            "is not signed by a key of the pin",
            where=names,
            way_out=f"Only these keys may have signed it: {', '.join(Path(key).name for key in keys)}",
        )
