# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The head of an upstream state: repomd.xml, which names all of it, and the signature of that."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.keys import Keys
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import REPOMD, SIGNATURE, Repository
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repomd import Repomd, parse_repomd
from ansible_collections.osaas.fleet.plugins.module_utils._repo.upstream import Missing, Upstream

REPOMD_BYTES = 1 << 20  # a few KB, in fact
SIGNATURE_BYTES = 1 << 20
PAIRS = 4  # of repomd.xml and signature, until the two fit
PAIR_SECONDS = 0.5


@dataclass(frozen=True)
class Head:
    """The entry point of an upstream state, verified as far as it has to be. `digest` is its sha256."""

    content: bytes
    signature: bytes | None
    digest: str
    repomd: Repomd


async def read_head(upstream: Upstream, keys: Keys, repository: Repository, scratch: Path) -> Head:
    """Read repomd.xml and its signature. Raises UpstreamError, AllErrors or VerificationError.

    Upstream may be between writing the two: a bad pair is read again, a few times while it changes.
    """

    def check(content: bytes, signature: bytes | None) -> Head:
        path = scratch / "repomd.xml"
        path.write_bytes(content)
        if repository.repo_gpgcheck:
            _verify(path, signature, keys, repository)
        tolerance = repository.tolerance
        repomd = parse_repomd(
            path,
            repository=repository.name,
            weak=tolerance.weak_digests,
            foreign_bases=tolerance.foreign_bases,
            baseurl=upstream.base,
        )
        return Head(content, signature, sha256(content), repomd)

    await upstream.locate()
    pair = await _read_pair(upstream)
    for _again in range(PAIRS):
        try:
            return check(*pair)
        except VerificationError:
            await asyncio.sleep(PAIR_SECONDS)
            before, pair = pair, await _read_pair(upstream)
            if pair == before:
                raise
    return check(*pair)


async def _read_pair(upstream: Upstream) -> tuple[bytes, bytes | None]:
    content = await upstream.read(REPOMD, REPOMD_BYTES)
    try:
        return content, await upstream.read(SIGNATURE, SIGNATURE_BYTES)
    except Missing:
        return content, None


def _verify(repomd: Path, signature: bytes | None, keys: Keys, repository: Repository) -> None:
    if signature is None:
        raise VerificationError(
            "there is no signature of repomd.xml",
            where=f"{repository.name}: {SIGNATURE}",
            way_out="Ask upstream to sign it, or set repo_gpgcheck to false",
        )
    beside = repomd.with_name("repomd.xml.asc")
    beside.write_bytes(signature)
    keys.verify_repomd(repomd, beside)
