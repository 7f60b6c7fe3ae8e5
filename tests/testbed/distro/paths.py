# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a path of a Debian package lies in a merged-/usr system, and how a spec file names it (pure)."""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath

MERGED = ("bin", "sbin", "lib", "lib64")
_NOT_SHIPPED = re.compile(
    r"/usr/share/(doc|man|info|locale|lintian|bug|doc-base|reportbug|menu|gtk-doc)(/|$)"
)
_KERNEL = re.compile(r"/boot/(vmlinuz|config|System\.map)-([^/]+)")
_SPECIAL = re.compile(r"[\[\]*?{}\\\s\"']")


def canonical(path: str) -> str:
    """The absolute `path` with /bin, /sbin, /lib and /lib64 below /usr, and a kernel beside its modules."""
    first = path.split("/")[1]
    kernel = _KERNEL.fullmatch(path)
    if kernel:
        return f"/usr/lib/modules/{kernel[2]}/{kernel[1]}"
    return f"/usr{path}" if first in MERGED else path


def member_path(name: str) -> str:
    """The absolute path of a tar member (`./usr/bin/`)."""
    return "/" + name.removeprefix(".").strip("/")


def link_target(path: str, target: str) -> str:
    """The target of the symlink `path` once that moved below /usr.

    A relative target that no longer meets the same file becomes absolute.
    """
    moved = canonical(path)
    if moved == path or target.startswith("/"):
        return target
    meant = canonical(os.path.normpath(PurePosixPath(path).parent / target))
    meets = os.path.normpath(PurePosixPath(moved).parent / target)
    return target if meant == meets else meant


def shipped(path: str) -> bool:
    """Whether a canonical path is part of the distribution (documentation and translations are not)."""
    return path != "/" and not _NOT_SHIPPED.match(path) and path.strip("/") not in MERGED


def pattern(path: str) -> str:
    """A word of a %files list that means `path`.

    In quotes, glob characters mean themselves since RPM 4.20 and cannot be escaped before. So there are none:
    what would need them is written as `?`, which meets it.
    """
    return _SPECIAL.sub("?", path.replace("%", "%%"))
