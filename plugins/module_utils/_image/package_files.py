# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What packages bring: the paths, types, modes and owners that stand in their headers."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.world import Known

# rpm(8), --queryformat. A name with a tab or a line end in it would be misread, and is refused.
TAGS = ("=NEVRA", "FILENAMES", "FILEMODES", "FILEUSERNAME", "FILEGROUPNAME", "FILEFLAGS", "FILELINKTOS")
FILES = "[=" + "\\t".join(f"%{{{tag}}}" for tag in TAGS) + "\\n]"
GHOST = 1 << 6  # RPMFILE_GHOST: owned by the package, but not in it
TYPES = {
    stat.S_IFREG: FileType.FILE,
    stat.S_IFDIR: FileType.DIRECTORY,
    stat.S_IFLNK: FileType.SYMLINK,
}


def package_files(runner: Runner, packages: Sequence[Path]) -> list[Known]:
    """All paths of these RPM files; of a directory that many have, the first. Raises InputError."""
    if not packages:
        return []
    query = ["rpm", "--query", "--package", "--nosignature", "--nodigest", "--queryformat", FILES]
    done = runner.run([*query, *map(str, packages)])
    found: dict[str, Known] = {}
    for known in _read(done.stdout):
        if isinstance(known.item, PathItem):
            found.setdefault(known.item.path, known)
    return list(found.values())


def _read(text: str) -> Iterator[Known]:
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) != len(TAGS) or not line.startswith("=") or not fields[1].startswith("/"):
            raise InputError(f"a package has a file that cannot be named here: {line!r}", where=fields[0][1:])
        package, path, mode, owner, group, flags, target = fields
        number = int(mode) & 0xFFFF
        kind = TYPES.get(stat.S_IFMT(number))
        if kind is None or int(flags) & GHOST:
            continue
        bits = None if kind is FileType.SYMLINK else stat.S_IMODE(number)
        item = PathItem(path, kind, bits, owner, group, target or None)
        yield Known(item, f"the package {package[1:]}")
