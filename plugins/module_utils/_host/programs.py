# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Programs for images, each a zip of exactly what it imports: of the same sources always the same bytes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ansible_collections.osaas.fleet.plugins.module_utils._host import host_program as _host_program
from ansible_collections.osaas.fleet.plugins.module_utils._host.bundle import PREFIX, pack, source_of


def host_program() -> bytes:
    """The program of image hosts, for `python3 FILE health|bless|unhealthy`. Needs nothing but Python 3.9."""
    return pack(closure(_host_program.__name__), main=_host_program.__name__)


def closure(module: str) -> set[str]:
    """The modules of this library that `module` needs, itself included, as their imports say."""
    found: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        source = source_of(name)
        if source is not None and name not in found:
            found.add(name)
            todo.extend(_imports(source))
    return found


def _imports(source: str) -> Iterator[str]:
    """Names that may be modules of this library; those for types alone stand in an `if`, and are left out."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith(PREFIX):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(PREFIX))
