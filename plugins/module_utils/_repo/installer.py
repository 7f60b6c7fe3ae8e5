# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The images that a host is installed from: welcome, but no package ever waits for them."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hrefs import clash
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import RemoteFile
from ansible_collections.osaas.fleet.plugins.module_utils._repo.treeinfo import (
    IMAGE_BYTES,
    NAMES,
    TREEINFO_BYTES,
    parse_treeinfo,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.upstream import Missing, Upstream


async def read_installer(
    upstream: Upstream, taken: Mapping[str, str], *, where: str, weak: bool
) -> tuple[str, bytes, list[RemoteFile]]:
    """The name and content of upstream's .treeinfo, and the images that it names.

    `taken` are the places (href -> sha256) that an image cannot have. Raises UpstreamError or AllErrors.
    """
    name, content = await _read(upstream)
    images = parse_treeinfo(content, where=f"{where}: {name}", weak=weak)
    both = clash([*taken, name, *images]) or next((href for href in images if href in taken), "")
    if both:
        raise UpstreamError("an image has the place of something else", where=f"{where}: {both}")
    files = []
    for href, (algorithm, digest) in images.items():
        file = RemoteFile(href, algorithm, digest, 0)
        size = await upstream.size(file)
        if not 0 < size <= IMAGE_BYTES:
            raise UpstreamError(
                f"size {size} is not between 1 and {IMAGE_BYTES} bytes", where=f"{where}: {href}"
            )
        files.append(file._replace(size=size))
    return name, content, files


async def _read(upstream: Upstream) -> tuple[str, bytes]:
    hidden, plain = NAMES
    try:
        return hidden, await upstream.read(hidden, TREEINFO_BYTES)
    except Missing as error:
        try:
            return plain, await upstream.read(plain, TREEINFO_BYTES)
        except Missing:
            raise error from None
