# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make test` consists of: each section by itself tells whether one side of the collection is well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# What a host runs without Ansible: unit tests that need none.
_HOST_SIDE = "-c tests/unit/host.ini tests/unit/plugins/module_utils/_host"

Part = Literal["lint", "unit", "integration", "e2e"]


@dataclass(frozen=True)
class Section:
    """Commands that are run one after the other, with the main environment's programs first on the PATH.

    Any two sections may run at the same time.
    """

    name: str
    part: Part
    commands: tuple[str, ...]

    @property
    def boots_hosts(self) -> bool:
        """It mostly waits for hosts; all other sections compute."""
        return self.part == "e2e"


def sections(tests: Path) -> tuple[Section, ...]:
    """All of them, quickest first; those of integration and e2e are what lies in the directory `tests`."""
    return (
        Section("ruff", "lint", ("ruff check", "ruff format --check")),
        Section("unit", "unit", ("pytest tests/unit",)),
        Section("mypy", "lint", ("mypy -p ansible_collections.osaas.fleet.plugins", "mypy tools tests")),
        Section("yamllint", "lint", ("yamllint --strict .",)),
        Section("shellcheck", "lint", ("shellcheck tools/bootstrap tools/clean .ci/run",)),
        Section("changelog", "lint", ("antsibull-changelog lint",)),
        Section("unit, oldest core", "unit", ("python -m tools.under core-2.16 pytest tests/unit",)),
        Section("unit, newest core", "unit", ("python -m tools.under core-newest pytest tests/unit",)),
        Section("unit, host side", "unit", (f"python -m tools.under host pytest {_HOST_SIDE}",)),
        Section(
            "docs",
            "lint",
            (
                "antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck"
                " --validate-collection-refs all --disallow-unknown-collection-refs .",
            ),
        ),
        Section("ansible-lint", "lint", ("ansible-lint",)),
        Section("sanity, newest core", "lint", ("python -m tools.sanity core-newest",)),
        Section("sanity, oldest core", "lint", ("python -m tools.sanity core-2.16",)),
        *_pytest("integration", tests, {path.parent for path in tests.glob("integration/*/test_*.py")}),
        *_pytest("integration", tests, {path.parent for path in tests.glob("vm/test_*.py")}),
        Section("molecule", "e2e", ("python -m tools.molecule",)),
        Section("demo, oldest core", "e2e", ("python -m tools.under core-2.16 demo demo-oldest",)),
        Section("demo, newest core", "e2e", ("python -m tools.under core-newest demo demo-newest",)),
        *_pytest("e2e", tests, tests.glob("e2e/test_*.py")),
    )


def _pytest(part: Part, tests: Path, places: Iterable[Path]) -> Iterator[Section]:
    """A section for each file or directory of tests: lanes share many small ones better than a big one."""
    for place in sorted(places):
        name = place.stem.removeprefix("test_").replace("_", " ")
        yield Section(f"{part}, {name}", part, (f"pytest {place.relative_to(tests.parent)}",))
