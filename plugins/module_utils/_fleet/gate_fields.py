# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Gates from plain data, checked field by field.

A policy is kept in the ledger and shown to everyone, so it holds no secrets: headers come with each run.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.gates import (
    COMPARISONS,
    Check,
    CommandCheck,
    Gate,
    HttpCheck,
    PrometheusCheck,
)

_COMMON = ("name", "waves", "timeout", "retries")


def parse_gates(raw: Sequence[tuple[str, t.Any]], waves: Sequence[str]) -> tuple[Gate, ...]:
    """From (words that name it, entry) pairs. Raises InputError naming the field."""
    gates = tuple(_gate(where, entry, waves) for where, entry in raw)
    names = [gate.name for gate in gates]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two gates have the name {name!r}", where="policy.gates", way_out="Rename one")
    return gates


def _gate(where: str, raw: t.Any, waves: Sequence[str]) -> Gate:
    kinds = [kind for kind in _KINDS if isinstance(raw, Mapping) and kind in raw]
    if len(kinds) != 1 or not str(raw.get("name") or ""):
        raise InputError(
            "is not a gate", where=where, way_out=f"A gate has a name, and one of {', '.join(_KINDS)}"
        )
    known, parse = _KINDS[kinds[0]]
    unknown = sorted(set(raw) - {*_COMMON, kinds[0], *known})
    if unknown:
        hint = " Headers are no part of a policy: give them to the run, as gate_headers."
        raise InputError(
            f"unknown field {unknown[0]!r}",
            where=where,
            way_out=f"Known are {', '.join((*_COMMON, kinds[0], *known))}."
            + (hint if unknown[0] == "headers" else ""),
        )
    guarded = raw.get("waves")
    if guarded is not None:
        last = [name for name in guarded if name not in waves[:-1]] if isinstance(guarded, list) else guarded
        if last or not guarded:
            raise InputError(
                f"{last or guarded!r} names no wave that another follows",
                where=f"{where}.waves",
                way_out=f"Choose of {', '.join(waves[:-1]) or 'none: there is one wave only'}",
            )
    return Gate(
        name=str(raw["name"]),
        check=parse(raw, where),
        waves=None if guarded is None else frozenset(guarded),
        timeout=_number(raw.get("timeout", 10), f"{where}.timeout", least=0.1),
        retries=int(_number(raw.get("retries", 2), f"{where}.retries", least=0)),
    )


def _http(raw: Mapping[str, t.Any], where: str) -> HttpCheck:
    expression = str(raw.get("expression") or "")
    if not expression:
        raise InputError(
            "is missing", where=f"{where}.expression", way_out="Give a JMESPath, for example 'open == `0`'"
        )
    return HttpCheck(_url(raw["http"], f"{where}.http"), expression)


def _prometheus(raw: Mapping[str, t.Any], where: str) -> PrometheusCheck:
    query, passes = str(raw.get("query") or ""), str(raw.get("passes") or "").split()
    if not query:
        raise InputError("is missing", where=f"{where}.query", way_out="Give a PromQL query")
    try:
        comparison, threshold = passes[0], float(" ".join(passes[1:]))
    except (IndexError, ValueError):
        comparison, threshold = "", math.nan
    if comparison not in COMPARISONS or math.isnan(threshold):
        raise InputError(
            f"{raw.get('passes')!r} is no comparison with a number",
            where=f"{where}.passes",
            way_out="Give for example '< 0.01'",
        )
    samples = int(_number(raw.get("samples", 1), f"{where}.samples", least=1))
    return PrometheusCheck(
        _url(raw["prometheus"], f"{where}.prometheus"), query, comparison, threshold, samples
    )


def _command(raw: Mapping[str, t.Any], where: str) -> CommandCheck:
    argv = raw["command"]
    if not isinstance(argv, (list, tuple)) or not argv or not str(argv[0]).startswith("/"):
        raise InputError(
            "is no list of arguments that begins with an absolute path",
            where=f"{where}.command",
            way_out="Give for example [/usr/local/bin/check-shop, --quick]",
        )
    return CommandCheck(tuple(str(argument) for argument in argv))


def _url(value: t.Any, where: str) -> str:
    text = str(value)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{text!r} is no address of http or https", where=where)
    if parts.username is not None:
        raise InputError(
            "holds a user, and a policy holds no secrets",
            where=where,
            way_out="Give the header Authorization to the run, as gate_headers",
        )
    return text


def _number(value: t.Any, where: str, *, least: float) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not number >= least or math.isinf(number):
        raise InputError(f"{value!r} is not a number of {least:g} or more", where=where)
    return number


_Parse = Callable[[Mapping[str, t.Any], str], Check]
# Each kind's own fields beside the one that names it.
_KINDS: Mapping[str, tuple[Sequence[str], _Parse]] = {
    "http": (("expression",), _http),
    "prometheus": (("query", "passes", "samples"), _prometheus),
    "command": ((), _command),
}
