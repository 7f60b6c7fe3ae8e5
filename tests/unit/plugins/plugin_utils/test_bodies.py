# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host answered, judged on the controller."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.plugin_utils._bodies import complaint_about, judge_bodies

pytest.importorskip("jmespath")


@pytest.mark.parametrize(
    ("body", "expression", "complaint"),
    [
        ('{"status": "up"}', "status == 'up'", ""),
        ('{"status": "down"}', "status == 'up'", "status == 'up' gives false"),
        ('{"nodes": []}', "nodes[?ready]", "nodes[?ready] gives []"),
        ("<html>", "status", "status: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_complaint(body: str, expression: str, complaint: str) -> None:
    assert complaint_about(body, expression) == complaint


def result_of(body: str) -> dict[str, Any]:
    verdict = {"name": "web", "kind": "http", "ok": True, "message": "answers", "severity": "failure"}
    return {"results": [{**verdict, "body": body}], "baseline": {"web": {"ok": True}}, "healthy": True}


def test_a_body_decides() -> None:
    checks = [{"kind": "http", "jmespath": "up"}]
    good = judge_bodies(result_of('{"up": true}'), {"checks": checks})
    assert good["healthy"] and "body" not in good["results"][0]
    bad = judge_bodies(result_of('{"up": false}'), {"checks": checks})
    assert bad["failed"] and not bad["healthy"] and bad["msg"] == "web: up gives false"
    told = judge_bodies(result_of('{"up": false}'), {"checks": checks, "fail": False})
    assert "failed" not in told and told["baseline"] == {"web": {"ok": False}}
    again = judge_bodies(result_of('{"up": false}'), {"checks": checks, "baseline": told})
    assert again["healthy"] and again["results"][0]["message"] == "up gives false (as before)"
