# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees of a rollout that runs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.plugin_utils._screen import Screen

NOW = 1_780_000_000.0


def wave(name: str, hosts: int, done: int, failed: int = 0) -> dict[str, Any]:
    return {"name": name, "hosts": hosts, "done": done, "failed": failed}


def screen(*waves: dict[str, Any]) -> Screen:
    budgets = {"unavailable": 2, "max_unavailable": 5, "failed": 1, "error_budget": 2}
    return Screen("Rollout 3 of r2", NOW - 754, {"waves": list(waves), **budgets}, 1)


def test_a_screen_shows_waves_phases_budgets_pace_and_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    shown = screen(wave("canary", 1, 1), wave("fleet", 50, 12, 1))
    shown.phase("web-03", "activating", NOW - 75)
    shown.phase("web-03", "activating", NOW)
    shown.phase("web-07", "rebooting", NOW - 3)
    shown.record("web-09", "rolling back", "nginx: HTTP status 500")
    shown.record("web-09", "rolled back", "")
    shown.record("web-01", "done", "")
    lines = shown.lines(100, NOW)
    assert lines[:5] == [
        "Rollout 3 of r2: running, 12:34",
        "  canary  ########################  1 of 1 done",
        "  fleet   #####x..................  12 of 50 done, 1 failed",
        "  in flight 2 (1 activating, 1 rebooting); unavailable 2 of at most 5, failed 1 of at most 2",
        "  web-03 activating 1:15, web-07 rebooting 0:03",
    ]
    assert lines[5].startswith("  37 hosts are left: at this pace until ")
    assert lines[6:] == ["  web-09 rolled back: nginx: HTTP status 500"]


def test_a_screen_stays_small() -> None:
    shown = screen(wave("fleet", 3000, 0))
    for number in range(2000):
        shown.phase(f"host-{number}", "staging", NOW - number)
        shown.record(f"bad-{number}", "held", "x" * 500)
    lines = shown.lines(80, NOW)
    assert len(lines) == 10 and max(map(len, lines)) == 80 and lines[5].endswith("x…")
    assert lines[3].startswith("  host-1999 staging 33:19, host-1998 staging 33:18, ")
    assert lines[-1] == "  and 1996 more have failed"


def test_nobody_foretells_the_end_of_a_rollout_that_has_halted() -> None:
    shown = screen(wave("fleet", 4, 2, 2))
    assert "  no host is left" in shown.lines(80, NOW)
    shown = screen(wave("fleet", 5, 2, 2))
    shown.state, shown.reason = "halted", "2 of 5 hosts failed"
    assert shown.lines(80, NOW + 7200)[0] == "Rollout 3 of r2: halted (2 of 5 hosts failed), 2 h 12 min"
    assert "  1 host is left" in shown.lines(80, NOW)
    assert shown.lines(80, NOW)[1] == "  fleet  #########xxxxxxxxxx.....  2 of 5 done, 2 failed"
