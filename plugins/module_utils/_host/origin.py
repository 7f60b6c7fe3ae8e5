# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Where a store is read from: a directory, or a server that need not be honest or awake."""

from __future__ import annotations

import http.client
import re
import ssl
import typing as t
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, UpstreamError

_CHUNK = 1 << 20
_REDIRECTS = 5
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))  # states of a server that pass


class Interrupted(UpstreamError):
    """It ended before it was whole; asking again may help."""


class Origin(t.Protocol):
    """A store, read by paths below it."""

    def chunks(self, path: str, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Bytes `start` to `end` (not included) of a file, each chunk with its offset.

        It may bring more than was asked for, from the file's beginning on; and less, if the file is shorter.
        Raises Interrupted, or UpstreamError where asking again will not help.
        """


class DirectoryOrigin:
    """A store that is mounted on the host."""

    def __init__(self, top: Path) -> None:
        self._top = top

    def chunks(self, path: str, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """See Origin.chunks."""
        try:
            with (self._top / path).open("rb") as stream:
                stream.seek(start)
                while start < end:
                    chunk = stream.read(min(_CHUNK, end - start))
                    if not chunk:
                        return
                    yield start, chunk
                    start += len(chunk)
        except FileNotFoundError as error:
            raise UpstreamError("is not there", where=str(self._top / path)) from error
        except OSError as error:
            raise UpstreamError(f"cannot be read: {error.strerror}", where=str(self._top / path)) from error


class WebOrigin:
    """A store behind a web server; one connection for all that is asked one after another."""

    def __init__(self, url: str, context: ssl.SSLContext | None, timeout: float) -> None:
        self._url, self._context, self._timeout = url.rstrip("/") + "/", context, timeout
        self._connection: http.client.HTTPConnection | None = None
        self._server = ("", "")

    def chunks(self, path: str, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """See Origin.chunks."""
        url = urljoin(self._url, quote(path))
        try:
            yield from self._chunks(url, start, end)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Interrupted(f"broke off: {reason}", where=url) from error
        except GeneratorExit:
            self.close()  # there is more to come on this connection, which nobody wants
            raise

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _chunks(self, url: str, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        answer = self._get(url, f"bytes={start}-{end - 1}")
        offset = _offset(answer, url, start)
        promised = answer.length
        while offset < end:
            chunk = answer.read(min(_CHUNK, end - offset))
            if not chunk:
                break
            yield offset, chunk
            offset += len(chunk)
            promised = None if promised is None else promised - len(chunk)
        if offset < end and promised:
            self.close()
            raise Interrupted(f"broke off {promised} bytes before its end", where=url)
        if not answer.isclosed():
            self.close()

    def _get(self, url: str, wanted: str) -> http.client.HTTPResponse:
        for _hop in range(_REDIRECTS):
            answer = self._ask(url, wanted)
            if answer.status in (301, 302, 303, 307, 308):
                target = urljoin(url, answer.getheader("Location") or "")
                answer.read()
                if urlsplit(target).scheme not in ("http", "https") or (
                    url.startswith("https:") and not target.startswith("https:")
                ):
                    raise UpstreamError(f"leads to {target}, which is not followed", where=url)
                url = target
                continue
            if answer.status in _PASSING:
                self.close()
                raise Interrupted(f"status {answer.status}", where=url)
            if answer.status not in (200, 206):
                self.close()
                raise UpstreamError(f"status {answer.status}", where=url)
            return answer
        raise UpstreamError("leads in a circle", where=url)

    def _ask(self, url: str, wanted: str) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        server = (parts.scheme, parts.netloc)
        if self._connection is None or self._server != server:
            self.close()
            self._connection, self._server = self._connect(*server), server
        headers = {"Range": wanted, "Accept-Encoding": "identity", "User-Agent": "osaas.fleet"}
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        self._connection.request("GET", target or "/", headers=headers)
        return self._connection.getresponse()

    def _connect(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        if scheme == "https":
            return http.client.HTTPSConnection(netloc, timeout=self._timeout, context=self._context)
        return http.client.HTTPConnection(netloc, timeout=self._timeout)


def open_origin(url: str, ca_cert: str = "", timeout: float = 60) -> Origin:
    """The store at `url` (http, https or file). `ca_cert` are certificates (PEM) that alone vouch for it.

    `timeout` is for how many seconds a server may be silent. Raises InputError.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return DirectoryOrigin(Path(unquote(parts.path)))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InputError(f"{url!r} is no URL of a store", where="url", way_out="Give http, https or file")
    context = None
    if parts.scheme == "https":
        try:
            context = ssl.create_default_context(cadata=ca_cert or None)
        except ssl.SSLError as error:
            raise InputError("holds no certificate", where="ca_cert", way_out="Give it as PEM") from error
    return WebOrigin(url, context, timeout)


def _offset(answer: http.client.HTTPResponse, url: str, start: int) -> int:
    """From where on it sends: a server that knows no ranges sends all of it."""
    if answer.status == 200:
        return 0
    found = _RANGE.fullmatch(answer.getheader("Content-Range") or "")
    if found is None or int(found[1]) != start:
        raise UpstreamError(
            f"answers with {answer.getheader('Content-Range')!r}, asked for bytes from {start} on", where=url
        )
    return start
