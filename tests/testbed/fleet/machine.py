# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host as hardware sees it: power on, power cut, and the reset that follows a reboot."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from .cgroup import Cgroup
from .hosts import Host

REBOOT = 133  # systemd-nspawn --keep-unit ends so when the machine asks for a reboot
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

    async def _boot(self) -> int:
        self._cgroup.make()
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                "systemd-nspawn",
                "--quiet",
                f"--directory={self._root}",
                f"--machine={self.host.name}",
                f"--network-bridge={BRIDGE}",
                f"--bind={self._device}",  # as on any machine, the disk of its root can be mounted
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
        return status
