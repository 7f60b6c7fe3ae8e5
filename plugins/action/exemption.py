# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.exemption."""

from __future__ import annotations

import time
import typing as t
from datetime import datetime, timezone

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.exemptions import Exemption, exempt
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.owner import controlling_run
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import Args, LedgerAction, TaskVars


class ActionModule(LedgerAction):
    """Keeps hosts out of rollouts for a while, or lets them in again."""

    OPTIONS: t.ClassVar[Options] = {
        "hosts": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "owner": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "expires": {"type": "str"},
    }

    def work(self, ledger: Ledger, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See LedgerAction.work."""
        wanted = None
        if args["state"] == "present":
            wanted = Exemption(args["owner"], args["reason"], _moment(args["expires"]))
        with ledger.write(keep=not self.check_mode) as connection:
            changed = exempt(connection, args["hosts"], wanted, who=controlling_run(), now=time.time())
        return {"changed": bool(changed), "hosts": changed}


def _moment(text: str | None) -> float:
    try:
        moment = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        raise InputError(
            f"{text!r} is no time",
            where="expires",
            way_out="An exemption ends; give for example '2027-01-31'",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
