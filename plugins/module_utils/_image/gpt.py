# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A disk with a GPT, put together from file systems by systemd-repart(8): no loop device, no mount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.workbench import Workbench


@dataclass(frozen=True)
class Partition:
    """`kind` is a type of the Discoverable Partitions Specification, like "esp"; `content` fills it."""

    kind: str
    label: str
    uuid: str
    content: Path


def make_disk(bench: Workbench, target: Path, scratch: Path, partitions: Sequence[Partition]) -> None:
    """Write the disk; it is as large as its partitions. Raises CommandError."""
    definitions = scratch / "repart.d"
    definitions.mkdir()
    for number, partition in enumerate(partitions):
        lines = [
            "[Partition]",
            f"Type={partition.kind}",
            f"Label={partition.label}",
            f"UUID={partition.uuid}",
            f"CopyBlocks={partition.content}",
        ]
        (definitions / f"{number}.conf").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    settings = ["--empty=create", "--size=auto", "--dry-run=no", f"--seed={bench.uuid('disk')}"]
    argv = ["systemd-repart", *settings, f"--definitions={definitions}", str(target)]
    bench.run(argv, target.parent)
