# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server that answers what a test tells it to, and a real Prometheus that reads its metrics."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - {{job_name: shop, static_configs: [{{targets: ["{target}"]}}]}}
"""
METRICS = """
# TYPE shop_errors_ratio gauge
shop_errors_ratio{site="north"} 0.001
shop_errors_ratio{site="south"} 0.02
"""


class Web(ThreadingHTTPServer):
    """Pages by path: their status, headers and body. What was asked for is in `seen`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {"/metrics": (200, {}, METRICS.encode())}
        self.slow: set[str] = set()
        self.seen: list[tuple[str, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), Page)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def say(self, path: str, document: object, status: int = 200) -> str:
        """From now on the path has this JSON; returns its address."""
        self.pages[path] = (status, {}, json.dumps(document).encode())
        return f"http://{self.address}{path}"


class Page(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path != "/metrics":
            self.server.seen.append((self.path, dict(self.headers)))
        status, headers, body = self.server.pages.get(path, (404, {}, b"{}"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        slow = path in self.server.slow
        with contextlib.suppress(OSError):  # whoever asks has gone away
            for piece in [body[start : start + 1] for start in range(len(body))] if slow else [body]:
                self.wfile.write(piece)
                time.sleep(0.1 if slow else 0)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def web() -> Iterator[Web]:
    with Web() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def prometheus(directory: Path, target: str) -> Iterator[str]:
    """Its address, as soon as it has read the metrics of `target`."""
    config = directory / "prometheus.yml"
    config.write_text(CONFIG.format(target=target))
    argv = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory / 'data'}"]
    with (directory / "log").open("w+") as log:
        process = subprocess.Popen([*argv, "--web.listen-address=127.0.0.1:0"], stderr=log)
        try:
            url = f"http://{_listens_at(process)}"
            _wait_for_samples(url)
            yield url
        finally:
            process.kill()
            process.wait()


def _listens_at(process: subprocess.Popen[bytes]) -> str:
    """Asked of the kernel: Prometheus does not tell which free port it was given."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, f"Prometheus ended with {process.returncode}"
        listed = subprocess.run(["ss", "-Htlnp"], check=True, capture_output=True, text=True).stdout
        for line in listed.splitlines():
            if f"pid={process.pid}," in line:
                return line.split()[3]
        time.sleep(0.1)
    raise AssertionError("Prometheus does not listen")


def _wait_for_samples(url: str) -> None:
    query = urllib.parse.urlencode({"query": "shop_errors_ratio"})
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/api/v1/query?{query}") as answer:
            if len(json.load(answer)["data"]["result"]) == 2:
                return
        time.sleep(0.1)
    raise AssertionError("Prometheus has no samples")
