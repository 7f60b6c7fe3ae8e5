# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.rollout_info."""

from __future__ import annotations

import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.status import rollout_status, status_lines
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import Args, LedgerAction, TaskVars


class ActionModule(LedgerAction):
    """Tells where a rollout and its hosts stand."""

    OPTIONS: t.ClassVar[Options] = {"rollout": {"type": "int"}}

    def work(self, ledger: Ledger, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See LedgerAction.work."""
        with ledger.read() as connection:
            status = rollout_status(connection, args["rollout"])
        return {"changed": False, "rollout": status, "summary": status_lines(status)}
