# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Windows and freezes from plain data, checked field by field."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import DAYS, Freeze, Window


def parse_window(raw: t.Any, *, where: str) -> Window:
    """From `days` (default: all), `from` and `until` (HH:MM) and `timezone` (an IANA name, default: UTC)."""
    fields = _fields(raw, where, needed=("from", "until"), more=("days", "timezone"))
    names = fields.get("days", DAYS)
    if isinstance(names, str) or not names or not set(names) <= set(DAYS):
        raise InputError(
            f"{names!r} is no list of weekdays", where=f"{where}.days", way_out=f"Choose of {', '.join(DAYS)}"
        )
    return Window(
        days=frozenset(DAYS.index(name) for name in names),
        start=_clock(fields["from"], f"{where}.from"),
        end=_clock(fields["until"], f"{where}.until"),
        zone=_zone(fields.get("timezone", "UTC"), f"{where}.timezone"),
    )


def parse_freeze(raw: t.Any, *, where: str) -> Freeze:
    """From `from`, `until` (ISO 8601), `reason` and `timezone` (for times that do not name their own)."""
    fields = _fields(raw, where, needed=("from", "until", "reason"), more=("timezone",))
    zone = _zone(fields.get("timezone", "UTC"), f"{where}.timezone")
    begin, end = (_moment(fields[name], zone, f"{where}.{name}") for name in ("from", "until"))
    if end <= begin:
        raise InputError(f"until {fields['until']} is not after from {fields['from']}", where=where)
    return Freeze(begin, end, str(fields["reason"]))


def _fields(raw: t.Any, where: str, *, needed: tuple[str, ...], more: tuple[str, ...]) -> Mapping[str, t.Any]:
    known = (*needed, *more)
    if not isinstance(raw, Mapping) or set(raw) - set(known) or set(needed) - set(raw):
        raise InputError(
            f"needs {' and '.join(needed)}, and may have {' and '.join(more)}",
            where=where,
        )
    return raw


def _clock(value: t.Any, where: str) -> time:
    try:
        return datetime.strptime(str(value), "%H:%M").time()
    except ValueError:
        raise InputError(
            f"{value!r} is no time of day", where=where, way_out="Give it in quotes, as '22:30'"
        ) from None


def _moment(value: t.Any, zone: ZoneInfo, where: str) -> float:
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise InputError(
            f"{value!r} is no time", where=where, way_out="Give for example '2026-12-24T18:00'"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _zone(value: t.Any, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"{value!r} is no time zone that this controller knows",
            where=where,
            way_out="Give an IANA name such as Europe/Berlin",
        ) from None
