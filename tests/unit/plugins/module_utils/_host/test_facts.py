# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: how a host differs from its pin."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._host.facts import drift_reasons
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin, Repository
from ansible_collections.osaas.fleet.plugins.module_utils._host.repofiles import render
from ansible_collections.osaas.fleet.plugins.module_utils._host.running import Running

PIN = Pin("20261101T000000Z", "d", "http://store", (Repository("baseos", ("one",)),))
RUNNING = Running(PIN.release, "", "abc", ())


def test_no_drift() -> None:
    assert drift_reasons(None, None, "abc", "", ["live"]) == []
    assert drift_reasons(PIN, RUNNING, "abc", render(PIN), []) == []


def test_every_reason_is_told() -> None:
    assert drift_reasons(PIN, RUNNING, "other", "edited", ["live"]) == [
        "packages changed since the host was brought to 20261101T000000Z",
        "/etc/yum.repos.d/osaas.repo was changed",
        "repo live is enabled beside the pinned ones",
    ]
    assert drift_reasons(PIN, None, "abc", render(PIN), []) == ["pinned to 20261101T000000Z, runs no release"]
    older = Running("20261001T000000Z", "", "abc", ())
    assert drift_reasons(PIN, older, "abc", render(PIN), []) == [
        "pinned to 20261101T000000Z, runs 20261001T000000Z"
    ]
