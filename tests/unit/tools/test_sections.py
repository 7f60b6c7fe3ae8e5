# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner behind `make test` tells the truth about what it ran."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import test as runner
from tools.test import Outcome, Section, run_all, summary

TRUE = Section("good", "lint", ("true",))
FALSE = Section("bad", "unit", ("false", "true"))
SKIP = Section("nowhere", "unit", ("python -c raise(SystemExit(77))",))


@pytest.fixture(autouse=True)
def _reports_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "REPORTS", tmp_path)


def test_it_stops_at_the_first_failure_and_says_what_is_not_run() -> None:
    outcomes = run_all([TRUE, SKIP, FALSE, TRUE])

    assert [outcome.result for outcome in outcomes] == ["passed", "skipped", "failed", "not run"]


def test_tests_are_counted_from_a_real_run_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_three.py").write_text(
        "import pytest\n"
        "def test_one(): pass\n"
        "def test_two(): pass\n"
        "def test_three(): pytest.skip('not today')\n"
    )
    section = Section(
        "three", "unit", (f"python -m pytest -q -p no:cacheprovider --rootdir {tmp_path} {tmp_path}",)
    )

    (outcome,) = run_all([section])

    assert (outcome.result, outcome.passed, outcome.skipped) == ("passed", 2, 1)


def test_the_last_line_sums_up() -> None:
    outcomes = [
        Outcome(TRUE, "passed", seconds=1.2),
        Outcome(FALSE, "failed", seconds=2.0, passed=7, skipped=1),
        Outcome(TRUE, "not run"),
    ]

    lines = summary(outcomes).splitlines()

    assert lines[-1] == "7 passed, 1 failed, 1 skipped in 3s"
    assert "not run" in lines[-3]
