# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._image.definition import read_lineage
from ansible_collections.osaas.fleet.plugins.module_utils._image.lineage import arrange_lineage

CASES = yaml.safe_load(Path(__file__).with_name("bad_definitions.yml").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_bad_definition_is_refused_with_all_that_is_wrong(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(case["definition"])
    for name, content in case.get("files", {}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)

    with pytest.raises(FleetError) as refused:
        arrange_lineage(read_lineage(tmp_path, "web"))

    error = refused.value
    told = error.errors if isinstance(error, AllErrors) else [error]
    assert [str(one) for one in told] == case["errors"]
