# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that a mirror of hard links can do when its upstream changed, whoever writes it.

`python -m bench.floor REPO NEW KEY TARGET`: take over the metadata of REPO with its checksums, unpack and
parse its list of packages, link every package into TARGET, take over those in NEW and check their signatures.
Without arguments it does nothing, which is what has to be subtracted. All paths are absolute.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import createrepo_c


def floor(repo: Path, new: Path, key: Path, target: Path) -> None:
    """Do it."""
    target.mkdir()
    for path in (*(repo / "repodata").iterdir(), *new.iterdir()):
        _take(path, target)
    [primary] = target.glob("*-primary.xml.gz")
    unpacked = gzip.decompress(primary.read_bytes())
    hashlib.sha256(unpacked).hexdigest()
    text = target / "primary.xml"
    text.write_bytes(unpacked)
    createrepo_c.xml_parse_primary(str(text), pkgcb=lambda _package: None, do_files=0)
    tree = target / "tree"
    tree.mkdir()
    for entry in os.scandir(repo / "Packages"):
        os.link(entry.path, f"{tree}/{entry.name}")
    (target / "keys").mkdir()
    rpmkeys = ["rpmkeys", "--dbpath", str(target / "keys")]
    subprocess.run([*rpmkeys, "--import", str(key)], check=True)
    taken = [str(target / path.name) for path in new.iterdir()]
    subprocess.run([*rpmkeys, "--checksig", *taken], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["sync", "--file-system", str(target)], check=True)


def _take(path: Path, target: Path) -> None:
    content = path.read_bytes()
    hashlib.sha256(content).hexdigest()
    (target / path.name).write_bytes(content)


if __name__ == "__main__":
    if sys.argv[1:]:
        floor(*map(Path, sys.argv[1:]))
