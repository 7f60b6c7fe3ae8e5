# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Reading an upstream: several mirrors, retries, resumed and bounded downloads."""

from __future__ import annotations

import asyncio
import math
import os
import random
import typing as t
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible_collections.osaas.fleet.plugins.module_utils._errors import (
    FleetError,
    UpstreamError,
    VerificationError,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import CHUNK, Hasher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hrefs import url
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import aiohttp
from ansible_collections.osaas.fleet.plugins.module_utils._repo.mirrors import (
    Mirrors,
    parse_metalink,
    parse_mirrorlist,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import (
    REPOMD,
    RemoteFile,
    Repository,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.transfer import Throttle, Transfer

if t.TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    _Response = AbstractAsyncContextManager[aiohttp.ClientResponse]

CONNECT_SECONDS = 20
STALL_SECONDS = 60  # without one byte
SLOWEST = 4096  # bytes per second, over a whole file: slower than this is a stalling server
LIST_BYTES = 1 << 20
AGAIN = frozenset({408, 425, 429})  # and 5xx: later it may go well

T = t.TypeVar("T")


class Transient(Exception):
    """This try failed, the next may not."""


class Missing(UpstreamError):
    """No base URL has the file (404 or 410)."""


class Unreachable(UpstreamError):
    """Every try failed in a way that may pass."""


def open_session() -> aiohttp.ClientSession:
    """For any number of repos: each has its own workers, and bytes are taken as they are stored upstream."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        headers={"Accept-Encoding": "identity", "User-Agent": "osaas.fleet"},
        auto_decompress=False,
        read_bufsize=1 << 18,
    )


class Upstream:
    """The files of one upstream, from whichever of its mirrors has them."""

    def __init__(self, session: aiohttp.ClientSession, repository: Repository) -> None:
        self._session = session
        self._repository = repository
        self._transfer = repository.transfer
        self._throttle = Throttle(repository.transfer.throttle)
        self._tls = repository.transfer.tls(where=repository.name)
        self._given = {_origin(url) for url in (repository.address, *repository.baseurls)}
        self._mirrors = Mirrors(repository.baseurls)
        self._faults: Counter[str] = Counter()
        self.downloaded_files = 0
        self.downloaded_bytes = 0

    @property
    def base(self) -> str:
        """The base URL that is asked first."""
        return self._mirrors.bases[0]

    async def locate(self) -> None:
        """Read the list of mirrors again, if there is one. Raises UpstreamError."""
        parse = parse_metalink if self._repository.metalink else parse_mirrorlist
        if not self._repository.baseurls:
            where = f"{self._repository.name}: {self._repository.address}"
            content = await self._try_all(
                "list of mirrors", (self._repository.address,), self._reader(LIST_BYTES)
            )
            self._mirrors = parse(content, where=where)

    async def read(self, href: str, most: int) -> bytes:
        """The content of a small file of unknown size. Raises UpstreamError if it is over `most` bytes."""
        read = self._reader(most)

        async def attempt(address: str) -> bytes:
            content = await read(address)
            if href == REPOMD:
                self._mirrors.check_repomd(content)
            return content

        return await self._try_all(href, self._mirrors.bases, lambda base: attempt(url(base, href)))

    async def size(self, file: RemoteFile) -> int:
        """How large a file is, in the words of the server. Raises UpstreamError if it does not say."""
        return await self._everywhere(file, self._size)

    async def download(self, file: RemoteFile, partial: Path) -> str:
        """Make `partial` the whole of `file`, going on from what is there already; returns its sha256.

        Raises VerificationError if size or checksum are not as advertised, UpstreamError if nobody has it.
        """
        digest = await self._everywhere(file, lambda address: self._download(address, file, partial))
        self.downloaded_files += 1
        return digest

    async def _everywhere(self, file: RemoteFile, ask: Callable[[str], Awaitable[T]]) -> T:
        """Ask for a file wherever it may be, under its name and, failing that, as the metadata spells it."""
        bases = (file.address,) if file.address else self._mirrors.bases

        async def attempt(base: str) -> T:
            try:
                return await ask(file.address or url(base, file.href))
            except Missing:
                if not file.spelled:
                    raise
                return await ask(url(base, file.spelled))

        return await self._try_all(file.href, bases, attempt)

    async def _size(self, address: str) -> int:
        if address.startswith("file:"):
            with _local(address) as stream:
                return os.fstat(stream.fileno()).st_size
        async with self._ask("HEAD", address, 0, {}) as response:
            _check_status(response, (200,))
            if response.content_length is None:
                raise UpstreamError("the server does not say how large it is")
            return response.content_length

    def _reader(self, most: int) -> Callable[[str], Awaitable[bytes]]:
        async def read(address: str) -> bytes:
            content = bytearray()
            async for chunk in self._bytes(address):
                content += chunk
                if len(content) > most:
                    raise UpstreamError(f"is over the limit of {most} bytes")
            return bytes(content)

        return read

    async def _bytes(self, address: str) -> AsyncIterator[bytes]:
        """The whole of a file on this machine or a server, in pieces."""
        if address.startswith("file:"):
            with _local(address) as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
            return
        async with self._ask("GET", address, 0, {}) as response:
            _check_status(response, (200,))
            async for chunk in response.content.iter_any():
                await self._throttle.took(len(chunk))
                yield chunk

    def _ask(self, method: str, address: str, size: int, headers: Mapping[str, str]) -> _Response:
        return self._session.request(
            method,
            address,
            headers={**headers, **self._credentials(address)},
            timeout=_timeout(size, self._transfer),
            proxy=self._transfer.proxy,
            ssl=self._tls,
            allow_redirects=True,
        )

    def _credentials(self, address: str) -> dict[str, str]:
        """They go where the operator said that the upstream is, and not to mirrors of a list.

        aiohttp drops them when it is redirected to another origin.
        """
        name, password = self._transfer.username, self._transfer.password or ""
        if name is None or _origin(address) not in self._given:
            return {}
        return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}

    async def _download(self, address: str, file: RemoteFile, partial: Path) -> str:
        hasher = Hasher(file.algorithm)
        if partial.exists():
            if partial.stat().st_size > file.size:
                partial.unlink()
            else:
                hasher.feed_file(partial)
        resumed = hasher.size > 0
        if hasher.size < file.size:
            receive = self._copy if address.startswith("file:") else self._receive
            hasher = await receive(address, file, partial, hasher)
        if hasher.size < file.size:
            raise Transient(f"closed after {hasher.size} of {file.size} bytes")
        if hasher.digest != file.digest:
            partial.unlink()
            what = f"{file.algorithm} is {hasher.digest}, but the metadata says {file.digest}"
            raise Transient(what) if resumed else VerificationError(what)
        return hasher.sha256

    async def _receive(self, address: str, file: RemoteFile, partial: Path, hasher: Hasher) -> Hasher:
        start = hasher.size
        headers = {"Range": f"bytes={start}-"} if start else {}
        async with self._ask("GET", address, file.size, headers) as response:
            _check_status(response, (200, 206, 416))
            if response.status == 200:
                start, hasher = 0, Hasher(file.algorithm)
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                partial.unlink(missing_ok=True)
                raise Transient("the server cannot go on from where we were")
            offered = response.content_length
            if offered is not None and start + offered != file.size:
                raise VerificationError(
                    f"the server has {start + offered} bytes, but the metadata says {file.size}"
                )
            with partial.open("ab" if start else "wb") as stream:
                async for chunk in response.content.iter_any():
                    if hasher.size + len(chunk) > file.size:
                        raise VerificationError(
                            f"the server sends more than the {file.size} bytes advertised"
                        )
                    stream.write(chunk)
                    hasher.feed(chunk)
                    self.downloaded_bytes += len(chunk)
                    await self._throttle.took(len(chunk))
        return hasher

    async def _copy(self, address: str, file: RemoteFile, partial: Path, _begun: Hasher) -> Hasher:
        hasher = Hasher(file.algorithm)
        with _local(address) as stream, partial.open("wb") as copy:
            size = os.fstat(stream.fileno()).st_size
            if size != file.size:
                raise VerificationError(f"the file has {size} bytes, but the metadata says {file.size}")
            while chunk := stream.read(CHUNK):
                copy.write(chunk)
                hasher.feed(chunk)
                self.downloaded_bytes += len(chunk)
        return hasher

    async def _try_all(self, href: str, bases: Sequence[str], attempt: Callable[[str], Awaitable[T]]) -> T:
        """Ask every base URL in turn, those that failed for a moment again, later and later.

        The order is as given, but those that failed less often come first.
        """
        refusals: dict[str, FleetError] = {}
        last = ""
        for turn in range(self._transfer.retries + 1):
            if turn:
                await asyncio.sleep(_pause(turn))
            for base in sorted(bases, key=self._faults.__getitem__):
                if base in refusals:
                    continue
                try:
                    return await attempt(base)
                except FleetError as error:
                    refusals[base] = error
                except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, aiohttp.TooManyRedirects) as error:
                    refusals[base] = UpstreamError(f"redirected to where we do not follow: {error}")
                except (Transient, aiohttp.ClientError, asyncio.TimeoutError, ConnectionError) as error:
                    self._faults[base] += 1
                    last = f"{_said(error)} (from {base})"
            if len(refusals) == len(bases):
                break
        raise self._verdict(href, refusals, last if len(refusals) < len(bases) else "")

    def _verdict(self, href: str, refusals: dict[str, FleetError], last: str) -> FleetError:
        where = f"{self._repository.name}: {href}"
        said = [f"{error.what} (from {base})" for base, error in refusals.items()]
        if last:
            said.append(f"after {self._transfer.retries + 1} tries: {last}")
            return Unreachable("; ".join(said), where=where, way_out="Run again: it goes on from here")
        kinds = {type(error) for error in refusals.values()}
        kind = kinds.pop() if len(kinds) == 1 else UpstreamError
        return kind("; ".join(said), where=where)


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def _local(address: str) -> t.BinaryIO:
    """A file of this machine, where the operator said that the upstream is."""
    try:
        path = Path(unquote(urlsplit(address).path))
        if not path.is_file():
            raise Missing("there is no such file")
        return path.open("rb")
    except OSError as error:
        raise UpstreamError(f"cannot be read: {error.strerror}") from error


def _check_status(response: aiohttp.ClientResponse, good: tuple[int, ...]) -> None:
    if response.status in good:
        return
    what = f"{response.status} {response.reason}"
    if response.status >= 500 or response.status in AGAIN:
        raise Transient(what)
    raise Missing(what) if response.status in (404, 410) else UpstreamError(what)


def _timeout(size: int, transfer: Transfer) -> aiohttp.ClientTimeout:
    """Slower than the slowest is refused, unless it is we who slow it down."""
    slowest = min(SLOWEST, transfer.throttle / transfer.connections / 2 or SLOWEST)
    total = 2 * STALL_SECONDS + size / slowest
    return aiohttp.ClientTimeout(total=total, sock_connect=CONNECT_SECONDS, sock_read=STALL_SECONDS)


def _pause(turn: int) -> float:
    """Seconds before try number `turn`: doubling from half a second to at most 30, less a random half."""
    return min(30.0, math.ldexp(0.25, min(turn, 7))) * random.uniform(0.5, 1.0)


def _said(error: BaseException) -> str:
    """One line; what the HTTP client quotes of an answer that is none stays out of it."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the answer breaks the rules of HTTP: {error.message.splitlines()[0][:120]}"
    return str(error) or type(error).__name__
