# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Libraries that the repo service needs beside ansible-core; the module says which one is missing."""

from __future__ import annotations

import importlib
import typing as t

if t.TYPE_CHECKING:
    import aiohttp

try:
    import createrepo_c
except ImportError:
    createrepo_c = None

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

try:
    import solv
except ImportError:
    solv = None

__all__ = ["aiohttp", "createrepo_c", "solv", "yaml"]


def __getattr__(name: str) -> t.Any:
    """Of aiohttp, which takes long to load: who downloads nothing goes without."""
    if name != "aiohttp":
        raise AttributeError(name)
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
