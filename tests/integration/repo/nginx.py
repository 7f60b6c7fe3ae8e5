# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real nginx on the loopback, for one directory."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CONFIG = """\
daemon off;
master_process off;
pid {work}/pid;
error_log {work}/error.log;
events {{ }}
http {{
    log_format connection "$connection";
    access_log {work}/access.log;
    access_log {work}/connections.log connection;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
    }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """Serves its root at `url`."""

    url: str
    log: Path

    def requests(self) -> list[str]:
        """The paths asked for since the last call."""
        paths = re.findall(r'"GET (\S+) HTTP', self.log.read_text())
        self.log.write_text("")
        return paths

    def connections(self) -> list[str]:
        """For each request since the start, the number of its connection."""
        return self.log.with_name("connections.log").read_text().split()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(root: Path, work: Path) -> Iterator[Nginx]:
    work.mkdir()
    port = free_port()
    config = work / "nginx.conf"
    config.write_text(CONFIG.format(work=work, port=port, root=root))
    with running(config, work, port):
        yield Nginx(f"http://127.0.0.1:{port}", work / "access.log")


@contextmanager
def running(config: Path, work: Path, port: int) -> Iterator[None]:
    """An nginx with this configuration, as long as it is needed."""
    with subprocess.Popen(["nginx", "-e", str(work / "error.log"), "-c", str(config)]) as process:
        try:
            _wait(port, process)
            yield
        finally:
            process.terminate()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "nginx ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("nginx does not listen")
