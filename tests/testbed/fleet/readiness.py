# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a host counts as up: real SSH lets us in, and its systemd says that all units run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from . import ssh
from .errors import FleetError
from .hosts import Host
from .instance import Instance

SECONDS = 120.0
UNDECIDED = ("", "offline", "unknown", "initializing", "starting")


async def wait_ssh(host: Host, instance: Instance) -> None:
    """Return when a command ran over SSH; raises FleetError after SECONDS."""
    await _until(host, instance, ["true"], lambda status, _: status == 0)


async def wait_running(host: Host, instance: Instance) -> None:
    """Return when systemd is `running`; raises FleetError with the failed units if it ends up otherwise."""
    state = await _until(
        host, instance, ["systemctl", "is-system-running", "--wait"], lambda _, state: state not in UNDECIDED
    )
    if state != "running":
        _, failed = await _ssh(host, instance, ["systemctl", "--failed", "--plain", "--no-legend"])
        units = ", ".join(line.split()[0] for line in failed.splitlines())
        raise FleetError(
            f"{host.name} is {state}, failed units: {units or 'none'}; see {instance.log(host.name)}"
        )


async def _until(host: Host, instance: Instance, argv: list[str], good: Callable[[int, str], bool]) -> str:
    """Output of the first run of `argv` that is `good` by its exit status and output."""
    try:
        async with asyncio.timeout(SECONDS):
            while True:
                await _listening(host)
                status, output = await _ssh(host, instance, argv)
                if good(status, output):
                    return output
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise FleetError(
            f"{host.name} ({host.address}) is not up after {SECONDS:.0f} s; see {instance.log(host.name)}"
        ) from None


async def _listening(host: Host) -> None:
    """Wait for a TCP connection: far cheaper to try often than ssh."""
    while not await answers(host.address, 22):
        await asyncio.sleep(0.05)


async def answers(address: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 1.0)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _ssh(host: Host, instance: Instance, argv: list[str]) -> tuple[int, str]:
    """Exit status and output, over a connection of its own."""
    process = await asyncio.create_subprocess_exec(
        *["ssh", "-F", "/dev/null", "-o", "ControlPath=none", *ssh.arguments(instance), host.address, *argv],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.kill()
        raise
    return await process.wait(), output.decode(errors="replace").strip()
