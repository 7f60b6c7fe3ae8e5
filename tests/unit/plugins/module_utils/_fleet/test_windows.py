# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When hosts may be started, on days when the clock is changed too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.calendar_fields import (
    parse_freeze,
    parse_window,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import (
    Closed,
    Freeze,
    Window,
    closed,
    spans,
    stamp,
)
from hypothesis import example, given, settings

HOUR = 3600.0


def window(start: str, end: str, zone: str = "Europe/Berlin", **more: Any) -> Window:
    return parse_window({"from": start, "until": end, "timezone": zone, **more}, where="window")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def open_on(one: Window, begin: str, end: str) -> list[tuple[str, str]]:
    return [(stamp(a)[11:16], stamp(b)[11:16]) for a, b in spans([one], [], at(begin), at(end))]


@pytest.mark.parametrize(
    ("start", "end", "day", "found"),
    [
        # In Berlin the clock goes from 02:00 to 03:00 on 2026-03-29, and from 03:00 to 02:00 on 2026-10-25.
        ("01:00", "04:00", "2026-03-29", [("00:00", "02:00")]),
        ("02:00", "03:00", "2026-03-29", []),
        ("01:30", "02:30", "2026-03-29", []),
        ("02:30", "04:00", "2026-03-29", [("01:30", "02:00")]),
        ("01:00", "04:00", "2026-10-25", [("23:00", "03:00")]),
        ("02:15", "02:45", "2026-10-25", []),
        ("02:30", "04:00", "2026-10-25", [("01:30", "03:00")]),
        ("01:00", "02:30", "2026-10-25", [("23:00", "00:30")]),
        # Past midnight, and a leap day.
        ("22:00", "02:00", "2026-06-02", [("20:00", "00:00")]),
        ("10:00", "11:00", "2028-02-29", [("09:00", "10:00")]),
    ],
)
def test_a_clock_that_is_changed_makes_a_window_narrower(
    start: str, end: str, day: str, found: list[tuple[str, str]]
) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00").timestamp()
    begin = datetime.fromtimestamp(noon - 14 * HOUR, UTC).isoformat()[:16]
    last = datetime.fromtimestamp(noon + 14 * HOUR, UTC).isoformat()[:16]
    weekday = datetime.fromisoformat(day).strftime("%a").lower()
    assert open_on(window(start, end, days=[weekday]), begin, last) == found


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC", "Asia/Kolkata"]
CLOCKS = st.times().map(lambda clock: clock.strftime("%H:%M"))


@settings(deadline=None, max_examples=300)
@given(
    start=CLOCKS,
    end=CLOCKS,
    zone=st.sampled_from(ZONES),
    days=st.sets(st.sampled_from(["mon", "wed", "sun"]), min_size=1),
    moment=st.integers(int(at("2026-01-01T00:00")), int(at("2029-01-01T00:00"))),
)
def test_no_reading_of_the_clock_puts_a_start_outside(
    start: str, end: str, zone: str, days: set[str], moment: int
) -> None:
    if closed([window(start, end, zone, days=sorted(days))], [], moment) is not None:
        return
    local = datetime.fromtimestamp(moment, ZoneInfo(zone))
    clock = local.strftime("%H:%M:%S")
    today = local.strftime("%a").lower() in days
    yesterday = datetime.fromtimestamp(moment - 24 * HOUR, ZoneInfo(zone)).strftime("%a").lower() in days
    if start < end:
        assert today and start <= clock < end
    else:
        assert (today and clock >= start) or (yesterday and clock < end)


def test_windows_that_touch_are_one_and_freezes_cut_them() -> None:
    night = [window("22:00", "00:00", "UTC"), window("00:00", "02:00", "UTC")]
    freeze = parse_freeze(
        {"from": "2026-06-02T23:00", "until": "2026-06-03T00:30Z", "reason": "audit"}, where="freeze"
    )
    found = list(spans(night, [freeze], at("2026-06-02T12:00"), at("2026-06-03T12:00")))
    assert found == [
        (at("2026-06-02T22:00"), at("2026-06-02T23:00")),
        (at("2026-06-03T00:30"), at("2026-06-03T02:00")),
    ]
    assert closed(night, [freeze], at("2026-06-02T23:30")) == Closed(
        "frozen until 2026-06-03T00:30:00Z: audit; the next window opens at 2026-06-03T00:30:00Z",
        at("2026-06-03T00:30"),
    )


