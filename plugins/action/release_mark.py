# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.release_mark."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.marks import (
    FLAGS,
    mark,
    release_before,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.owner import controlling_run
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import Args, LedgerAction, TaskVars


class ActionModule(LedgerAction):
    """Marks a release, with a reason."""

    OPTIONS: t.ClassVar[Options] = {
        "release": {"type": "str", "required": True},
        "mark": {"type": "str", "choices": [*FLAGS, "none"], "required": True},
        "reason": {"type": "str", "required": True},
    }

    def work(self, ledger: Ledger, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See LedgerAction.work."""
        flag = "" if args["mark"] == "none" else args["mark"]
        with ledger.write(keep=not self.check_mode) as connection:
            changed = mark(
                connection, args["release"], flag, args["reason"], who=controlling_run(), now=time.time()
            )
            before = release_before(connection, args["release"])
        return {"changed": changed, "before": before}
