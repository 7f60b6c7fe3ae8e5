# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Run checks side by side, and judge: only what is worse than before is a failure."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.check import Check, Seen, Severity
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.checks import look

_THREADS = 16


@dataclass(frozen=True)
class Verdict:
    """How a check ended. One that failed before too is no failure now: `ok` stays true.

    `body` is what a controller is to judge, see Seen.
    """

    name: str
    kind: str
    ok: bool
    message: str
    seconds: float
    severity: Severity = "failure"
    body: str | None = None

    def as_json(self) -> dict[str, t.Any]:
        """The form that is returned."""
        return {name: value for name, value in vars(self).items() if value is not None}


def run_checks(
    runner: Runner, checks: Sequence[Check], baseline: Mapping[str, t.Any]
) -> tuple[list[Verdict], dict[str, t.Any]]:
    """Verdicts in the order of `checks`, and the state to give as `baseline` another time."""
    _refuse_same_names(checks)
    with ThreadPoolExecutor(max_workers=min(_THREADS, len(checks)) or 1) as pool:
        ends = list(pool.map(lambda check: _persist(runner, check, baseline.get(check.name, {})), checks))
    verdicts = [
        judge(check, seen, baseline.get(check.name, {}), seconds)
        for check, (seen, seconds) in zip(checks, ends)
    ]
    state = {check.name: {"ok": seen.ok, **seen.state} for check, (seen, _seconds) in zip(checks, ends)}
    return verdicts, state


def judge(check: Check, seen: Seen, before: Mapping[str, t.Any], seconds: float) -> Verdict:
    """A check that was failing at the baseline cannot get worse, unless its kind compares by itself."""
    compares = bool(seen.state)
    forgiven = not seen.ok and not compares and before.get("ok") is False
    message = f"{seen.message} (as before)" if forgiven else seen.message
    ok = seen.ok or forgiven
    return Verdict(check.name, check.kind, ok, message, round(seconds, 2), check.severity, seen.body)


def failures(verdicts: Collection[Verdict], severity: Severity = "failure") -> list[str]:
    """One line per failed check of that severity."""
    return [f"{one.name}: {one.message}" for one in verdicts if not one.ok and one.severity == severity]


def _persist(runner: Runner, check: Check, before: Mapping[str, t.Any]) -> tuple[Seen, float]:
    begun = time.monotonic()
    seen = look(runner, check, before)
    for _retry in range(check.retries):
        if seen.ok:
            break
        time.sleep(check.delay)
        seen = look(runner, check, before)
    return seen, time.monotonic() - begun


def _refuse_same_names(checks: Sequence[Check]) -> None:
    names = [check.name for check in checks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"{twice[0]!r} is there twice", where="checks", way_out="Give each check a name of its own"
        )
