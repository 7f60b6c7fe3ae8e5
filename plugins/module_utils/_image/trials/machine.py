# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The image boots in a virtual machine, from a disk, as a real one would."""

from __future__ import annotations

import re
import tempfile
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import MIB
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifacts.disk import DiskArtifact
from ansible_collections.osaas.fleet.plugins.module_utils._image.boot_partition import Boot
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import HALF
from ansible_collections.osaas.fleet.plugins.module_utils._image.machine import find_machine
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject, Trial
from ansible_collections.osaas.fleet.plugins.module_utils._image.units import UNIT

FREE = 64  # MiB in the root
FAILED = re.compile(r"^\[(?:FAILED|DEPEND)\] .* (\S+)\.$", re.MULTILINE)


@dataclass(frozen=True)
class MachineTrial(Trial, kind="machine"):
    """Its console tells how far it has come: an image is not changed for its test."""

    target: str = "multi-user.target"
    seconds: int = 600
    may_fail: tuple[str, ...] = ()
    root: t.Literal["ext4", "btrfs", "erofs"] = "ext4"
    boot: Boot = "entry"
    memory: int = 1024

    about: t.ClassVar = (
        "A disk of the image boots in a virtual machine (QEMU), with UEFI and without network, and every unit"
        " starts. KVM is used where it works; else the machine is emulated, which takes minutes."
    )
    options: t.ClassVar = {
        "target": {**UNIT, "default": "multi-user.target", "description": "What it must reach."},
        "seconds": {"type": "integer", "minimum": 1, "default": 600, "description": "Within which time."},
        "may_fail": {"type": "array", "items": UNIT, "description": "Units that may fail."},
        "root": DiskArtifact.options["root"],
        "boot": DiskArtifact.options["boot"],
        "memory": {**MIB, "default": 1024, "description": "MiB of memory."},
    }

    def faults(self, subject: Subject) -> Iterator[str]:
        reached = re.compile(rf"Reached target {re.escape(self.target)}")
        machine = find_machine(subject.image.tools, self.memory)
        with tempfile.TemporaryDirectory(prefix=f"{HALF}machine-", dir=subject.scratch) as scratch:
            place = Path(scratch) / "machine"
            place.mkdir()
            disk = DiskArtifact(root=self.root, boot=self.boot, free=FREE)
            disk.write(subject.image, place / "disk", self._arguments())
            kvm = machine.has_kvm(Path(scratch) / "probe")
            said = machine.watch(
                place / "disk", place, self.seconds, lambda text: bool(reached.search(text)), kvm=kvm
            )
        if said.end == "late":
            yield f"{self.target} was not reached within {self.seconds} s; the last that it said: {said.last}"
        elif said.end == "ended":
            yield f"the machine ended before it reached {self.target}; the last that it said: {said.last}"
        for unit in sorted(set(FAILED.findall(said.console)) - set(self.may_fail)):
            yield f"{unit} failed"

    def _arguments(self) -> list[str]:
        """The units of an initramfs are named only if they fail: their targets have the same names."""
        show = ["systemd.show_status=yes", "systemd.status_unit_format=name", "rd.systemd.show_status=error"]
        return [*show, "console=ttyS0", f"systemd.unit={self.target}"]
