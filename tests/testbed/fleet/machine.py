# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host as hardware sees it: power on, power cut, and the reset that follows a reboot."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from ..firmware.firmware import Firmware
from ..firmware.initrd import NoRoot
from .cgroup import Cgroup
from .errors import FleetError
from .hosts import Host

REBOOT = 133  # systemd-nspawn --keep-unit ends so when the machine asks for a reboot
RESET = 0.2  # seconds that a boot takes which comes to nothing
BRIDGE = "br0"


class Machine:
    """A root directory that systemd-nspawn boots."""

    def __init__(
        self,
        host: Host,
        root: Path,
        device: str,
        log: Path,
        cgroup: Cgroup,
        changed: Callable[[Machine], None],
    ) -> None:
        """`device` holds the file system of `root`; `changed` is called after each start and end."""
        self.host = host
        self.boots = 0
        self._root, self._device, self._log = root, device, log
        self._cgroup, self._changed = cgroup, changed
        self._running: asyncio.Task[None] | None = None
        self._cut = False

    @property
    def on(self) -> bool:
        """Whether it has power."""
        return self._running is not None and not self._running.done()

    def power_on(self) -> None:
        """Start it, if it is off."""
        if not self.on:
            self._cut = False
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(self._went_off)

    async def wait_off(self) -> None:
        """Return when it has no power."""
        if self._running is not None:
            await asyncio.wait({self._running})

    async def power_cut(self) -> None:
        """Kill everything in it at once, and leave it off."""
        self._cut = True
        self._cgroup.kill()
        await self.wait_off()

    def _went_off(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():  # else it is the fleet that ends
            self._changed(self)

    async def _run(self) -> None:
        status = REBOOT
        while status == REBOOT and not self._cut:
            status = await self._boot()

    def _place(self) -> list[str] | None:
        """How nspawn is told of the root and what lies beside it; None if the root did not come up."""
        # as on any machine, the disk of its root can be mounted
        return [f"--directory={self._root}", f"--bind={self._device}"]

    def _left(self) -> None:
        """Clear up after a boot."""

    async def _boot(self) -> int:
        place = await asyncio.to_thread(self._place)
        if place is None or self._cut:
            await asyncio.to_thread(self._left)
            await asyncio.sleep(RESET)
            return REBOOT
        self._cgroup.make()
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                "systemd-nspawn",
                "--quiet",
                *place,
                f"--machine={self.host.name}",
                f"--network-bridge={BRIDGE}",
                "--boot",
                "--register=no",
                "--keep-unit",
                "--link-journal=no",
                "--resolv-conf=off",
                "--timezone=off",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # both names of one switch: releases before and after systemd 254 or so
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "UNIFIED_CGROUP_HIERARCHY": "1"},
                preexec_fn=self._cgroup.enter,
            )
            self.boots += 1
            self._changed(self)
            status = await process.wait()
            log.write(f"== systemd-nspawn ended with status {status}\n".encode())
        self._cgroup.kill()  # what a killed nspawn leaves
        await asyncio.to_thread(self._cgroup.remove)
        await asyncio.to_thread(self._left)
        return status


class ImageMachine(Machine):
    """One that boots what its firmware chooses."""

    firmware: Firmware

    def _place(self) -> list[str] | None:
        try:
            return self.firmware.start()
        except NoRoot as problem:
            raise FleetError(f"{self.host.name}: {problem}") from problem

    def _left(self) -> None:
        self.firmware.end()

    async def _boot(self) -> int:
        """A kernel whose init ends panics, and is told to start anew then; 0 is switched off."""
        status = await super()._boot()
        return status if status == 0 else REBOOT
