# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""health_check against real sockets, commands and file systems."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from unit.harness import RunModule


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/good?x=1" else 503)
        self.send_header("X-Tier", "web")
        self.end_headers()
        self.wfile.write(b"all is well")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Be quiet."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_all_is_well(run_module: RunModule, port: int, tmp_path: Path) -> None:
    checks: list[dict[str, Any]] = [
        {"kind": "tcp", "host": "127.0.0.1", "port": port},
        {"kind": "http", "url": f"http://127.0.0.1:{port}/good?x=1", "contains": "well"},
        {"kind": "command", "argv": ["test", "-d", str(tmp_path)]},
        {"kind": "free_space", "path": str(tmp_path), "minimum": "1"},
        {"kind": "boot_id"},
    ]
    result = run_module("health_check", {"checks": checks})
    assert result.data["healthy"] and not result.changed
    assert [one["kind"] for one in result.data["results"]] == [one["kind"] for one in checks]


def test_files_names_and_the_system(run_module: RunModule, tmp_path: Path) -> None:
    (tmp_path / "motd").write_text("welcome")
    checks: list[dict[str, Any]] = [
        {"kind": "file", "path": str(tmp_path / "motd"), "contains": "welcome"},
        {"kind": "mount", "path": "/proc"},
        {"kind": "dns", "host": "localhost"},
        {"kind": "kernel", "release": os.uname().release},
        {"kind": "load", "maximum": 1e6},
    ]
    assert run_module("health_check", {"checks": checks}).data["failures"] == []
    checks = [
        {"name": "text", "kind": "file", "path": str(tmp_path / "motd"), "contains": "goodbye"},
        {"name": "none", "kind": "file", "path": str(tmp_path / "none")},
        {"name": "mount", "kind": "mount", "path": str(tmp_path)},
        {"name": "kernel", "kind": "kernel", "release": "1.2.*"},
        {"name": "load", "kind": "load", "maximum": -1},
    ]
    assert run_module("health_check", {"checks": checks}).data["failures"] == [
        f"text: {tmp_path}/motd: looked for 'goodbye'",
        f"none: {tmp_path}/none does not exist",
        f"mount: nothing is mounted at {tmp_path}",
        f"kernel: kernel {os.uname().release} runs, wanted is 1.2.*",
        f"load: load {os.getloadavg()[0] / (os.cpu_count() or 1):.2f} per CPU, at most -1",
    ]


def test_headers_and_bodies_for_the_controller(run_module: RunModule, port: int) -> None:
    check = {"kind": "http", "url": f"http://127.0.0.1:{port}/good?x=1", "jmespath": "up"}
    result = run_module("health_check", {"checks": [{**check, "headers": {"X-Tier": "web"}}]})
    assert result.data["results"][0]["body"] == "all is well"
    wrong = run_module("health_check", {"checks": [{**check, "headers": {"X-Tier": "db"}}]})
    assert wrong.msg.endswith("header X-Tier is 'web', not 'db'")


def test_a_warning_is_told_and_does_no_harm(run_module: RunModule) -> None:
    checks = [{"name": "no", "kind": "command", "argv": ["false"], "severity": "warning"}]
    result = run_module("health_check", {"checks": checks}, allow_warnings=True)
    assert result.data["healthy"] and not result.data["results"][0]["ok"]
    assert result.warnings == ("no: false ended with 1: no output",)


def test_what_is_wrong_is_said(run_module: RunModule, port: int, tmp_path: Path) -> None:
    checks: list[dict[str, Any]] = [
        {"name": "web", "kind": "http", "url": f"http://127.0.0.1:{port}/bad"},
        {"name": "text", "kind": "http", "url": f"http://127.0.0.1:{port}/good?x=1", "contains": "ill"},
        {"name": "slow", "kind": "command", "argv": ["sleep", "5"], "timeout": 0.1},
        {"name": "gone", "kind": "free_space", "path": str(tmp_path / "no"), "minimum": "1"},
        {"kind": "tcp", "host": "127.0.0.1", "port": 1},
    ]
    result = run_module("health_check", {"checks": checks})
    assert result.failed and not result.data["healthy"]
    assert result.data["failures"] == [
        "web: status 503, not 200",
        "text: body lacks 'ill'",
        "slow: sleep ran longer than 0.1 s",
        "gone: no such file or directory",
        "tcp 127.0.0.1:1: connection refused",
    ]
    assert result.msg == "; ".join(result.data["failures"])


def test_what_was_bad_before_is_forgiven(run_module: RunModule) -> None:
    checks = [{"name": "no", "kind": "command", "argv": ["false"]}, {"kind": "boot_id"}]
    before = run_module("health_check", {"checks": checks[:1], "fail": False})
    assert before.data["failures"] == ["no: false ended with 1: no output"]
    for baseline in (before.data, before.data["baseline"]):
        assert run_module("health_check", {"checks": checks[:1], "baseline": baseline}).data["healthy"]


def test_a_host_that_was_not_rebooted(run_module: RunModule) -> None:
    checks = [{"kind": "boot_id"}]
    before = run_module("health_check", {"checks": checks})
    after = run_module("health_check", {"checks": checks, "baseline": before.data["baseline"]})
    assert after.msg == "boot_id: the host was not rebooted"


def test_retries(run_module: RunModule, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    script = f"test -e {flag} || {{ touch {flag}; exit 1; }}"
    check = {"kind": "command", "argv": ["sh", "-c", script], "retries": 1, "delay": 0.05}
    assert run_module("health_check", {"checks": [check]}).data["healthy"]


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ([{"kind": "http"}], "kind is http but all of the following are missing: url found in checks"),
        ([{"kind": "units"}, {"kind": "units"}], "checks: 'units' is there twice. Give each check a name"),
    ],
)
def test_bad_input(run_module: RunModule, checks: list[dict[str, str]], message: str) -> None:
    assert run_module("health_check", {"checks": checks}).msg.startswith(message)
