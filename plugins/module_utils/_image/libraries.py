# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Libraries that the image builder needs; modules say which one is missing before any work begins."""

from __future__ import annotations

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]  # nothing below the module runs without it

try:
    import jsonschema
except ImportError:
    jsonschema = None

__all__ = ["jsonschema", "yaml"]
