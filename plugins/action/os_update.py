# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of os_update: after a dropped connection it follows the same transaction."""

from __future__ import annotations

import typing as t
import uuid

from ansible_collections.osaas.fleet.plugins.plugin_utils._patient import PatientAction


class ActionModule(PatientAction):
    """Runs the module os_update, under one name in all its tries."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """See PatientAction.run."""
        self._request = uuid.uuid4().hex
        return super().run(tmp, task_vars)

    def module_args(self) -> dict[str, t.Any]:
        """Adds the name of this call."""
        return {"request": self._request, **super().module_args()}
