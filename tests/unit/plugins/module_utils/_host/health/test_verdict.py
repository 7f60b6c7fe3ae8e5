# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what is worse than before is a failure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.check import Check, Seen
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.checks import default_name
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.verdict import failures, judge

CHECK = Check("web", "http", {})


@pytest.mark.parametrize(
    ("seen", "before", "ok"),
    [
        (Seen(True, "m"), {}, True),
        (Seen(False, "m"), {}, False),
        (Seen(False, "m"), {"ok": True}, False),
        (Seen(False, "m"), {"ok": False}, True),
        (Seen(False, "m", {"failed_units": ["new"]}), {"ok": False}, False),
    ],
)
def test_judge(seen: Seen, before: dict[str, Any], ok: bool) -> None:
    verdict = judge(CHECK, seen, before, 0.123)
    assert (verdict.ok, verdict.seconds) == (ok, 0.12)
    assert verdict.message == ("m (as before)" if ok and not seen.ok else "m")


def test_failures() -> None:
    bad = judge(CHECK, Seen(False, "connection refused"), {}, 0)
    assert failures([bad, judge(CHECK, Seen(True, "answers"), {}, 0)]) == ["web: connection refused"]


def test_default_names_tell_checks_apart() -> None:
    assert default_name("units", {}) == "units"
    assert default_name("tcp", {"host": "db", "port": 5432}) == "tcp db:5432"
    assert default_name("command", {"argv": ["test", "-e", "/x"]}) == "command test -e /x"
