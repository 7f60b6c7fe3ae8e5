# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a health check is, and what a look at a host shows."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner

Severity = t.Literal["failure", "warning"]


@dataclass(frozen=True)
class Check:
    """One check: `options` are those of its kind, `name` what it is called in results.

    `delay` and `timeout` are seconds. One whose severity is a warning never makes a host unhealthy.
    """

    name: str
    kind: str
    options: Mapping[str, t.Any]
    retries: int = 0
    delay: float = 1.0
    timeout: float = 10.0
    severity: Severity = "failure"


@dataclass(frozen=True)
class Seen:
    """What a look showed. `state` is kept as a baseline for a later look; what it holds is up to the kind.

    `body` is text that somebody else has to judge, None if there is none.
    """

    ok: bool
    message: str
    state: Mapping[str, t.Any] = field(default_factory=dict)
    body: str | None = None


State = Mapping[str, t.Any]
Look = Callable[[Runner, Check, State], Seen]
