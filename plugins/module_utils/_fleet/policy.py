# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What an operator allows a rollout to do, checked field by field before anything starts."""

from __future__ import annotations

import functools
import json
import math
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.calendar_fields import (
    parse_freeze,
    parse_window,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.failures import Retries
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.gate_fields import parse_gates
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.gates import Gate
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ladders import LADDERS
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.retry_fields import parse_retries
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import (
    Closed,
    Freeze,
    Window,
    closed,
)

Labels = Mapping[str, t.Any]


@dataclass(frozen=True)
class Amount:
    """A number of hosts, or a percentage of some total."""

    number: float
    percent: bool

    def of(self, total: int, *, least: int = 0) -> int:
        """How many hosts this is, of `total`: a budget rounds down, but never below `least`."""
        return max(math.floor(total * self.number / 100) if self.percent else int(self.number), least)


@dataclass(frozen=True)
class Wave:
    """An ordered share of the fleet: the hosts that carry `labels`, or all up to `percent` of the cohorts."""

    name: str
    labels: Labels | None = None
    percent: float | None = None

    def takes(self, labels: Labels) -> bool:
        """Whether a host with these labels belongs here by label."""
        return self.labels is not None and all(labels.get(key) == value for key, value in self.labels.items())


@dataclass(frozen=True)
class Policy:
    """The limits of a rollout. Times are in seconds."""

    waves: tuple[Wave, ...]
    max_unavailable: Amount
    max_unavailable_per_domain: Amount
    error_budget: Amount
    error_budget_per_wave: Amount | None
    soak: float
    soak_host_hours: float
    gates: tuple[Gate, ...]
    cover: tuple[str, ...]
    max_hosts_per_run: int | None
    retries: Retries
    lease: float
    salt: str
    windows: tuple[Window, ...]
    freezes: tuple[Freeze, ...]
    strict_window: bool
    host_time: float
    deadline: float
    approval: bool

    def closed(self, now: float) -> Closed | None:
        """Why no host may be started now, None if one may."""
        need = self.host_time if self.strict_window else 0.0
        return closed(self.windows, self.freezes, now, need=need)

    def soak_of(self, hosts: int) -> float:
        """How long a wave soaks that has so many hosts on the release: few tell less, and take longer."""
        return max(self.soak, self.soak_host_hours * 3600 / max(hosts, 1))

    def gates_of(self, wave: int) -> tuple[Gate, ...]:
        """The gates to be asked at the end of a wave."""
        return tuple(gate for gate in self.gates if gate.guards(self.waves[wave].name))


DEFAULTS: Mapping[str, t.Any] = {
    "waves": [{"name": "canary", "labels": {"canary": True}}, {"name": "fleet", "percent": 100}],
    "max_unavailable": "10%",
    "max_unavailable_per_domain": 1,
    "error_budget": 0,
    "error_budget_per_wave": None,
    "soak": 0,
    "soak_host_hours": 0,
    "gates": [],
    "cover": [],
    "max_hosts_per_run": None,
    "retry": {},
    "lease": 3600,
    "salt": "",
    "windows": [],
    "freezes": [],
    "strict_window": False,
    "host_time": 900,
    "deadline": 14 * 86400,
    "approval": False,
}


def parse_policy(raw: Mapping[str, t.Any]) -> Policy:
    """A Policy from plain data; what is not given has its default. Raises InputError naming the field."""
    unknown = sorted(set(raw) - set(DEFAULTS) - {"ladder"})
    if unknown:
        raise InputError(
            f"unknown field {unknown[0]!r}",
            where="policy",
            way_out=f"Known are {', '.join(sorted({*DEFAULTS, 'ladder'}))}",
        )
    ladder = raw.get("ladder")
    if ladder is not None and ladder not in LADDERS:
        raise InputError(
            f"{ladder!r} is unknown", where="policy.ladder", way_out=f"Known are {', '.join(LADDERS)}"
        )
    given = {**DEFAULTS, **LADDERS.get(ladder or "", {}), **raw}
    waves = _waves(given["waves"])
    return Policy(
        waves=waves,
        max_unavailable=_amount("max_unavailable", given["max_unavailable"], least=1),
        max_unavailable_per_domain=_amount(
            "max_unavailable_per_domain", given["max_unavailable_per_domain"], least=1
        ),
        error_budget=_amount("error_budget", given["error_budget"], least=0),
        error_budget_per_wave=(
            None
            if given["error_budget_per_wave"] is None
            else _amount("error_budget_per_wave", given["error_budget_per_wave"], least=0)
        ),
        soak=_seconds("soak", given["soak"], least=0),
        soak_host_hours=_seconds("soak_host_hours", given["soak_host_hours"], least=0, unit="hours"),
        gates=parse_gates(_entries("gates", given), [wave.name for wave in waves]),
        cover=tuple(str(label) for _where, label in _entries("cover", given)),
        max_hosts_per_run=_cap("max_hosts_per_run", given["max_hosts_per_run"]),
        retries=parse_retries(given["retry"], where="policy.retry"),
        lease=_seconds("lease", given["lease"], least=60),
        salt=str(given["salt"]),
        windows=tuple(parse_window(raw, where=where) for where, raw in _entries("windows", given)),
        freezes=tuple(parse_freeze(raw, where=where) for where, raw in _entries("freezes", given)),
        strict_window=_flag("strict_window", given["strict_window"]),
        host_time=_seconds("host_time", given["host_time"], least=1),
        deadline=_seconds("deadline", given["deadline"], least=1),
        approval=_flag("approval", given["approval"]),
    )


@functools.lru_cache(maxsize=64)
def stored_policy(text: str) -> Policy:
    """The policy that a rollout was opened with, from the JSON in the ledger."""
    return parse_policy(json.loads(text))


def _amount(field: str, value: t.Any, *, least: float) -> Amount:
    text = str(value).strip()
    percent = text.endswith("%")
    try:
        number = float(text.rstrip("%"))
    except ValueError:
        number = math.nan
    if isinstance(value, bool) or not (percent or number.is_integer()) or not math.isfinite(number):
        raise InputError(
            f"{value!r} is neither a number of hosts nor a percentage",
            where=f"policy.{field}",
            way_out="Give for example 2 or '5%'",
        )
    if percent and number > 100:
        raise InputError(f"{text} is over 100%", where=f"policy.{field}", way_out="Give at most 100%")
    if number < least or (percent and least > 0 and number == 0):
        raise InputError(
            f"{text} is too small, no host could ever be updated" if least else f"{text} is negative",
            where=f"policy.{field}",
            way_out=f"Give {least:g} or more",
        )
    return Amount(number, percent)


def _entries(field: str, given: Mapping[str, t.Any]) -> list[tuple[str, t.Any]]:
    """A list's entries, each with the words that name it."""
    if not isinstance(given[field], (list, tuple)):
        raise InputError("is not a list", where=f"policy.{field}")
    return [(f"policy.{field}[{index}]", entry) for index, entry in enumerate(given[field])]


def _flag(field: str, value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{value!r} is neither true nor false", where=f"policy.{field}")
    return value


def _cap(field: str, value: t.Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise InputError(f"{value!r} is not a number of hosts of 1 or more", where=f"policy.{field}")
    return value


def _seconds(field: str, value: t.Any, *, least: float, unit: str = "seconds") -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not seconds >= least or math.isinf(seconds):
        raise InputError(f"{value!r} is not a time in {unit} of {least:g} or more", where=f"policy.{field}")
    return seconds


def _waves(raw: t.Any) -> tuple[Wave, ...]:
    where = "policy.waves"
    if not isinstance(raw, (list, tuple)) or not raw:
        raise InputError(
            "is not a list of waves", where=where, way_out="Give at least one wave of 100 percent"
        )
    waves = tuple(_wave(index, item) for index, item in enumerate(raw))
    names = [wave.name for wave in waves]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two waves have the name {name!r}", where=where, way_out="Rename one")
    shares = [wave.percent for wave in waves if wave.percent is not None]
    if shares != sorted(set(shares)):
        listed = ", ".join(f"{share:g}" for share in shares)
        raise InputError(
            f"percentages {listed} do not grow",
            where=where,
            way_out="They are cumulative: each includes the last",
        )
    if not shares or shares[-1] != 100 or waves[-1].percent != 100:
        last = f"{shares[-1]:g}" if shares else "none"
        raise InputError(
            f"the waves end at {last} percent, so some hosts would never get the release",
            where=where,
            way_out="Let the last wave have percent: 100",
        )
    return waves


def _wave(index: int, raw: t.Any) -> Wave:
    where = f"policy.waves[{index}]"
    if not isinstance(raw, Mapping) or set(raw) - {"name", "labels", "percent"} or "name" not in raw:
        raise InputError("is not a wave", where=where, way_out="A wave has a name, and labels or percent")
    labels, percent = raw.get("labels"), raw.get("percent")
    if (labels is None) == (percent is None):
        raise InputError("needs either labels or percent", where=where)
    if labels is not None:
        if not isinstance(labels, Mapping) or not labels:
            raise InputError("labels must name at least one label", where=where)
        return Wave(str(raw["name"]), labels=dict(labels))
    try:
        share = float(percent)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        share = math.nan
    if not 0 < share <= 100:
        raise InputError(f"percent {percent!r} is not above 0 and at most 100", where=where)
    return Wave(str(raw["name"]), percent=share)
