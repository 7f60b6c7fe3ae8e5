# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.host_explain."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.explain import explain, explain_lines
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import Args, LedgerAction, TaskVars


class ActionModule(LedgerAction):
    """Tells why a host is where it is."""

    OPTIONS: t.ClassVar[Options] = {"host": {"type": "str", "required": True}}

    def work(self, ledger: Ledger, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See LedgerAction.work."""
        with ledger.read() as connection:
            told = explain(connection, args["host"], now=time.time())
        return {"changed": False, "explanation": told, "summary": explain_lines(told)}
