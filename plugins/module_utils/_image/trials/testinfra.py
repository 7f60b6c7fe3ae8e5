# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Files of tests for pytest-testinfra."""

from __future__ import annotations

import sys
import typing as t
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.options import TEXT
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox
from ansible_collections.osaas.fleet.plugins.module_utils._image.sources import source_file
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject, Trial

SCRATCH = "/dev/shm"  # noqa: S108  # a sandbox's own


@dataclass(frozen=True)
class TestinfraTrial(Trial, kind="testinfra"):
    """The library is the builder's; the commands that it runs are the image's."""

    files: tuple[str, ...]

    about: t.ClassVar = "Files of tests for pytest-testinfra, which must be installed on the builder."
    options: t.ClassVar = {
        "files": {"type": "array", "items": TEXT, "minItems": 1, "description": "Relative to the definition."}
    }
    required: t.ClassVar = ("files",)

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Trial:
        for name in options["files"]:
            source_file(sources, name, place)
        return super().read(options, place, sources)

    def inputs(self) -> Iterable[str]:
        return self.files

    def faults(self, subject: Subject) -> Iterator[str]:
        files = [str((subject.sources / name).resolve()) for name in self.files]
        host = ["--connection=chroot", f"--hosts={subject.root}"]
        quiet = ["-q", "--tb=line", "--no-header", "-p", "no:cacheprovider", "--rootdir=/"]
        sandbox = Sandbox(subject.runner, subject.root, subject.epoch)
        program = ["env", f"TMPDIR={SCRATCH}", sys.executable, "-B", "-m", "pytest"]
        done = sandbox.look_around([*program, *quiet, *host, *files])
        if done.status:
            lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
            yield from lines or [(done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]]
