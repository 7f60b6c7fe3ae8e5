# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Units of systemd: where they lie, and what they are called."""

from __future__ import annotations

import string

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Schema

UNITS = "/usr/lib/systemd/system"
LOCAL_UNITS = "/etc/systemd/system"
SYSTEMCTL = "/usr/bin/systemctl"
TYPES = "service|socket|timer|path|target|mount|automount|swap|slice|scope"
UNIT: Schema = {
    "type": "string",
    "pattern": rf"^[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\-]*)?\.({TYPES})$",
    "description": "A unit with its suffix, like nginx.service.",
}
PLAIN = frozenset(string.ascii_letters + string.digits + ":_.")


def unit_file(unit: str) -> str:
    """The file of a unit: of an instance, its template's."""
    name, at, rest = unit.partition("@")
    return f"{UNITS}/{name}@.{rest.rpartition('.')[2]}" if at else f"{UNITS}/{unit}"


def path_unit(path: str, suffix: str) -> str:
    """The name of the unit of a path, as systemd-escape(1) --path gives it."""
    plain = path.strip("/").replace("/", "\0")
    escaped = "".join(
        "-" if letter == "\0" else letter if letter in PLAIN and (index or letter != ".") else _escape(letter)
        for index, letter in enumerate(plain)
    )
    return f"{escaped or '-'}.{suffix}"


def _escape(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode())
