# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What becomes of a host on which a step has failed; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import states

# Before the host was changed: it runs what it ran, and the release is not to blame.
BEFORE = ("unreachable", "staging", "drain")
ACTIVATION = "activation"
ROLLBACK = "rollback"
KINDS = (*BEFORE, ACTIVATION, "health", ROLLBACK)
# A release that made a host unwell is not offered to it again, and one that could not be left needs a person.
RETRIABLE = (*BEFORE, ACTIVATION)


@dataclass(frozen=True)
class Retry:
    """How often a host is tried again, and how long after its first failure; each time twice as long."""

    times: int
    after: float

    def wait(self, retries: int) -> float:
        """Seconds until the next try of a host that was tried again so often."""
        return self.after * 2.0**retries


Retries = Mapping[str, Retry]


class Tried(t.NamedTuple):
    """A host's way so far: the kind of its last failure, how often it was tried again, and was it changed."""

    failure: str
    retries: int
    touched: bool


def kind_of(failure: str, tried: Tried) -> str:
    """The kind of a failure, given the one that was reported: on a changed host it is one of activation.

    Raises InputError for one that is unknown.
    """
    if failure not in KINDS:
        raise InputError(
            f"{failure!r} is no kind of failure", where="failure", way_out=f"Known are {', '.join(KINDS)}"
        )
    return ACTIVATION if tried.touched and failure in BEFORE else failure


def state_after(retries: Retries, reported: str, tried: Tried) -> str:
    """The state that a report leads to. `tried.failure` is the failure's kind, as kind_of() has it."""
    if reported == states.ROLLED_BACK and tried.failure == ACTIVATION:
        return states.RETRY if may_retry(retries, tried) else reported
    if reported != states.STEP_FAILED:
        return reported
    if tried.failure == ROLLBACK:
        return states.QUARANTINED
    if tried.failure not in BEFORE:
        return states.ROLLING_BACK
    return states.RETRY if may_retry(retries, tried) else states.HELD


def may_retry(retries: Retries, tried: Tried) -> bool:
    """Whether the host is to be tried again, if it is or becomes what it was."""
    retry = retries.get(tried.failure)
    return retry is not None and tried.retries < retry.times
