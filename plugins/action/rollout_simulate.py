# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.rollout_simulate."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.feasible import check_feasible
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.forecast import Forecast, forecast
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import candidates
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import Candidate
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy, parse_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.simulate import Model, Outcome, simulate
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.simulation_page import (
    page,
    table_headings,
    table_row,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.status import table_lines
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.virtual import virtual_fleet
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import Args, FleetAction, TaskVars


class ActionModule(FleetAction):
    """Foretells a rollout, and plays it through at several failure rates."""

    OPTIONS: t.ClassVar[Options] = {
        "ledger": {"type": "str"},
        "hosts": {"type": "int"},
        "hosts_per_domain": {"type": "int", "default": 40},
        "policy": {"type": "dict", "default": {}},
        "failure_rates": {"type": "list", "elements": "float", "default": [0.1, 1.0, 10.0, 100.0]},
        "lost": {"type": "float", "default": 10.0},
        "transient": {"type": "float", "default": 0.0},
        "seed": {"type": "int", "default": 0},
        "page": {"type": "path"},
    }

    def do(self, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See FleetAction.do()."""
        policy, begin = parse_policy(args["policy"]), time.time()
        rates = {f"failure_rates[{index}]": rate for index, rate in enumerate(args["failure_rates"])}
        for field, value in {"lost": args["lost"], "transient": args["transient"], **rates}.items():
            if not 0 <= value <= 100:
                raise InputError(f"{value:g} is not a percentage from 0 to 100", where=field)
        hosts = self._hosts(args, policy)
        check_feasible(policy, hosts, begin)
        foretold = forecast(hosts, policy, begin=begin)
        outcomes = {
            percent / 100: simulate(
                hosts,
                policy,
                Model(
                    percent / 100,
                    args["lost"] / 100,
                    policy.host_time,
                    seed=args["seed"],
                    transient=args["transient"] / 100,
                ),
                begin=begin,
            )
            for percent in args["failure_rates"]
        }
        rows = [table_row(rate, outcome) for rate, outcome in outcomes.items()]
        if args["page"] and not self.check_mode:
            title = (
                f"Rollout to {len(hosts)} hosts in {len({host.domain for host in hosts})} domains, simulated"
            )
            write_atomic(Path(args["page"]), page(title, foretold.lines, outcomes, rows).encode())
        return {
            "changed": bool(args["page"]),
            "forecast": _forecast(foretold),
            "outcomes": [_outcome(rate, outcome) for rate, outcome in outcomes.items()],
            "summary": [*foretold.lines, "", *table_lines(table_headings(), rows)],
        }

    @staticmethod
    def _hosts(args: Args, policy: Policy) -> list[Candidate]:
        if (args["ledger"] is None) == (args["hosts"] is None):
            raise InputError(
                "give one of them, and not both",
                where="ledger, hosts",
                way_out="The ledger for its hosts, or hosts for so many that do not exist",
            )
        if args["hosts"] is not None:
            if args["hosts"] < 1 or args["hosts_per_domain"] < 1:
                raise InputError("must be 1 or more", where="hosts, hosts_per_domain")
            return virtual_fleet(args["hosts"], args["hosts_per_domain"], policy)
        with Ledger.open(args["ledger"]) as ledger, ledger.read() as connection:
            hosts = candidates(connection)
        if not hosts:
            raise InputError("has no hosts", where="ledger", way_out="Enrol some first: osaas.fleet.enrol")
        return hosts


def _forecast(foretold: Forecast) -> Mapping[str, t.Any]:
    blast = foretold.blast_radius
    return {
        "finish": foretold.finish,
        "deadline": foretold.deadline,
        "late": list(foretold.late),
        "blast_radius": {"hosts": blast.hosts, "by_domain": dict(blast.by_domain), "why": blast.arithmetic},
    }


def _outcome(rate: float, outcome: Outcome) -> Mapping[str, t.Any]:
    return {
        "failure_rate": rate * 100,
        "state": outcome.state,
        "reason": outcome.reason,
        "seconds": outcome.seconds,
        "done": outcome.done,
        "broken": outcome.failed,
        "lost": outcome.lost,
        "untouched": outcome.untouched,
        "late": len(outcome.late),
        "peak_unavailable": outcome.peak,
        "peak_unavailable_by_domain": dict(outcome.peak_by_domain),
        "curve": [list(point) for point in outcome.curve],
    }
