# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others may ask of a supervisor: one JSON line each way over a Unix socket.

Request: {"verb": "power-cut" | "power-on", "host": "host-01"}. Reply: {"error": null | "one line"}.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping

from .errors import FleetError
from .instance import Instance

Handler = Callable[[str], Awaitable[None]]


async def serve(instance: Instance, handlers: Mapping[str, Handler]) -> asyncio.Server:
    """Answer requests with `handlers`, by verb."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            await handlers[request["verb"]](request["host"])
            refusal = None
        except (FleetError, ValueError, KeyError) as problem:
            refusal = str(problem)
        writer.write(json.dumps({"error": refusal}).encode() + b"\n")
        writer.close()

    return await asyncio.start_unix_server(answer, instance.control)


def ask(instance: Instance, verb: str, host: str) -> None:
    """Send one request and wait for its reply; raises FleetError with the supervisor's words."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(instance.control))
        except OSError as error:
            raise FleetError(f"testbed {instance.name!r} does not run in {instance.directory}") from error
        client.sendall(json.dumps({"verb": verb, "host": host}).encode() + b"\n")
        reply = client.makefile(encoding="utf-8").readline()
    if not reply:
        raise FleetError(f"testbed {instance.name!r} ended while it was asked to {verb} {host}")
    if refusal := json.loads(reply)["error"]:
        raise FleetError(refusal)
