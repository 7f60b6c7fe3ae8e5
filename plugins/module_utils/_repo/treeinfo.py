# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
""".treeinfo: which images an installer boots from, with their checksums. Nothing signs it."""

from __future__ import annotations

import configparser

from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError, UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import check_digest
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hrefs import check_href

NAMES = (".treeinfo", "treeinfo")
TREEINFO_BYTES = 1 << 20
IMAGE_BYTES = 16 << 30


def parse_treeinfo(content: bytes, *, where: str, weak: bool = False) -> dict[str, tuple[str, str]]:
    """The images that it names: href -> (algorithm, digest). `weak` accepts weak checksums.

    Other repos (variants) are none of its images, and what it says of repodata/ repomd.xml says better.
    Raises UpstreamError or AllErrors naming every image that breaks a rule.
    """
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of files, in their own case
    try:
        parser.read_string(content.decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UpstreamError(f"this is not a .treeinfo: {str(error).splitlines()[0]}", where=where) from error
    if not parser.has_section("checksums"):
        raise UpstreamError("it gives no checksums", where=where)
    images: dict[str, tuple[str, str]] = {}
    errors: list[FleetError] = []
    for href, checksum in parser.items("checksums"):
        at = f"{where}: {href[:120]}"
        try:
            place = check_href(href, None, where=at)
            if place.partition("/")[0] != "repodata":
                algorithm, _colon, digest = checksum.partition(":")
                images[place] = check_digest(algorithm.strip(), digest.strip(), where=at, weak=weak)
        except FleetError as error:
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else AllErrors(errors)
    return images
