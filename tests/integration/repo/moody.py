# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server that misbehaves on demand, and remembers what it was asked."""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Status:
    """Answer with this status and, if it redirects, this location."""

    code: int
    location: str = ""


@dataclass(frozen=True)
class Hang:
    """Promise the whole file, send this many bytes of it, close."""

    after: int


@dataclass(frozen=True)
class Promise:
    """Send the whole file, and promise so many bytes more than it has."""

    more: int


@dataclass(frozen=True)
class Drip:
    """Promise nothing; send `size` bytes, again and again, every `seconds`, as long as anyone listens."""

    size: int
    seconds: float


@dataclass(frozen=True)
class Whole:
    """Send the whole file, whatever part of it was asked for."""


@dataclass(frozen=True)
class Garble:
    """Send another byte in this place of the file."""

    offset: int


Mood = Callable[[str, str], Status | Hang | Promise | Drip | Whole | Garble | None]


@dataclass
class Moody:
    """Serves a directory; `mood` is asked before each request, with its path and its Range header.

    `allow` is the Authorization header that it wants, `seen` are those that it got.
    """

    url: str
    mood: Mood
    requests: list[tuple[str, str]]
    allow: str = ""
    seen: list[str] = field(default_factory=list)


@contextmanager
def serve_moody(root: Path, tls: ssl.SSLContext | None = None) -> Iterator[Moody]:
    moody = Moody("", lambda _path, _range: None, [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, moody, root))
    moody.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield moody
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # one connection for each request: closing it is the point

    def __init__(self, moody: Moody, root: Path, *args: object) -> None:
        self._moody = moody
        super().__init__(*args, directory=str(root))  # type: ignore[arg-type]  # what socketserver hands over

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self._moody.requests.append((self.path, wanted))
        self._moody.seen.append(self.headers.get("Authorization", ""))
        mood = self._moody.mood(self.path, wanted)
        path = Path(self.translate_path(urlsplit(self.path).path))
        if self._moody.allow not in ("", self._moody.seen[-1]):
            self.send_error(401)
        elif isinstance(mood, Status):
            self.send_response(mood.code)
            if mood.location:
                self.send_header("Location", mood.location)
            self.end_headers()
        elif isinstance(mood, Drip):
            self._drip(mood)
        elif not path.is_file():
            self.send_error(404)
        else:
            self._send(path.read_bytes(), wanted, mood)

    def _drip(self, mood: Drip) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(ConnectionError):
            while True:
                self.wfile.write(b"\0" * mood.size)
                time.sleep(mood.seconds)

    def _send(self, content: bytes, wanted: str, mood: Hang | Promise | Whole | Garble | None) -> None:
        if isinstance(mood, Garble):
            other = bytes([content[mood.offset] ^ 1])
            content = content[: mood.offset] + other + content[mood.offset + 1 :]
        match = None if isinstance(mood, Whole) else re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        start = int(match[1]) if match else 0
        end = min(int(match[2]) + 1, len(content)) if match and match[2] else len(content)
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        more = mood.more if isinstance(mood, Promise) else 0
        self.send_header("Content-Length", str(end - start + more))
        self.end_headers()
        self.wfile.write(content[start:end][: mood.after if isinstance(mood, Hang) else None])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it)
        pass
