# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a published tree says of its packages: the records of its repomd.xml, unpacked for a reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import REPOMD, Package, Tolerance
from ansible_collections.osaas.fleet.plugins.module_utils._repo.primary import parse_primary
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repomd import parse_repomd
from ansible_collections.osaas.fleet.plugins.module_utils._repo.unpack import unpack

# What got into the store was verified, by other digests than its own where those are weak.
VERIFIED = Tolerance(weak_digests=True)


def unpack_record(runner: Runner, tree: Path, kind: str, scratch: Path) -> Path | None:
    """Unpack the record `kind` (primary, filelists, updateinfo …) into `scratch`; None if there is none.

    Raises UpstreamError if it does not unpack to what repomd.xml says.
    """
    record = parse_repomd(tree / REPOMD, repository=tree.parent.name, weak=True).first(kind)
    if record is None:
        return None
    if not record.open_algorithm:  # not compressed
        file = record.file
        record = replace(record, open_size=file.size, open_algorithm=file.algorithm, open_digest=file.digest)
    target = scratch / f"{kind}.xml"
    unpack(runner, tree / record.file.href, target, record, where=f"{tree.parent.name}: {record.file.href}")
    return target


def read_packages(runner: Runner, tree: Path, scratch: Path) -> list[Package]:
    """The packages of a tree."""
    primary = unpack_record(runner, tree, "primary", scratch)
    if primary is None:
        return []
    return parse_primary(primary, repository=tree.parent.name, tolerance=VERIFIED)
