# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Gates: what somebody outside of the ledger must agree to before the wave after the next opens; pure."""

from __future__ import annotations

import math
import operator
import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PASSED = "passed"
# Too little is known to say yes or no: ask again later.
HELD = "held"
# It says no.
REFUSED = "refused"
# It could not be asked.
BROKEN = "broken"
# What an operator must look at before the rollout goes on.
HALTING = (REFUSED, BROKEN)

_TOLD = 20  # samples that an event keeps

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class HttpCheck:
    """A JSON document, and a JMESPath expression on it: true passes, false refuses, null holds."""

    url: str
    expression: str


@dataclass(frozen=True)
class PrometheusCheck:
    """An instant query. Every sample must compare to `threshold`; fewer samples than `samples` hold."""

    url: str
    query: str
    comparison: str
    threshold: float
    samples: int


@dataclass(frozen=True)
class CommandCheck:
    """A program on the controller. Status 0 passes, 75 (EX_TEMPFAIL of sysexits.h) holds, others refuse."""

    argv: Sequence[str]


Check = t.Union[HttpCheck, PrometheusCheck, CommandCheck]


@dataclass(frozen=True)
class Gate:
    """A check by name, asked at the end of `waves` (None: of each).

    A try that takes longer than `timeout` seconds is broken, as is one without an answer; a broken one is
    followed by up to `retries` more.
    """

    name: str
    check: Check
    waves: frozenset[str] | None
    timeout: float
    retries: int

    def guards(self, wave: str) -> bool:
        """Whether it is asked at the end of this wave."""
        return self.waves is None or wave in self.waves


class Answer(t.NamedTuple):
    """What came of asking, why in one line, and the values that it rests on."""

    outcome: str
    reason: str
    values: t.Any = None


def judge_value(check: HttpCheck, value: t.Any) -> Answer:
    """What the expression's value means."""
    if value is True:
        return Answer(PASSED, f"{check.expression} is true", value)
    if value is False:
        return Answer(REFUSED, f"{check.expression} is false", value)
    if value is None:
        return Answer(HELD, f"{check.expression} is null, so too little is known", value)
    return Answer(
        BROKEN, f"{check.expression} is neither true, false nor null, but {_short(value)}", _short(value)
    )


def judge_samples(check: PrometheusCheck, samples: Mapping[str, float]) -> Answer:
    """What the samples, by the names of their series, mean. One that is no number is none."""
    numbers = {name: value for name, value in samples.items() if not math.isnan(value)}
    if len(numbers) < check.samples:
        return Answer(HELD, f"{len(numbers)} samples, {check.samples} are needed", _told(numbers))
    compare, limit = COMPARISONS[check.comparison], f"{check.comparison} {check.threshold:g}"
    against = {name: value for name, value in numbers.items() if not compare(value, check.threshold)}
    if against:
        name, value = next(iter(against.items()))
        more = f" (and {len(against) - 1} more)" if len(against) > 1 else ""
        return Answer(
            REFUSED, f"{_short(name) or 'the value'} is {value:g}, not {limit}{more}", _told(against)
        )
    return Answer(PASSED, f"{len(numbers)} samples {limit}", _told(numbers))


def judge_status(status: int, output: str) -> Answer:
    """What a program's exit status means; the last line of its output says why."""
    lines = output.strip().splitlines()
    why = f": {_short(lines[-1])}" if lines else ""
    outcome = {0: PASSED, 75: HELD}.get(status, REFUSED)
    return Answer(outcome, f"exit status {status}{why}", status)


def together(answers: Mapping[str, Answer]) -> Answer:
    """What the answers of a wave's gates come to: the worst of them, by the gate's name."""
    for outcome in (BROKEN, REFUSED, HELD):
        for name, answer in answers.items():
            if answer.outcome == outcome:
                return Answer(outcome, f"gate {name} {outcome}: {answer.reason}")
    return Answer(PASSED, f"{len(answers)} gates passed")


def _told(numbers: Mapping[str, float]) -> dict[str, t.Any]:
    """Some of them, as JSON that every database takes: it knows no infinity."""
    some = list(numbers.items())[:_TOLD]
    return {_short(name): value if math.isfinite(value) else str(value) for name, value in some}


def _short(value: t.Any) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return text if len(text) <= 200 else f"{text[:200]}…"
