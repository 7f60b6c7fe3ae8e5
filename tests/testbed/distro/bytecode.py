# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Byte-compile Python modules with the Python that will run them: another one's bytecode is of no use."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .cache import DistroError, code, digest, new_directory
from .command import run
from .deb import Deb, closure

_LIBRARIES = "lib/x86_64-linux-gnu"


@dataclass(frozen=True)
class Compiler:
    """The words that run a distribution's Python here; `key` is the digest of what it is made of."""

    key: str
    words: tuple[str, ...]

    def compile(self, root: Path, libraries: list[Path]) -> None:
        """Compile all modules below `libraries`, which lie in the tree `root`.

        Hash-based and unchecked: the bytecode does not depend on time stamps. The status is of no interest:
        it only says that some module is in another version's syntax (test data of a library).
        """
        subprocess.run(
            [
                *self.words,
                "-m",
                "compileall",
                "-qq",
                "-s",
                str(root),
                "--invalidation-mode",
                "unchecked-hash",
                *map(str, libraries),
            ],
            check=False,
            stdout=subprocess.DEVNULL,
        )


def compiler(debs: Mapping[str, Deb], trees: Path) -> Compiler:
    """The Python of the distribution that consists of `debs` (by name), unpacked below `trees` once.

    It runs by its own dynamic loader and with its own libraries. Raises DistroError if it does not run.
    """
    parts = closure(["python3-minimal"], debs)
    key = digest(*(part.path.name for part in parts), code("bytecode.py"))
    place = trees / f"python-{key}"
    if not place.exists():
        with new_directory(place) as beside:
            for part in parts:
                run(["dpkg-deb", "--extract", str(part.path), str(beside)])
    libraries = [path for path in (place / _LIBRARIES, place / "usr" / _LIBRARIES) if path.is_dir()]
    loader = next((path for one in libraries for path in one.glob("ld-linux-*.so.*")), None)
    if loader is None:
        raise DistroError(f"{place}: no dynamic loader; delete it and try again")
    path = ":".join(map(str, libraries))
    words = (str(loader), "--library-path", path, str(place / "usr/bin/python3"), "-I", "-S")
    run([*words, "-c", "import compileall"])
    return Compiler(key, words)
