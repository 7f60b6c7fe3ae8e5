# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Units of systemd that must be free of faults."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject, Trial
from ansible_collections.osaas.fleet.plugins.module_utils._image.units import UNIT

ANALYZE = "/usr/bin/systemd-analyze"


@dataclass(frozen=True)
class UnitsTrial(Trial, kind="units"):
    """The image's own systemd reads them, with its own programs and drop-ins."""

    verify: tuple[str, ...]

    about: t.ClassVar = "Units in which systemd-analyze of the image must find no fault."
    options: t.ClassVar = {"verify": {"type": "array", "items": UNIT, "minItems": 1}}
    required: t.ClassVar = ("verify",)

    def faults(self, subject: Subject) -> Iterator[str]:
        done = subject.run([ANALYZE, "verify", "--man=no", "--recursive-errors=no", *self.verify])
        if done.status:
            yield from (done.stderr.strip() or f"{ANALYZE} ended with status {done.status}").splitlines()
