# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Change services in one go: all of them, or, if one does not run afterwards, none."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, sync_directory, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.check import Check
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.verdict import failures, run_checks
from ansible_collections.osaas.fleet.plugins.module_utils._host.service_files import UnitFiles
from ansible_collections.osaas.fleet.plugins.module_utils._host.service_images import unit_in_image
from ansible_collections.osaas.fleet.plugins.module_utils._host.services import Steps, unit_text

_SETTLES = 2.0  # seconds that a service has to run before it counts as running
_POLL = 0.2
_TOLD = 3  # lines of the journal

Units = Mapping[str, t.Optional[str]]


def commit(
    runner: Runner, files: UnitFiles, steps: Steps, checks: Sequence[Check], known: Collection[Check] = ()
) -> None:
    """Take `steps`; `checks` must pass afterwards. Raises HostError once everything is as it was.

    Those that are `known` need be no better than they are now: the host was judged by them before.
    What is under way is recorded first: finish() puts it back if this process is killed. The caller calls
    settle() when its own records are written.
    """
    after: dict[str, str | None] = {one.unit: None for one in steps.stop}
    for one in steps.comes:
        files.refuse_stranger(one.unit)
        tree = files.paths.tree(one.digest)
        after[one.unit] = unit_text(one, unit_in_image(tree, one), tree)
    before = {unit: files.text(unit) for unit in after}
    _verdicts, baseline = run_checks(runner, [one for one in checks if one in known], {})
    files.paths.pending.parent.mkdir(parents=True, exist_ok=True)
    write_json(files.paths.pending, before)
    try:
        _change(runner, files, after)
        _watch(runner, [one.unit for one in steps.comes])
        verdicts, _state = run_checks(runner, checks, baseline)
        failed = failures(verdicts)
        if failed:
            raise HostError("; ".join(failed))
    except HostError as error:
        raise HostError(
            f"not changed{_put_back(runner, files, before)}: {error}",
            where="services",
            way_out="Mend the image of the service, or its health check, and run this again",
        ) from error


def finish(runner: Runner, files: UnitFiles) -> bool:
    """Put back what a run that was killed left half way; returns whether there was anything."""
    before = read_json(files.paths.pending)
    if before is None:
        return False
    _put_back(runner, files, before)
    return True


def settle(files: UnitFiles) -> None:
    """What is there now stays."""
    files.paths.pending.unlink(missing_ok=True)
    if files.paths.pending.parent.exists():
        sync_directory(files.paths.pending.parent)


def _change(runner: Runner, files: UnitFiles, units: Units) -> None:
    """Have exactly these units run, with one reload; None is one that must go."""
    gone = [unit for unit, text in units.items() if text is None]
    come = [unit for unit, text in units.items() if text is not None]
    if gone:
        runner.run(["systemctl", "stop", *gone], check=False)
    files.put(units)
    runner.run(["systemctl", "daemon-reload"])
    runner.run(["systemctl", "reset-failed", *gone, *come], check=False)
    if come:
        runner.run(["systemctl", "restart", *come], check=False)  # _watch() sees what became of it


def _put_back(runner: Runner, files: UnitFiles, units: Units) -> str:
    """Have the units that were there, and say how that went."""
    _change(runner, files, units)
    settle(files)
    try:
        _watch(runner, [unit for unit, text in units.items() if text is not None])
    except HostError as error:
        return f", but it is not as it was either ({error})"
    return ", all is as it was"


def _watch(runner: Runner, units: Collection[str]) -> None:
    """Raises HostError unless all run, and go on doing so without being started again."""
    first: dict[str, str] = {}
    end = time.monotonic() + _SETTLES
    while units:
        for unit in units:
            state, invocation = _state(runner, unit)
            if state != "active" or first.setdefault(unit, invocation) != invocation:
                raise HostError(f"{unit} {_words(state)}{_last_lines(runner, unit)}")
        if time.monotonic() >= end:
            return
        time.sleep(_POLL)


def _words(state: str) -> str:
    return "was started again and again" if state == "active" else f"is {state}"


def _state(runner: Runner, unit: str) -> tuple[str, str]:
    shown = runner.run(["systemctl", "show", "--property=ActiveState,InvocationID", unit]).stdout
    values = dict(line.partition("=")[::2] for line in shown.splitlines())
    return values.get("ActiveState", "unknown"), values.get("InvocationID", "")


def _last_lines(runner: Runner, unit: str) -> str:
    argv = ["journalctl", f"--unit={unit}", "--output=cat", "--boot", f"--lines={_TOLD}", "--no-pager"]
    told = runner.run(argv, check=False).stdout.split("\n")
    lines = [line.strip() for line in told if line.strip()]
    return f": {' | '.join(lines)}" if lines else ""
