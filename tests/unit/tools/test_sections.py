# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test` leaves no test out."""

from __future__ import annotations

from pathlib import Path

from tools.sections import sections
from tools.venv import ROOT


def test_names_differ_as_their_reports_do() -> None:
    names = [section.name for section in sections(ROOT / "tests")]

    assert len(set(names)) == len(names)


def test_every_file_of_tests_is_in_a_section() -> None:
    words = [
        word for section in sections(ROOT / "tests") for line in section.commands for word in line.split()
    ]
    places = [ROOT / word for word in words if word.startswith("tests/")]
    for file in (ROOT / "tests").glob("**/test_*.py"):
        assert any(map(file.is_relative_to, places)), f"{file} is in no section"


def test_what_lies_there_is_found(tmp_path: Path) -> None:
    """A file of e2e has a section to itself; of integration, each directory with tests has."""
    for name in ("integration/repo/test_a.py", "integration/repo/test_b.py", "integration/data/x.py"):
        (tmp_path / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests" / name).touch()
    (tmp_path / "tests/e2e").mkdir()
    (tmp_path / "tests/e2e/test_two_words.py").touch()

    found = {section.name: section for section in sections(tmp_path / "tests")}

    assert found["integration, repo"].commands == ("pytest tests/integration/repo",)
    assert found["e2e, two words"].commands == ("pytest tests/e2e/test_two_words.py",)
    assert found["e2e, two words"].boots_hosts and not found["integration, repo"].boots_hosts
    assert "integration, data" not in found
