# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The base of all actions that only talk to the ledger: no connection, only the controller's worker."""

from __future__ import annotations

import abc
import typing as t
from collections.abc import Mapping

from ansible.plugins.action import ActionBase
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Run
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._module import Option, Options

LEDGER: Option = {"type": "str", "required": True}
RUN: Option = {
    "type": "dict",
    "required": True,
    "options": {
        "rollout": {"type": "int", "required": True},
        "plan_hash": {"type": "str", "required": True},
        "owner": {"type": "str", "required": True},
    },
}

Args = Mapping[str, t.Any]
TaskVars = Mapping[str, t.Any]


class FleetAction(ActionBase, abc.ABC):
    """Validates the options, does its work, and fails with the one line of a FleetError."""

    TRANSFERS_FILES = False
    _requires_connection = False
    OPTIONS: t.ClassVar[Options]

    @abc.abstractmethod
    def do(self, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """What the action is for; returns its result. Raises FleetError."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """See ActionBase.run."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        # ActionBase says nothing of types.
        _validated, args = t.cast(t.Any, self).validate_argument_spec(argument_spec=self.spec())
        try:
            return {**result, **self.do(args, task_vars or {})}
        except FleetError as error:
            return {**result, "failed": True, "msg": str(error)}

    def spec(self) -> dict[str, Option]:
        """All options."""
        return dict(self.OPTIONS)

    @property
    def check_mode(self) -> bool:
        """Whether to change nothing."""
        return bool(self._task.check_mode)


class LedgerAction(FleetAction):
    """An action that works on a ledger."""

    @abc.abstractmethod
    def work(self, ledger: Ledger, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See FleetAction.do()."""

    def do(self, args: Args, task_vars: TaskVars) -> dict[str, t.Any]:
        """See FleetAction.do()."""
        with Ledger.open(args["ledger"]) as ledger:
            return self.work(ledger, args, task_vars)

    def spec(self) -> dict[str, Option]:
        """All options."""
        return {"ledger": LEDGER, **self.OPTIONS}


def run_of(args: Args) -> Run:
    """The run that a step belongs to, as the rollout action has returned it."""
    return Run(args["run"]["rollout"], args["run"]["plan_hash"], args["run"]["owner"])
