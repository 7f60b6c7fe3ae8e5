# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Fetch single files of a store again, from the upstreams that they came from."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from contextlib import AsyncExitStack

from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError, VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import RemoteFile, Repository
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store, make_directory
from ansible_collections.osaas.fleet.plugins.module_utils._repo.upstream import Upstream, open_session

TOP_BYTES = 16 << 20  # of repomd.xml and its signature: nothing says their sizes


class Fetcher:
    """Knows some upstreams, and asks each for its mirrors once. To be used in `async with`."""

    def __init__(self, store: Store, repositories: Sequence[Repository]) -> None:
        self._store = store
        self._repositories = {repository.name: repository for repository in repositories}
        self._upstreams: dict[str, Upstream] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Fetcher:
        """Open a session."""
        self._session = await self._stack.enter_async_context(open_session())
        return self

    async def __aexit__(self, *_error: t.Any) -> None:
        """Close it."""
        await self._stack.aclose()

    async def fetch(self, file: RemoteFile, names: Sequence[str]) -> tuple[str, str]:
        """Bring `file` into the objects from one of these repos: its sha256 and "", or "" and why not.

        Nothing but the very bytes that were there is taken, so that signatures need no new check.
        """
        known = [name for name in names if name in self._repositories]
        said = [] if known else ["no repository is given that it could be fetched from"]
        for name in known:
            try:
                return await self._fetch(file, name), ""
            except FleetError as error:
                said.append(str(error))
        return "", "; ".join(said)

    async def _fetch(self, file: RemoteFile, name: str) -> str:
        upstream = await self._upstream(name)
        make_directory(self._store.partial(name))
        partial = self._store.partial(name) / f"{file.algorithm}-{file.digest}"
        if file.size:
            digest = await upstream.download(file, partial)
        else:
            content = await upstream.read(file.href, TOP_BYTES)
            digest = sha256(content)
            if digest != file.digest:
                raise VerificationError("upstream has another one by now", where=f"{name}: {file.href}")
            partial.write_bytes(content)
        self._store.object(digest).unlink(missing_ok=True)  # damaged: it would stay
        self._store.adopt(partial, digest)
        return digest

    async def _upstream(self, name: str) -> Upstream:
        if name not in self._upstreams:
            upstream = Upstream(self._session, self._repositories[name])
            await upstream.locate()
            self._upstreams[name] = upstream
        return self._upstreams[name]
