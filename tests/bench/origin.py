# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An upstream of real, signed packages by the thousand, small ones if not told, made once for the cache."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from integration.repo.forge import Forge

from bench.__main__ import CACHE

BATCH = 500  # packages of one rpmsign
SMALL = 2000  # bytes of payload


@dataclass(frozen=True)
class Origin:
    """Signed packages of version 1, and a fiftieth of them in version 2; the key's public half."""

    root: Path
    packages: int

    @property
    def key(self) -> Path:
        return self.root / "forge" / "bench.asc"

    @property
    def forge(self) -> Forge:
        return Forge(self.root / "forge")

    def offer(self, repo: Path, *, changed: bool) -> None:
        """Make a signed repo of them, with a fiftieth in its new version if `changed`."""
        shutil.rmtree(repo, ignore_errors=True)
        (repo / "Packages").mkdir(parents=True)
        new = {rpm.name.replace("-2-1.", "-1-1."): rpm for rpm in (self.root / "2").iterdir()}
        for rpm in (self.root / "1").iterdir():
            taken = new.get(rpm.name, rpm) if changed else rpm
            (repo / "Packages" / taken.name).hardlink_to(taken)
        self.forge.index(repo, key="bench")
        self.forge.close()


def origin(packages: int, payload: int = SMALL) -> Origin:
    """The origin of so many packages, with so many bytes in each, from the cache if it is there."""
    size = "" if payload == SMALL else f"-of-{payload}"
    made = Origin(CACHE / f"origin-{packages}{size}", packages)
    if (made.root / "complete").exists():
        return made
    shutil.rmtree(made.root, ignore_errors=True)
    (made.root / "forge").mkdir(parents=True)
    forge = made.forge
    forge.key("bench")
    names = [f"p{number:05}" for number in range(packages)]
    for version, chosen in (("1", names), ("2", names[::50])):
        built = forge.build(version, chosen, payload)
        rpms = sorted(built.iterdir())
        for start in range(0, len(rpms), BATCH):
            forge.sign("bench", *rpms[start : start + BATCH])
        built.rename(made.root / version)
    forge.close()
    shutil.rmtree(made.root / "forge" / "build-1")
    shutil.rmtree(made.root / "forge" / "build-2")
    (made.root / "complete").touch()
    return made


def drop_keyrings(below: Path) -> None:
    """End the agents that dnf leaves behind for its keyrings."""
    for keyring in below.glob("**/pubring"):
        subprocess.run(["gpgconf", "--homedir", str(keyring), "--kill", "all"], check=True)
