# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of osaas.fleet.enrol."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.owner import controlling_run
from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.plugin_utils._ledger_action import Args, LedgerAction, TaskVars


class ActionModule(LedgerAction):
    """Copies hosts of the inventory into the ledger."""

    OPTIONS: t.ClassVar[Options] = {
        "hosts": {"type": "list", "elements": "str", "required": True},
        "domain": {"type": "str", "required": True},
        "labels": {"type": "list", "elements": "str", "default": []},
        "facts": {"type": "str", "default": "osaas_host"},
    }

    def work(self, ledger: Ledger, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See LedgerAction.work."""
        if not args["hosts"]:
            raise InputError(
                "names no host", where="hosts", way_out="An empty selection never means all hosts"
            )
        hosts = [self._enrolment(name, task_vars["hostvars"], args) for name in args["hosts"]]
        with ledger.write(keep=not self.check_mode) as connection:
            added, changed = enrol(connection, hosts, who=controlling_run(), now=time.time())
        return {"changed": bool(added or changed), "added": added, "updated": changed}

    @staticmethod
    def _enrolment(name: str, hostvars: t.Any, args: Args) -> Enrolment:
        if name not in hostvars:
            raise InputError("is not in the inventory", where=name)
        variables = hostvars[name]
        domain = variables.get(args["domain"], "")
        if not domain:
            raise InputError(
                f"has no variable {args['domain']!r}, so its failure domain is unknown",
                where=name,
                way_out="Set it in the inventory, or name another variable with the option domain",
            )
        facts = variables.get(args["facts"], {}).get("host", {})
        labels = {label: variables[label] for label in args["labels"] if label in variables}
        return Enrolment(
            name=name,
            domain=str(domain),
            labels=labels,
            machine_id=facts.get("machine_id") or "",
            release=facts.get("running") or "",
            digest=(facts.get("image") or {}).get("digest") or facts.get("package_set_digest") or "",
            streams=facts.get("module_streams"),
        )
