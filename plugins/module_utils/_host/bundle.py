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
from collections.abc import Mapping
from pathlib import PurePosixPath

from ansible_collections.osaas.fleet.plugins.module_utils._host import backend, worker

if t.TYPE_CHECKING:
    import importlib.abc

_PREFIX = "ansible_collections.osaas.fleet.plugins.module_utils._"


def worker_module() -> str:
    """What to give to `python3 -m`."""
    return worker.__name__


def worker_zip() -> bytes:
    """All that the worker imports, for PYTHONPATH."""
    return _zip({})


def program(module: str) -> bytes:
    """A program whose `main()` is that of a loaded module of this library, for Python to run as a file."""
    return _zip({"__main__.py": f"from {module} import main\n\nmain()\n"})


def _zip(more: Mapping[str, str]) -> bytes:
    """What is loaded of this library now, the adapters, and more; of the same files always the same bytes."""
    loaded = {name for name in sys.modules if name.startswith(_PREFIX)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        packages: set[PurePosixPath] = set()
        for name in sorted(loaded.union(backend.ADAPTERS)):
            source = _source(name)
            if source:
                path = PurePosixPath(*name.split("."))
                archive.writestr(_entry(f"{path}.py"), source)
                packages.update(path.parents)
        for package in sorted(packages - {PurePosixPath(".")}):
            # zipimport before 3.13 finds no namespace packages
            archive.writestr(_entry(f"{package}/__init__.py"), "")
        for name, text in more.items():
            archive.writestr(_entry(name), text)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # as old as it can be
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _source(name: str) -> str | None:
    """The text of a module, None for a package. All loaders have get_source(), but no common class."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.submodule_search_locations is not None:
        return None
    return t.cast("importlib.abc.InspectLoader", spec.loader).get_source(name)
