# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every unit test may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from unit.harness import ModuleResult, RunModule, run


@pytest.fixture
def run_module(tmp_path_factory: pytest.TempPathFactory) -> RunModule:
    """Run a module's main() and return its result; any warning fails the test unless asked for."""

    def call(
        module: str | Callable[[], None],
        params: Mapping[str, Any],
        *,
        check: bool = False,
        diff: bool = False,
        allow_warnings: bool = False,
    ) -> ModuleResult:
        tmp: Path = tmp_path_factory.mktemp("remote_tmp")
        result = run(module, params, check=check, diff=diff, tmp=tmp)
        if not allow_warnings:
            assert not result.warnings, f"unexpected warnings: {result.warnings}"
            assert not result.deprecations, f"unexpected deprecations: {result.deprecations}"
        return result

    return call
