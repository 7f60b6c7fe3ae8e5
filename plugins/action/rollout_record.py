# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.rollout_record."""

from __future__ import annotations

import time
import typing as t
from dataclasses import asdict

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.failures import KINDS
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Record, record
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.progress import progress
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.states import RECORDED, STEP_FAILED
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import (
    RUN,
    Args,
    LedgerAction,
    TaskVars,
    run_of,
)


class ActionModule(LedgerAction):
    """Writes down how a claimed host fares."""

    OPTIONS: t.ClassVar[Options] = {
        "run": RUN,
        "fence": {"type": "int", "required": True},
        "state": {"type": "str", "required": True, "choices": [*RECORDED, STEP_FAILED]},
        "failure": {"type": "str", "choices": list(KINDS)},
        "reason": {"type": "str", "default": ""},
        "release": {"type": "str", "default": ""},
        "digest": {"type": "str", "default": ""},
        "baseline": {"type": "dict"},
    }

    def work(self, ledger: Ledger, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See LedgerAction.work."""
        if self.check_mode:
            return {"changed": False}
        if (args["state"] == STEP_FAILED) != bool(args["failure"]):
            raise InputError(
                "belongs to state 'failed', and only to it", where="failure", way_out="Say which step failed"
            )
        news = Record(
            args["state"],
            args["reason"],
            args["release"] or "",
            args["digest"] or "",
            args["baseline"],
            args["failure"] or "",
        )
        with ledger.write() as connection:
            told = record(
                connection,
                run_of(args),
                task_vars["inventory_hostname"],
                args["fence"],
                news,
                now=time.time(),
            )
            far = progress(connection, args["run"]["rollout"])
        return {
            "changed": True,
            "host_reason": news.reason,
            **asdict(told),
            "progress": far,
        }
