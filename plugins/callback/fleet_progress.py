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
  - While a rollout runs, a terminal shows below these lines how far each wave is, which hosts are in flight
    in which phase, how much of the budgets is used, when it will be through at this pace, and what has failed
    and why. Where there is no terminal, the line of a host that has ended says how far its wave is.
extends_documentation_fragment:
  - default_callback
author: osaas.fleet contributors (@osaas-fleet)
"""

import shutil
import sys
import time
import typing as t

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible_collections.osaas.fleet.plugins.plugin_utils._screen import Screen

if t.TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import TaskResult
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

_WIDTH = 12
# The constants are made from the configuration at run time; a type checker cannot see them.
_COLORS: t.Any = constants

# What a host in flight is at, by the action of the task that has begun; os_update's says more.
_PHASES = {
    "osaas.fleet.host_pin": "pinning",
    "osaas.fleet.os_update": "updating",
    "ansible.builtin.reboot": "rebooting",
    "osaas.fleet.health_check": "verifying",
}
_UPDATES = {"staged": "staging", "active": "activating", "rolled_back": "rolling back"}
# States in which this run leaves the host alone.
_ENDED = ("done", "rolled back", "quarantined", "held", "retry")


class CallbackModule(CallbackBase):
    """One line for each thing that a person wants to know, and a screen for where it all stands."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "osaas.fleet.fleet_progress"

    def __init__(self) -> None:
        super().__init__()
        self._started: dict[tuple[str, str], float] = {}
        self._play = ""
        self._terminal = sys.stdout.isatty()
        self._screen: Screen | None = None
        self._drawn = 0

    def v2_playbook_on_play_start(self, play: Play) -> None:
        """A heading for each play; a free line before each further batch of it."""
        name = play.get_name().strip()
        self._say(f"\n{name}" if name != self._play else "", _COLORS.COLOR_HIGHLIGHT)
        self._play = name

    def v2_runner_on_start(self, host: t.Any, task: Task) -> None:
        """Remember when a task began, and what the host is at."""
        name = host.get_name()
        self._started[name, task._uuid] = time.monotonic()
        phase = _PHASES.get(task.action)
        if self._screen and phase and name in self._screen.flight:
            self._screen.phase(name, _UPDATES.get(str(task.args.get("state")), phase), time.time())
            self._draw()

    def v2_runner_on_ok(self, result: TaskResult) -> None:
        """A change, or a message."""
        data = result._result
        self._follow(result)
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
        # The last screen stays where it is.
        self._drawn = 0
        self._screen = None
        self._say(f"\n{text}", _COLORS.COLOR_ERROR if bad else _COLORS.COLOR_OK)

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        """Which playbook runs, when asked for more."""
        if self._display.verbosity:
            self._say(f"Playbook {playbook._file_name}")

    def _follow(self, result: TaskResult) -> None:
        """Keep the screen up to date."""
        data, name, now = result._result, result._host.get_name(), time.time()
        progress = data.get("progress")
        if "run" in data and progress:
            rollout = data["rollout"]
            done = sum(wave["done"] for wave in progress["waves"])
            title = f"Rollout {rollout['id']} of {rollout['release']}"
            self._screen = Screen(title, now, progress, done, rollout["state"], rollout["reason"])
        screen = self._screen
        if screen is None:
            return
        if data.get("granted"):
            screen.phase(name, "claimed", now)
        elif "host_state" in data:
            screen.progress = progress or screen.progress
            screen.state, screen.reason = data["rollout_state"], data["rollout_reason"]
            if data["host_state"] in _ENDED:
                screen.flight.pop(name, None)
            else:
                screen.phase(name, data["host_state"], now)
            screen.record(name, data["host_state"], data["host_reason"])

    def _message(self, data: t.Mapping[str, t.Any]) -> None:
        message = data.get("msg", "")
        lines = message if isinstance(message, list) else str(message).splitlines()
        for line in lines:
            self._say(f"  {line}")

    def _phase(self, result: TaskResult) -> str:
        data = result._result
        if data.get("granted"):
            return "claimed"
        state = str(data.get("host_state") or result._task.get_name())
        why = f": {data['host_reason']}" if data.get("host_reason") else ""
        return f"{state}{why}{self._how_far(data) if state in _ENDED else ''}"

    def _how_far(self, data: t.Mapping[str, t.Any]) -> str:
        """For logs: a terminal shows it anyway."""
        waves = {} if self._terminal else {wave["name"]: wave for wave in data["progress"]["waves"]}
        wave = waves.get(data.get("wave"))
        return f", {wave['done']} of {wave['hosts']} of wave {wave['name']} done" if wave else ""

    def _line(self, result: TaskResult, text: str, color: str) -> None:
        host = result._host.get_name()
        began = self._started.get((host, result._task._uuid))
        took = time.monotonic() - began if began is not None else 0
        spent = f" ({took:.1f} s)" if took >= 1 else ""
        clock = time.strftime("%H:%M:%S")
        self._say(f"  {clock}  {host:<{_WIDTH}}  {text}{spent}", color)

    def _say(self, text: str, color: str | None = None) -> None:
        """A line that stays, above the screen."""
        self._erase()
        self._display.display(text, color=color)
        self._draw()

    def _draw(self) -> None:
        if self._screen is None or not self._terminal:
            return
        self._erase()
        size = shutil.get_terminal_size()
        lines = self._screen.lines(size.columns - 1, time.time())[: size.lines - 2]
        self._display.display("\n".join(["", *lines]), screen_only=True)
        self._drawn = len(lines) + 1

    def _erase(self) -> None:
        if self._drawn:
            # Up to the screen's first line, and away with all below (ECMA-48: CPL and ED).
            self._display.display(f"\x1b[{self._drawn}F\x1b[J", screen_only=True, newline=False)
            self._drawn = 0

    @classmethod
    def _reason(cls, data: t.Mapping[str, t.Any]) -> str:
        failed = [one for one in data.get("results", ()) if one.get("failed")]
        if failed:  # of a loop
            return "; ".join(f"{one.get('_ansible_item_label', '')}: {cls._reason(one)}" for one in failed)
        reason = data.get("msg") or data.get("stderr") or data.get("module_stderr") or "no reason was given"
        return str(reason).strip()
