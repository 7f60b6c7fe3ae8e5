# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the checks and tests of the collection, quickest first; stop at the first section that fails.

`python -m tools.test [PART …]`: a part is lint, unit, integration or e2e; without one, all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from xml.etree import ElementTree

from tools.venv import ROOT

CACHE = ROOT / ".cache"
REPORTS = CACHE / "reports"
SKIPPED = 77  # the exit status of a section that this machine has no Python for

Part = Literal["lint", "unit", "integration", "e2e"]
Result = Literal["passed", "failed", "skipped", "not run"]


@dataclass(frozen=True)
class Section:
    """Commands that are run one after the other, with the main environment's programs first on the PATH."""

    name: str
    part: Part
    commands: tuple[str, ...]


SECTIONS = (
    Section("ruff", "lint", ("ruff check", "ruff format --check")),
    Section("unit", "unit", ("pytest tests/unit",)),
    Section("mypy", "lint", ("mypy -p ansible_collections.osaas.fleet.plugins", "mypy tools tests")),
    Section("yamllint", "lint", ("yamllint --strict .",)),
    Section("shellcheck", "lint", ("shellcheck tools/bootstrap tools/clean .ci/run",)),
    Section("changelog", "lint", ("antsibull-changelog lint",)),
    Section("unit, oldest core", "unit", ("python -m tools.under core-2.16 pytest tests/unit",)),
    Section("unit, newest core", "unit", ("python -m tools.under core-newest pytest tests/unit",)),
    Section(
        "docs",
        "lint",
        (
            "antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck --validate-collection-refs all"
            " --disallow-unknown-collection-refs .",
        ),
    ),
    Section("ansible-lint", "lint", ("ansible-lint",)),
    Section("sanity, newest core", "lint", ("python -m tools.sanity core-newest",)),
    Section("sanity, oldest core", "lint", ("python -m tools.sanity core-2.16",)),
    Section("integration", "integration", ("pytest tests/integration",)),
    Section("molecule", "e2e", ("molecule test --all --shared-state --report",)),
    Section("demo, oldest core", "e2e", ("python -m tools.under core-2.16 demo",)),
    Section("demo, newest core", "e2e", ("python -m tools.under core-newest demo",)),
    Section("e2e", "e2e", ("pytest tests/e2e",)),
)


@dataclass(frozen=True)
class Outcome:
    """How a section ended, after how many seconds, and what pytest counted in it."""

    section: Section
    result: Result
    seconds: float = 0.0
    passed: int = 0
    skipped: int = 0


def run(section: Section) -> Outcome:
    """Run a section's commands until one of them fails; their output goes to the terminal."""
    report = REPORTS / f"{section.name.replace(', ', '-').replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    started = time.monotonic()
    status = 0
    for command in section.commands:
        print(f"\n==> {section.name}: {command}", flush=True)
        status = subprocess.run(command.split(), cwd=ROOT, env=_environment(report), check=False).returncode
        if status:
            break
    passed, skipped = _counts(report)
    result: Result = "passed" if status == 0 else "skipped" if status == SKIPPED else "failed"
    outcome = Outcome(section, result, time.monotonic() - started, passed, skipped)
    print(f"<== {section.name}: {result} after {outcome.seconds:.1f} s", flush=True)
    return outcome


def _environment(report: Path) -> dict[str, str]:
    """The environment of every command: caches and Ansible's home lie under .cache, not in the user's."""
    programs = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTEST_ADDOPTS": f"--junitxml={report}",
        "MYPYPATH": f"{CACHE / 'collections'}:{ROOT / 'tests'}",
        "ANSIBLE_HOME": os.fspath(CACHE / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": os.fspath(CACHE / "collections"),
        "XDG_CACHE_HOME": os.fspath(CACHE / "xdg"),
    }


def _counts(report: Path) -> tuple[int, int]:
    """Tests passed and skipped in a JUnit file; zero for a section that is no pytest run."""
    if not report.is_file():
        return 0, 0
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))

    def total(kind: str) -> int:
        return sum(int(suite.get(kind, "0")) for suite in suites)

    skipped = total("skipped")
    return total("tests") - total("failures") - total("errors") - skipped, skipped


def summary(outcomes: Sequence[Outcome]) -> str:
    """The closing table, and a last line as pytest writes it."""
    lines = ["", f"{'section':<22} {'result':<8} {'seconds':>8} {'tests':>6}"]
    lines += [
        f"{outcome.section.name:<22} {outcome.result:<8} {outcome.seconds:>8.1f} {outcome.passed or '':>6}"
        for outcome in outcomes
    ]
    passed = sum(outcome.passed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    failed = sum(outcome.result == "failed" for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    lines += ["", f"{passed} passed, {failed} failed, {skipped} skipped in {seconds:.0f}s"]
    return "\n".join(lines)


def run_all(sections: Sequence[Section]) -> list[Outcome]:
    """Run sections in order; what comes after a failed one is not run, and said to be so."""
    outcomes: list[Outcome] = []
    for section in sections:
        stopped = any(outcome.result == "failed" for outcome in outcomes)
        outcomes.append(Outcome(section, "not run") if stopped else run(section))
    return outcomes


def main() -> int:
    """Run the parts named on the command line."""
    wanted = sys.argv[1:] or get_args(Part)
    REPORTS.mkdir(parents=True, exist_ok=True)
    outcomes = run_all([section for section in SECTIONS if section.part in wanted])
    print(summary(outcomes), flush=True)
    return int(any(outcome.result == "failed" for outcome in outcomes))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
