# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pytest counted, by its JUnit report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree


@dataclass(frozen=True)
class Counts:
    """Tests."""

    passed: int = 0
    skipped: int = 0


def counts(report: Path) -> Counts:
    """Those of a JUnit file; zero for a section that is no pytest run, and so has none."""
    if not report.is_file():
        return Counts()
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))

    def total(kind: str) -> int:
        return sum(int(suite.get(kind, "0")) for suite in suites)

    skipped = total("skipped")
    return Counts(total("tests") - total("failures") - total("errors") - skipped, skipped)
