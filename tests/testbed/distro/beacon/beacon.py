#!/usr/bin/python3
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beacon: a small service of Testbed Linux that says which version of it and of the system is running."""

from __future__ import annotations

import configparser
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = "@VERSION@"
REQUIRED_SETTINGS = "@REQUIRED_SETTINGS@".split()  # noqa: SIM905 - filled in when the package is built
CONFIG = Path("/etc/beacon.conf")


def system_release() -> str:
    """VERSION_ID of the running system, read anew so that it is right after an update without a restart."""
    for line in Path("/etc/os-release").read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "VERSION_ID":
            return value.strip('"')
    return "unknown"


class Answer(BaseHTTPRequestHandler):
    """Answers every GET of / with the state as JSON."""

    def do_GET(self) -> None:
        if self.path != "/":
            self.send_error(404)
            return
        state = {"service": "beacon", "version": VERSION, "release": system_release(), "healthy": True}
        body = json.dumps(state).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Requests are not worth a line in the journal."""


def main() -> int:
    config = configparser.ConfigParser()
    config.read(CONFIG)
    settings = config["beacon"] if config.has_section("beacon") else {}
    for name in REQUIRED_SETTINGS:
        if name not in settings:
            print(f"beacon {VERSION}: {CONFIG}: [beacon] has no {name}; cannot start", file=sys.stderr)
            return 1
    server = ThreadingHTTPServer((settings.get("address", ""), int(settings.get("port", "8000"))), Answer)
    print(f"beacon {VERSION}: listening on port {server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
