# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Run a module on a host that may go away in between: try again, and in the end fail, not be unreachable.

Ansible drops an unreachable host from the play without a word to `rescue`, and counts it for no limit.
A host that vanishes under an update is the very failure that a rollout has to see.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

_PAUSE = 2.0  # seconds between two tries


class PatientAction(ActionBase):
    """Runs the module of the action's own name."""

    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """See ActionBase.run; a host out of reach for `reconnect_timeout` seconds gives a failure."""
        super().run(tmp, task_vars)
        begun = time.monotonic()
        patience = float(self._task.args.get("reconnect_timeout", 120))
        silent_since: float | None = None
        while True:
            try:
                result: dict[str, t.Any] = self._execute_module(
                    module_args=self.module_args(), task_vars=task_vars, wrap_async=self._task.async_val
                )
            except AnsibleConnectionFailure as error:
                now = time.monotonic()
                silent_since = begun if silent_since is None else silent_since
                if now - silent_since >= patience:
                    host = (task_vars or {}).get("inventory_hostname", "host")
                    return self._gone(now - silent_since, error, host)
            else:
                return result
            time.sleep(_PAUSE)
            with contextlib.suppress(AnsibleError):
                self._connection.reset()

    def module_args(self) -> dict[str, t.Any]:
        """What the module is given; the same in every try."""
        return dict(self._task.args)

    def _gone(self, seconds: float, error: AnsibleError, host: str) -> dict[str, t.Any]:
        cause = " ".join(str(error).split())
        return {
            "failed": True,
            "msg": f"{host} cannot be reached for {seconds:.0f} s ({self._connection.transport}: {cause})",
            "unreachable_for": round(seconds, 1),
        }
