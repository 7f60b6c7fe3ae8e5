# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""XML from strangers, before anything builds a tree of it."""

from __future__ import annotations

import io
import typing as t
from pathlib import Path
from xml.parsers import expat

from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError

BLOCK = 1 << 16


def check_xml(path: Path, *, where: str) -> None:
    """Raises UpstreamError unless `path` is well-formed XML that declares no entities (no bombs)."""
    with path.open("rb") as stream:
        _check(stream, where=where)


def check_prolog(path: Path, *, where: str) -> None:
    """Raises UpstreamError if what comes before the first element is no XML, or declares entities.

    They can be declared nowhere else, so that a parser can be let loose on the rest, however long that is.
    """
    with path.open("rb") as stream:
        _check(stream, where=where, whole=False)


def check_xml_bytes(content: bytes, *, where: str) -> None:
    """Like check_xml(), for what is in memory."""
    _check(io.BytesIO(content), where=where)


def _check(stream: t.BinaryIO, *, where: str, whole: bool = True) -> None:
    begun = False

    def begin(*_element: object) -> None:
        nonlocal begun
        begun = True

    def refuse(*_declaration: object) -> None:
        raise UpstreamError("it declares XML entities, which are refused", where=where)

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = None if whole else begin
    try:
        while not begun and (block := stream.read(BLOCK)):
            parser.Parse(block, False)
        if not begun:
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise UpstreamError(f"this is not XML: {error}", where=where) from error
