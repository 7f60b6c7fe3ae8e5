# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.package_sets."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.owner import controlling_run
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.package_sets import (
    Found,
    Told,
    check_told,
    find,
    record,
)
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import Args, FleetAction, TaskVars


class ActionModule(FleetAction):
    """Tells what hosts have installed, and notes it in the ledger."""

    OPTIONS: t.ClassVar[Options] = {
        "ledger": {"type": "str"},
        "hosts": {"type": "list", "elements": "str"},
        "told": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "host": {"type": "str", "required": True},
                "digest": {"type": "str", "required": True},
                "streams": {"type": "list", "elements": "str", "required": True},
                "packages": {"type": "list", "elements": "str"},
            },
        },
    }

    def do(self, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See FleetAction.do()."""
        told = [Told(**{**one, "streams": tuple(one["streams"])}) for one in args["told"]]
        check_told(told)
        changed = False
        # Where no host is in question, there need not be a ledger: a repo server may have none.
        if args["ledger"] and (told or args["hosts"] != []):
            with Ledger.open(args["ledger"]) as ledger:
                changed = bool(told) and self._record(ledger, told)
                with ledger.read() as connection:
                    found = find(connection, told, args["hosts"])
        else:
            found = find(None, told, args["hosts"])
        return {"changed": changed, **_data(found)}

    def _record(self, ledger: Ledger, told: Sequence[Told]) -> bool:
        with ledger.write(keep=not self.check_mode) as connection:
            return record(connection, told, who=controlling_run(), now=time.time())


def _data(found: Found) -> dict[str, t.Any]:
    sets = [one._asdict() for one in found.package_sets]
    return {"package_sets": sets, "unknown": list(found.unknown), "ask": list(found.ask)}