def test_what_cannot_be_finished_is_not_started() -> None:
    one = [window("22:00", "23:00", "UTC")]
    assert closed(one, [], at("2026-06-02T22:00"), need=HOUR) is None
    late = closed(one, [], at("2026-06-02T22:30"), need=HOUR)
    assert late is not None and late.until == at("2026-06-03T22:00")
    assert late.reason.startswith(
        "the window closes in 1800 s, a host needs 3600 s; the next window opens at"
    )
    never = closed(one, [], at("2026-06-02T22:00"), need=2 * HOUR)
    assert never == Closed("the window closes in 3600 s, a host needs 7200 s; none opens within a year", 0.0)


@settings(deadline=None, max_examples=100)
@given(
    start=CLOCKS,
    end=CLOCKS,
    zone=st.sampled_from(ZONES),
    moment=st.integers(int(at("2026-01-01T00:00")), int(at("2029-01-01T00:00"))),
    need=st.integers(1, 6 * 3600),
    frozen=st.integers(-7200, 7200),
)
# The night of a leap day, and the nights in which a clock is changed, both ways.
@example("22:00", "04:00", "UTC", int(at("2028-02-28T23:00")), 4 * 3600, 7200)
@example("22:00", "04:00", "UTC", int(at("2028-02-29T23:00")), 4 * 3600, 7200)
@example("22:00", "06:00", "Europe/Berlin", int(at("2026-03-28T22:00")), 6 * 3600, -7200)
@example("22:00", "06:00", "Europe/Berlin", int(at("2026-10-24T22:00")), 6 * 3600, -7200)
def test_what_is_started_in_a_strict_window_can_be_finished_in_it(
    start: str, end: str, zone: str, moment: int, need: int, frozen: int
) -> None:
    windows = [window(start, end, zone)]
    freezes = [Freeze(moment + frozen, moment + frozen + 1800, "audit")]
    if closed(windows, freezes, moment, need=need) is None:
        for later in (0, need // 2, need - 1):
            assert closed(windows, freezes, moment + later) is None
    else:
        shut = closed(windows, freezes, moment, need=need)
        # Asked again when it says so, it is open.
        assert shut is not None
        assert not shut.until or closed(windows, freezes, shut.until, need=need) is None


def test_without_windows_it_is_always_open() -> None:
    assert closed([], [], 0.0, need=9 * HOUR) is None


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"from": "22:00"}, "w: needs from and until, and may have days and timezone"),
        ({"from": 79200, "until": "23:00"}, "w.from: 79200 is no time of day. Give it in quotes, as '22:30'"),
        (
            {"from": "22:00", "until": "23:00", "days": ["monday"]},
            "w.days: ['monday'] is no list of weekdays",
        ),
        (
            {"from": "22:00", "until": "23:00", "timezone": "Berlin"},
            "w.timezone: 'Berlin' is no time zone that this controller knows",
        ),
    ],
)
def test_a_bad_window_is_refused_by_field(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_window(raw, where="w")
    assert str(error.value).startswith(message)


def test_a_bad_freeze_is_refused_by_field() -> None:
    with pytest.raises(InputError, match=r"f: until 2026-01-01 is not after from 2026-01-02"):
        parse_freeze({"from": "2026-01-02", "until": "2026-01-01", "reason": "x"}, where="f")
    with pytest.raises(InputError, match=r"f.from: 'Xmas' is no time. Give for example '2026-12-24T18:00'"):
        parse_freeze({"from": "Xmas", "until": "2026-01-01", "reason": "x"}, where="f")
