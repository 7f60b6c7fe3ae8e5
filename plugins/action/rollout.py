# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.rollout."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Sequence
from dataclasses import asdict

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.control import control
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.forecast import forecast
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import candidates
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.outlook import Outlook, outlook
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.owner import controlling_run
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import IN_FLIGHT, batches
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.progress import progress
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import (
    Opened,
    OpenHost,
    Release,
    open_rollout,
)
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._gates import (
    GATE_HEADERS,
    check_gates,
    keep_gates,
)
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import Args, LedgerAction, TaskVars

STATES = ("planned", "running", "paused", "halted", "aborted")


class ActionModule(LedgerAction):
    """Opens a rollout or goes on with it, and says whom to move in which batches; or stops it."""

    OPTIONS: t.ClassVar[Options] = {
        "state": {"type": "str", "choices": list(STATES), "default": "running"},
        "release": {"type": "str"},
        "kind": {"type": "str", "choices": ["snapshot", "image"], "default": "snapshot"},
        "digest": {"type": "str"},
        "policy": {"type": "dict", "default": {}},
        "leaving": {"type": "str", "default": ""},
        "only": {"type": "list", "elements": "str"},
        "rollout": {"type": "int"},
        "reason": {"type": "str", "default": ""},
        "pass_gates": {"type": "list", "elements": "str", "default": []},
        "gate_headers": GATE_HEADERS,
    }

    def work(self, ledger: Ledger, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See LedgerAction.work."""
        if not args["release"] or args["state"] not in STATES[:2]:
            return self._control(ledger, args)
        if not args["digest"]:
            raise InputError("is missing", where="digest", way_out="osaas.fleet.snapshot_info tells it")
        owner = controlling_run()
        release = Release(args["release"], args["kind"], args["digest"])
        opened, result = self._open(ledger, args, release, owner)
        # Gates may open the next wave, or halt the rollout: then all of it is to be told anew.
        if not self.check_mode and keep_gates(ledger, opened.rollout, args["gate_headers"], who=owner):
            _opened, result = self._open(ledger, args, release, owner)
        return {**result, "changed": not opened.resumed}

    def _open(
        self, ledger: Ledger, args: Args, release: Release, owner: str
    ) -> tuple[Opened, dict[str, t.Any]]:
        now = time.time()
        with ledger.write(keep=not self.check_mode) as connection:
            opened = open_rollout(
                connection,
                release,
                args["policy"],
                who=owner,
                now=now,
                start=args["state"] == "running",
                leaving=args["leaving"],
            )
            check_gates(opened.policy, args["gate_headers"])
            foretold: Sequence[str] = ()
            if self.check_mode or opened.state == "planned":
                foretold = forecast(candidates(connection), opened.policy, begin=now).lines
            following = outlook(connection, opened.rollout, now=now)
            far = progress(connection, opened.rollout)
        hosts = [host for host in opened.hosts if args["only"] is None or host.name in args["only"]]
        return opened, {**_result(opened, hosts, release, owner, following, foretold), "progress": far}

    def _control(self, ledger: Ledger, args: Args) -> dict[str, t.Any]:
        if args["state"] == "planned":
            raise InputError("is missing", where="release", way_out="Say what is to be planned")
        with ledger.write(keep=not self.check_mode) as connection:
            number, changed = control(
                connection,
                args["state"],
                args["reason"],
                number=args["rollout"],
                pass_gates=args["pass_gates"],
                who=controlling_run(),
                now=time.time(),
            )
        return {
            "changed": changed,
            "rollout": {"id": number, "state": args["state"], "reason": args["reason"]},
        }


def _result(
    opened: Opened,
    hosts: Sequence[OpenHost],
    release: Release,
    owner: str,
    following: Outlook,
    foretold: Sequence[str],
) -> dict[str, t.Any]:
    return {
        "run": {"rollout": opened.rollout, "plan_hash": opened.plan_hash, "owner": owner},
        "rollout": {
            "id": opened.rollout,
            "release": release.id,
            "state": opened.state,
            "reason": opened.reason,
            "resumed": opened.resumed,
            "next": asdict(following),
        },
        "hosts": [host.name for host in hosts],
        "serial": batches([host.wave for host in hosts]),
        "summary": [_heading(opened, hosts, release), *foretold],
    }


def _heading(opened: Opened, hosts: Sequence[OpenHost], release: Release) -> str:
    """How many hosts of which wave may be touched."""
    names = {
        IN_FLIGHT: "in flight",
        **{index: f"in wave {wave.name}" for index, wave in enumerate(opened.policy.waves)},
    }
    counts = [(names[wave], sum(host.wave == wave for host in hosts)) for wave in sorted(names)]
    told = ", ".join(f"{count} {where}" for where, count in counts if count) or "no host"
    return f"Release {release.id} to {told}, of {opened.fleet} hosts"
