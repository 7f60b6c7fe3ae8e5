# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of osaas.fleet.health_check: see the module. What needs jmespath is judged here, not on hosts."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.osaas.fleet.plugins.plugin_utils._bodies import judge_bodies
from ansible_collections.osaas.fleet.plugins.plugin_utils._patient import PatientAction


class ActionModule(PatientAction):
    """Runs the module health_check, tells it the time, and fails by itself once bodies were judged."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """See PatientAction.run."""
        result = super().run(tmp, task_vars)
        return judge_bodies(result, self._task.args) if "results" in result else result

    def module_args(self) -> dict[str, t.Any]:
        """Adds the time of this try."""
        return {**super().module_args(), "controller_time": time.time()}
