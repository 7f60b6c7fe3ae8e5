# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text
from ansible_collections.osaas.fleet.plugins.module_utils._image.kinds import ARTIFACT_KINDS, KINDS
from ansible_collections.osaas.fleet.plugins.module_utils._image.schema import definition_schema
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial_kinds import TRIAL_KINDS
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[5]
IMAGE = ROOT / "plugins/module_utils/_image"


def test_the_published_schema_is_the_one_that_definitions_are_checked_by() -> None:
    """Write it anew with json_text(definition_schema()) when this fails."""
    assert (ROOT / "docs/image-definition.schema.json").read_text() == json_text(definition_schema())


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(json.dumps(definition_schema())))


def test_every_file_of_a_kind_is_registered() -> None:
    assert {path.stem for path in (IMAGE / "features").glob("*.py")} == set(KINDS)
    assert {path.stem for path in (IMAGE / "artifacts").glob("*.py")} == set(ARTIFACT_KINDS)
    assert {path.stem for path in (IMAGE / "trials").glob("*.py")} == set(TRIAL_KINDS)
