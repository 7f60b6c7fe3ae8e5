# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""How an upstream is reached: proxy, credentials, certificates, and how hard it may be asked."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError


@dataclass(frozen=True)
class Transfer:
    """`connections` at a time, `retries` after the first try, `throttle` bytes per second (0: no limit)."""

    connections: int = 8
    retries: int = 5
    throttle: int = 0
    proxy: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_cert: Path | None = None
    client_key: Path | None = None
    ca_cert: Path | None = None

    def __post_init__(self) -> None:
        for name, least in (("connections", 1), ("retries", 0), ("throttle", 0)):
            value = getattr(self, name)
            if value < least:
                raise InputError(f"{value} is too small", where=name, way_out=f"Give {least} or more")

    def tls(self, *, where: str) -> ssl.SSLContext | bool:
        """What an https server must prove, and how we prove who we are; True is the default.

        Raises InputError.
        """
        if not (self.ca_cert or self.client_cert):
            return True
        try:
            context = ssl.create_default_context(cafile=str(self.ca_cert) if self.ca_cert else None)
            if self.client_cert:
                key = str(self.client_key) if self.client_key else None
                context.load_cert_chain(str(self.client_cert), key)
        except OSError as error:
            raise InputError(
                f"ca_cert, client_cert or client_key cannot be used: {error.strerror or error}",
                where=where,
                way_out="Give readable PEM files; the key must fit the certificate and have no passphrase",
            ) from error
        return context


class Throttle:
    """Spreads what all connections of a repo receive over time."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._free = 0.0

    async def took(self, size: int) -> None:
        """Wait until `size` bytes more are within the rate."""
        if not self._rate:
            return
        now = time.monotonic()
        self._free = max(now, self._free) + size / self._rate
        await asyncio.sleep(self._free - now)
