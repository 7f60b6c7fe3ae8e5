# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The worker's code as a zip: it has to outlive the directory in which Ansible put this module."""

from __future__ import annotations

import importlib.util
import io
import sys
import typing as t
import zipfile
from collections.abc import Collection
from pathlib import PurePosixPath

from ansible_collections.osaas.fleet.plugins.module_utils._host import backend, worker

if t.TYPE_CHECKING:
    import importlib.abc

PREFIX = "ansible_collections.osaas.fleet.plugins.module_utils."


def worker_module() -> str:
    """What to give to `python3 -m`."""
    return worker.__name__


def worker_zip() -> bytes:
    """All that the worker imports, for PYTHONPATH."""
    return pack(_loaded())


def program(module: str) -> bytes:
    """A program whose `main()` is that of a loaded module of this library, for Python to run as a file."""
    return pack(_loaded(), main=module)


def pack(modules: Collection[str], *, main: str = "") -> bytes:
    """A zip of modules, which runs `main()` of one of them if it is named; always the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        packages: set[PurePosixPath] = set()
        for name in sorted(modules):
            source = source_of(name)
            if source:
                path = PurePosixPath(*name.split("."))
                archive.writestr(_entry(f"{path}.py"), source)
                packages.update(path.parents)
        for package in sorted(packages - {PurePosixPath(".")}):
            # zipimport before 3.13 finds no namespace packages
            archive.writestr(_entry(f"{package}/__init__.py"), "")
        if main:
            archive.writestr(_entry("__main__.py"), f"from {main} import main\n\nmain()\n")
    return buffer.getvalue()


def source_of(name: str) -> str | None:
    """The text of a module, None for a package or nothing."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # its parent is no package
        return None
    if spec is None or spec.submodule_search_locations is not None:
        return None
    # all loaders have get_source(), but no common class
    return t.cast("importlib.abc.InspectLoader", spec.loader).get_source(name)


def _loaded() -> set[str]:
    """What is loaded of this library now, and the adapters."""
    return {name for name in sys.modules if name.startswith(PREFIX)}.union(backend.ADAPTERS)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # as old as it can be
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
