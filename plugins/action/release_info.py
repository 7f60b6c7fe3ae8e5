# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.release_info."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.releases import releases_in_use
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import Args, LedgerAction, TaskVars


class ActionModule(LedgerAction):
    """Tells which releases the fleet still needs."""

    OPTIONS: t.ClassVar[Options] = {}

    def work(self, ledger: Ledger, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See LedgerAction.work."""
        with ledger.read() as connection:
            return {"changed": False, "releases": [asdict(one) for one in releases_in_use(connection)]}
