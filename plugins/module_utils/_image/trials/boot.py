# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The image, booted."""

from __future__ import annotations

import re
import tempfile
import typing as t
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.cgroup import own_cgroup
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject, Trial
from ansible_collections.osaas.fleet.plugins.module_utils._image.units import UNIT

TELLER = "osaas-tell.service"
TOLD = "/run/osaas-told"
# What the target wants may still be starting when it is reached: only then is the boot over.
UNIT_TEXT = """\
[Unit]
Description=Tell that the image is up
DefaultDependencies=no
After={target}
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=exec
ExecStart=-/usr/bin/systemctl --quiet is-system-running --wait
StandardOutput=append:{told}/units
ExecStop=-/usr/bin/systemctl --failed --plain --no-legend --full list-units
ExecStop=/usr/bin/systemctl is-active {target}
"""
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TIMED_OUT = (124, 137)  # timeout(1)


@dataclass(frozen=True)
class BootTrial(Trial, kind="boot"):
    """It boots in a container without network. What it writes goes to memory, and is gone with it."""

    target: str = "multi-user.target"
    seconds: int = 120
    may_fail: tuple[str, ...] = ()

    about: t.ClassVar = "The image boots in a container (systemd-nspawn), without network, and no unit fails."
    options: t.ClassVar = {
        "target": {
            **UNIT,
            "default": "multi-user.target",
            "description": "What it must reach, like basic.target.",
        },
        "seconds": {"type": "integer", "minimum": 1, "default": 120, "description": "Within which time."},
        "may_fail": {"type": "array", "items": UNIT, "description": "Units that may fail."},
    }

    def faults(self, subject: Subject) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="osaas-boot-") as scratch:
            teller, told = Path(scratch) / TELLER, Path(scratch) / "told"
            teller.write_text(UNIT_TEXT.format(target=self.target, told=TOLD), encoding="utf-8")
            told.mkdir()
            machine = f"osaas-{uuid.uuid4().hex[:12]}"
            with own_cgroup():
                done = subject.runner.run(
                    self._argv(subject.root, machine, teller, told),
                    check=False,
                    # both names of one switch: releases before and after systemd 254 or so
                    env={"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "UNIFIED_CGROUP_HIERARCHY": "1"},
                )
            units = told / "units"
            lines = units.read_text(encoding="utf-8").splitlines() if units.is_file() else []
        if lines[-1:] == ["active"]:
            yield from self._failed(lines[:-1])
        elif done.status in TIMED_OUT:
            yield f"the boot to {self.target} was not over within {self.seconds} s; {_last(done.stdout)}"
        else:
            yield f"{self.target} was not reached; {_last(done.stdout or done.stderr)}"
            yield from self._failed(lines[:-1])

    def _argv(self, root: Path, machine: str, teller: Path, told: Path) -> list[str]:
        """Everything ends with us: the PID namespace is killed when its first process is."""
        ends = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child"]
        limit = ["timeout", "--signal=KILL", str(self.seconds)]
        apart = ["--private-network", "--register=no", "--keep-unit", "--link-journal=no"]
        leave = ["--resolv-conf=off", "--timezone=off", "--volatile=overlay", f"--machine={machine}"]
        binds = [f"--bind-ro={teller}:/run/systemd/system/{TELLER}", f"--bind={told}:{TOLD}"]
        boot = ["--boot", "--", f"systemd.unit={self.target}", f"systemd.wants={TELLER}"]
        nspawn = ["systemd-nspawn", "--quiet", f"--directory={root}", *apart, *leave, *binds, *boot]
        return [*ends, "--mount-proc", *limit, *nspawn]

    def _failed(self, lines: Sequence[str]) -> Iterator[str]:
        for line in lines:
            unit = line.split()[0]
            if unit not in self.may_fail:
                yield f"{unit} failed"


def _last(output: str) -> str:
    lines = [ESCAPES.sub("", line).strip() for line in output.splitlines()]
    return f"the last that it said: {next((line for line in reversed(lines) if line), 'nothing')}"
