# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that stand in two places stay equal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.collection.tree import ROOT, plugins

AUTHOR = "osaas.fleet contributors (@osaas-fleet)"


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


@pytest.fixture(scope="module")
def documentation(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By module name: its documentation as ansible-doc reads it, with the fragments merged in."""
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"),
        "ANSIBLE_HOME": str(tmp_path_factory.mktemp("ansible")),
    }
    names = [f"osaas.fleet.{module}" for module in plugins("modules")]
    printed = subprocess.run(
        [Path(sys.executable).with_name("ansible-doc"), "--type=module", "--json", *names],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {name.rpartition(".")[2]: found["doc"] for name, found in json.loads(printed).items()}


def test_the_action_group_is_every_module() -> None:
    assert load("meta/runtime.yml")["action_groups"]["fleet"] == sorted(plugins("modules"))


def test_every_action_has_a_module_that_documents_it() -> None:
    assert set(plugins("action")) <= set(plugins("modules"))


@pytest.mark.parametrize("module", plugins("modules"))
def test_every_module_states_its_attributes(documentation: dict[str, Any], module: str) -> None:
    attributes = documentation[module]["attributes"]

    assert {"action_group", "check_mode", "diff_mode", "idempotent", "platform"} <= attributes.keys()
    assert [name for name, attribute in attributes.items() if "support" not in attribute] == []
    assert attributes["action_group"]["membership"] == ["osaas.fleet.fleet"]


@pytest.mark.parametrize("module", plugins("modules"))
def test_every_module_is_by_the_collection(documentation: dict[str, Any], module: str) -> None:
    assert documentation[module]["author"] in (AUTHOR, [AUTHOR])


def test_requirements_of_the_execution_environment_have_lower_bounds() -> None:
    lines = (ROOT / "meta/ee-requirements.txt").read_text().splitlines()
    requirements = [line for line in lines if line and not line.startswith("#")]

    assert requirements
    assert not [line for line in requirements if not re.fullmatch(r"[\w\[\]-]+ >= [\d.]+", line)]
