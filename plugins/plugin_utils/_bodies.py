# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Judge the bodies that health_check brought from a host, by expressions of jmespath."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping

from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.parsing.convert_bool import boolean

try:
    import jmespath
except ImportError:
    jmespath = None  # type: ignore[assignment]  # complaint_about() says so


def judge_bodies(result: Mapping[str, t.Any], args: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """`result` of the module with every body replaced by a verdict; `args` are those of the task."""
    baseline = args.get("baseline") or {}
    before = baseline.get("baseline", baseline)
    state = {name: dict(value) for name, value in result["baseline"].items()}
    results = []
    for seen, check in zip(result["results"], args["checks"]):
        body = seen.get("body")
        verdict = {name: value for name, value in seen.items() if name != "body"}
        if body is not None:
            complaint = complaint_about(body, check["jmespath"])
            name = verdict["name"]
            state[name]["ok"] = not complaint
            forgiven = complaint and before.get(name, {}).get("ok") is False
            verdict["ok"] = not complaint or bool(forgiven)
            verdict["message"] = f"{complaint}{' (as before)' if forgiven else ''}" or verdict["message"]
        results.append(verdict)
    failed = [one for one in results if not one["ok"] and one["severity"] == "failure"]
    failures = [f"{one['name']}: {one['message']}" for one in failed]
    found = {**result, "results": results, "failures": failures, "healthy": not failed, "baseline": state}
    if failed and boolean(args.get("fail", True)):
        found.update(failed=True, msg="; ".join(failures))
    return found


def complaint_about(body: str, expression: str) -> str:
    """Why the expression does not hold for the JSON in `body`, empty if it does."""
    if jmespath is None:
        missing = missing_required_lib("jmespath", reason="on the controller")  # type: ignore[unreachable]
        return str(missing)
    try:
        value = jmespath.search(expression, json.loads(body))
    except ValueError as error:  # both of json's and jmespath's errors are
        return f"{expression}: {' '.join(str(error).split())}"
    if value in (None, False, "", [], {}):
        return f"{expression} gives {json.dumps(value)}"
    return ""
