# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every file of the checkout has, and what none may have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from unit.collection.tree import ROOT, files

LICENCE = (
    "# Copyright (c) osaas.fleet contributors",
    "# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)

# Each word is written in pieces, so that this file does not find itself.
FORBIDDEN = {
    "a path of one machine": re.compile("/" + r"(work|root|home/[a-z]+)/[\w.]"),
    "a package registry or mirror (use the machine's own configuration)": re.compile(
        "|".join(["py" + r"pi\.org", "python" + "hosted", r"deb\." + "debian", "registry" + r"\.npm"])
    ),
}

TEXTS = [path for path in files() if path.suffix not in {".png", ".svg", ".gif", ".gz"}]
PYTHON = [path for path in files() if path.suffix == ".py" and (ROOT / path).stat().st_size > 0]


@pytest.mark.parametrize("path", PYTHON, ids=str)
def test_python_begins_with_the_licence_and_imports_annotations(path: Path) -> None:
    lines = (ROOT / path).read_text().splitlines()
    head = lines[1:4] if lines and lines[0].startswith("#!") else lines[:3]

    assert tuple(head) == LICENCE
    assert "from __future__ import annotations" in lines


@pytest.mark.parametrize("path", TEXTS, ids=str)
def test_nothing_forbidden_is_in_a_file(path: Path) -> None:
    lines = (ROOT / path).read_text().splitlines()
    found = [
        f"{path}:{number}: {what}: {line.strip()}"
        for number, line in enumerate(lines, start=1)
        for what, pattern in FORBIDDEN.items()
        if pattern.search(line)
    ]

    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "the checkout is /" + "work/main",
        "key in /" + "root/.ssh",
        "see /" + "home/somebody/notes",
        "https://py" + "pi.org/simple",
        "http://deb." + "debian.org/debian",
    ],
)
def test_the_patterns_find_what_they_are_for(line: str) -> None:
    assert any(pattern.search(line) for pattern in FORBIDDEN.values())


def test_no_sanity_check_is_ignored() -> None:
    assert [path for path in files() if path.match("tests/sanity/ignore-*")] == []


@pytest.mark.parametrize("path", [path for path in PYTHON if "module_utils" in path.parts], ids=str)
def test_shared_code_is_private_by_name(path: Path) -> None:
    """Any part of the path below module_utils that begins with an underscore makes it private."""
    below = path.parts[path.parts.index("module_utils") + 1 :]

    assert any(part.startswith("_") for part in below)
