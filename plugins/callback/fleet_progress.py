# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows a long run to a person at a terminal: what changed where, what failed and why, and nothing else."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: fleet_progress
type: stdout
short_description: Progress of a long run, for a person
version_added: "0.1.0"
description:
  - Prints one line for every change, failure and message, with the time of day and the time it took.
  - Tasks that found nothing to do are not shown, unless C(ansible-playbook) is called with C(-v).
extends_documentation_fragment:
  - default_callback
author: osaas.fleet contributors (@osaas-fleet)
"""

import time
import typing as t

from ansible import constants
from ansible.plugins.callback import CallbackBase

if t.TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import TaskResult
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

_WIDTH = 12
# The constants are made from the configuration at run time; a type checker cannot see them.
_COLORS: t.Any = constants


class CallbackModule(CallbackBase):
    """One line for each thing that a person wants to know."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "osaas.fleet.fleet_progress"

    def __init__(self) -> None:
        super().__init__()
        self._started: dict[tuple[str, str], float] = {}
        self._play = ""

    def v2_playbook_on_play_start(self, play: Play) -> None:
        """A heading for each play; a free line before each further batch of it."""
        name = play.get_name().strip()
        heading = f"\n{name}" if name != self._play else ""
        self._display.display(heading, color=_COLORS.COLOR_HIGHLIGHT)
        self._play = name

    def v2_runner_on_start(self, host: t.Any, task: Task) -> None:
        """Remember when a task began."""
        self._started[host.get_name(), task._uuid] = time.monotonic()

    def v2_runner_on_ok(self, result: TaskResult) -> None:
        """A change, or a message."""
        data = result._result
        if result._task.action in ("ansible.builtin.debug", "debug"):
            self._message(data)
        elif data.get("changed"):
            self._line(result, self._phase(result), _COLORS.COLOR_CHANGED)
        elif "granted" in data:
            self._line(result, f"left alone: {data.get('reason')}", _COLORS.COLOR_SKIP)
        elif self._display.verbosity:
            self._line(result, f"{result._task.get_name()}: nothing to do", _COLORS.COLOR_OK)

    def v2_runner_on_failed(self, result: TaskResult, ignore_errors: bool = False) -> None:
        """A failure with its reason; a rescue may follow."""
        word = "failed, ignored" if ignore_errors else "FAILED"
        text = f"{result._task.get_name()} {word}: {self._reason(result._result)}"
        self._line(result, text, _COLORS.COLOR_SKIP if ignore_errors else _COLORS.COLOR_ERROR)

    def v2_runner_on_unreachable(self, result: TaskResult) -> None:
        """A host that does not answer."""
        self._line(result, f"UNREACHABLE: {self._reason(result._result)}", _COLORS.COLOR_UNREACHABLE)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """A play without hosts is no news."""

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """How many hosts went well."""
        hosts = sorted(stats.processed)
        bad = [host for host in hosts if stats.failures.get(host) or stats.dark.get(host)]
        text = f"{len(hosts) - len(bad)} hosts ok" + (f", failed: {', '.join(bad)}" if bad else "")
        self._display.display(f"\n{text}", color=_COLORS.COLOR_ERROR if bad else _COLORS.COLOR_OK)

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        """Which playbook runs, when asked for more."""
        if self._display.verbosity:
            self._display.display(f"Playbook {playbook._file_name}")

    def _message(self, data: t.Mapping[str, t.Any]) -> None:
        message = data.get("msg", "")
        lines = message if isinstance(message, list) else str(message).splitlines()
        for line in lines:
            self._display.display(f"  {line}")

    def _phase(self, result: TaskResult) -> str:
        data = result._result
        if data.get("granted"):
            return "claimed"
        return str(data.get("host_state") or result._task.get_name())

    def _line(self, result: TaskResult, text: str, color: str) -> None:
        host = result._host.get_name()
        began = self._started.get((host, result._task._uuid))
        took = time.monotonic() - began if began is not None else 0
        spent = f" ({took:.1f} s)" if took >= 1 else ""
        clock = time.strftime("%H:%M:%S")
        self._display.display(f"  {clock}  {host:<{_WIDTH}}  {text}{spent}", color=color)

    @staticmethod
    def _reason(data: t.Mapping[str, t.Any]) -> str:
        reason = data.get("msg") or data.get("stderr") or data.get("module_stderr") or "no reason was given"
        return str(reason).strip()
