# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/images.md and the demo say are definitions, and the page names every kind that there is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact_kinds import ARTIFACT_KINDS
from ansible_collections.osaas.fleet.plugins.module_utils._image.definition import read_lineage
from ansible_collections.osaas.fleet.plugins.module_utils._image.kinds import KINDS
from ansible_collections.osaas.fleet.plugins.module_utils._image.lineage import arrange_lineage
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial_kinds import TRIAL_KINDS

CHECKOUT = Path(__file__).parents[5]
PAGE = (CHECKOUT / "docs/images.md").read_text()


def test_its_definitions_are_some(tmp_path: Path) -> None:
    for name, text in re.findall(r"```yaml\n# /srv/images/(\S+)\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).write_text(text)
    (tmp_path / "index.html").write_text("hello")

    base, web = read_lineage(tmp_path, "web")

    assert (base.channel, web.parent) == ("stable", "base")
    assert [artifact.kind for artifact in web.artifacts] == ["disk", "sbom"]


@pytest.mark.parametrize(
    ("table", "kinds"), [("Feature", KINDS), ("Artifact", ARTIFACT_KINDS), ("Test", TRIAL_KINDS)]
)
def test_it_names_every_kind(table: str, kinds: dict[str, object]) -> None:
    rows = PAGE.partition(f"| {table} | |\n|---|---|\n")[2].partition("\n\n")[0]
    named = [name for row in rows.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(kinds)


def test_the_error_that_it_shows(tmp_path: Path) -> None:
    name, text = PAGE.partition("# /srv/images/web.yml\n")[1:]
    text = name + text.partition("```")[0]
    (tmp_path / "base.yml").write_text("image: base\nchannel: stable\n")
    (tmp_path / "web.yml").write_text(text.replace("/srv/web/index.html", "/srv/wbe/index.html"))
    (tmp_path / "index.html").write_text("hello")
    with pytest.raises(AllErrors) as refused:
        arrange_lineage(read_lineage(tmp_path, "web"))
    (shown,) = re.findall(r"^    (web\.yml:.*)$", PAGE, re.MULTILINE)
    assert shown in map(str, refused.value.errors)


def test_definitions_of_the_demo_are_some(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "tests/demo/images", tmp_path, dirs_exist_ok=True)
    (tmp_path / "index.html").write_text("hello")
    for name in ("web", "tools"):
        assert read_lineage(tmp_path, name)[-1].name == name
