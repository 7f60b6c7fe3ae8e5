# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Reading an upstream over HTTP: several base URLs, retries, resumed and bounded downloads."""

from __future__ import annotations

import asyncio
import math
import random
import typing as t
from collections.abc import Awaitable, Callable
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import (
    FleetError,
    UpstreamError,
    VerificationError,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hrefs import url
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import aiohttp
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import RemoteFile, Repository

CONNECT_SECONDS = 20
STALL_SECONDS = 60  # without one byte
SLOWEST = 4096  # bytes per second, over a whole file: slower than this is a stalling server
AGAIN = frozenset({408, 425, 429})  # and 5xx: later it may go well

T = t.TypeVar("T")


class Transient(Exception):
    """This try failed, the next may not."""


class Missing(UpstreamError):
    """No base URL has the file (404 or 410)."""


class Unreachable(UpstreamError):
    """Every try failed in a way that may pass."""


class Upstream:
    """The files of one upstream, from whichever of its base URLs has them."""

    def __init__(self, session: aiohttp.ClientSession, repository: Repository, retries: int) -> None:
        self._session = session
        self._repository = repository
        self._retries = retries
        self.downloaded_files = 0
        self.downloaded_bytes = 0

    async def read(self, href: str, most: int) -> bytes:
        """The content of a small file of unknown size. Raises UpstreamError if it is over `most` bytes."""

        async def attempt(address: str) -> bytes:
            content = bytearray()
            async with self._session.get(address, timeout=_timeout(0)) as response:
                _check_status(response, (200,))
                async for chunk in response.content.iter_any():
                    content += chunk
                    if len(content) > most:
                        raise UpstreamError(f"is over the limit of {most} bytes")
            return bytes(content)

        return await self._try_all(href, attempt)

    async def download(self, file: RemoteFile, partial: Path) -> str:
        """Make `partial` the whole of `file`, going on from what is there already; returns its sha256.

        Raises VerificationError if size or checksum are not as advertised, UpstreamError if nobody has it.
        """
        digest = await self._try_all(file.href, lambda address: self._download(address, file, partial))
        self.downloaded_files += 1
        return digest

    async def _download(self, address: str, file: RemoteFile, partial: Path) -> str:
        hasher = Hasher(file.algorithm)
        if partial.exists():
            if partial.stat().st_size > file.size:
                partial.unlink()
            else:
                hasher.feed_file(partial)
        resumed = hasher.size > 0
        if hasher.size < file.size:
            hasher = await self._receive(address, file, partial, hasher)
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
        async with self._session.get(address, headers=headers, timeout=_timeout(file.size)) as response:
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
        return hasher

    async def _try_all(self, href: str, attempt: Callable[[str], Awaitable[T]]) -> T:
        """Ask every base URL in turn, those that failed for a moment again, later and later."""
        refusals: dict[str, FleetError] = {}
        last = ""
        for turn in range(self._retries + 1):
            if turn:
                await asyncio.sleep(_pause(turn))
            for base in self._repository.baseurls:
                if base in refusals:
                    continue
                try:
                    return await attempt(url(base, href))
                except FleetError as error:
                    refusals[base] = error
                except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, aiohttp.TooManyRedirects) as error:
                    refusals[base] = UpstreamError(f"redirected to where we do not follow: {error}")
                except (Transient, aiohttp.ClientError, asyncio.TimeoutError, ConnectionError) as error:
                    last = f"{_said(error)} (from {base})"
            if len(refusals) == len(self._repository.baseurls):
                break
        raise self._verdict(href, refusals, last)

    def _verdict(self, href: str, refusals: dict[str, FleetError], last: str) -> FleetError:
        where = f"{self._repository.name}: {href}"
        said = [f"{error.what} (from {base})" for base, error in refusals.items()]
        if last and len(refusals) < len(self._repository.baseurls):
            said.append(f"after {self._retries + 1} tries: {last}")
            return Unreachable("; ".join(said), where=where, way_out="Run again: it goes on from here")
        kinds = {type(error) for error in refusals.values()}
        kind = kinds.pop() if len(kinds) == 1 else UpstreamError
        return kind("; ".join(said), where=where)


def _check_status(response: aiohttp.ClientResponse, good: tuple[int, ...]) -> None:
    if response.status in good:
        return
    what = f"{response.status} {response.reason}"
    if response.status >= 500 or response.status in AGAIN:
        raise Transient(what)
    raise Missing(what) if response.status in (404, 410) else UpstreamError(what)


def _timeout(size: int) -> aiohttp.ClientTimeout:
    total = 2 * STALL_SECONDS + size / SLOWEST
    return aiohttp.ClientTimeout(total=total, sock_connect=CONNECT_SECONDS, sock_read=STALL_SECONDS)


def _pause(turn: int) -> float:
    """Seconds before try number `turn`: doubling from half a second to at most 30, less a random half."""
    return min(30.0, math.ldexp(0.25, turn)) * random.uniform(0.5, 1.0)


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
