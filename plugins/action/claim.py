# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.claim."""

from __future__ import annotations

import time
import typing as t
from dataclasses import asdict

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Claimed, claim
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._gates import GATE_HEADERS, keep_gates
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import (
    RUN,
    Args,
    LedgerAction,
    TaskVars,
    run_of,
)
from ansible_collections.osaas.fleet.plugins.plugin_utils._warm import warm_up

# Seconds between two tries. Budgets may be free at any time; while a window is shut only a halt is news.
_PAUSE, _LONG_PAUSE = 1.0, 30.0

# Ansible reads this file before it forks.
warm_up()


class ActionModule(LedgerAction):
    """Takes a lease on one unit of disruption budget for the host, or says why not."""

    OPTIONS: t.ClassVar[Options] = {
        "run": RUN,
        "wait": {"type": "float", "default": 900.0},
        "gate_headers": GATE_HEADERS,
    }

    def work(self, ledger: Ledger, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See LedgerAction.work."""
        if self.check_mode:
            return _result(Claimed(False, False, "check mode touches no host"))
        run, host = run_of(args), task_vars["inventory_hostname"]
        deadline = time.time() + args["wait"]
        while True:
            with ledger.write() as connection:
                answer = claim(connection, run, host, now=time.time())
            if answer.gates and keep_gates(ledger, run.rollout, args["gate_headers"], who=run.owner):
                continue
            if not answer.again or max(time.time(), answer.until) >= deadline:
                return _result(answer)
            self._display.vv(f"{host}: {answer.reason}")
            time.sleep(min(max(answer.until - time.time(), _PAUSE), _LONG_PAUSE))


def _result(answer: Claimed) -> dict[str, t.Any]:
    told = {name: value for name, value in asdict(answer).items() if name != "gates"}
    return {"changed": answer.granted, **told}
