# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Files of packages that are not as their packages had them."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.options import PATH
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox
from ansible_collections.osaas.fleet.plugins.module_utils._image.transaction import DATABASE
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject, Trial
from ansible_collections.osaas.fleet.plugins.module_utils._image.world import below


@dataclass(frozen=True)
class IntegrityTrial(Trial, kind="integrity"):
    """A later update would undo such changes, or trip over them. Times are the image's own."""

    ignore: tuple[str, ...] = ()

    about: t.ClassVar = "Files of packages must be as those have them, but for configuration (rpm -V)."
    options: t.ClassVar = {
        "ignore": {
            "type": "array",
            "items": PATH,
            "description": "Paths that may differ or be gone, with all below them.",
        },
    }

    def faults(self, subject: Subject) -> Iterator[str]:
        options = ["--root", str(subject.root), "--dbpath", DATABASE]
        what = ["--verify", "--all", "--noconfig", "--nomtime", "--nodeps", "--noscripts"]
        done = Sandbox(subject.runner, subject.root, subject.epoch).look_around(["rpm", *options, *what])
        for line in done.stdout.splitlines():
            path = line[line.find("/") :]
            if not any(path == one or below(path, one) for one in self.ignore):
                yield f"{path} is not as its package has it: {line.split()[0]}"
        if done.status and not done.stdout:
            yield f"rpm --verify failed: {(done.stderr.strip() or 'no output').splitlines()[-1]}"
