# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live part of a fleet: its network, its web server, its machines, and who may ask them for what."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path

from ..firmware.firmware import Firmware
from . import control, files, identity, inventory, network, pool, readiness, state, web
from .cgroup import Cgroup
from .errors import FleetError
from .hosts import CONTROLLER, Host
from .machine import ImageMachine, Machine
from .spec import Spec

AT_ONCE = 4 * (os.cpu_count() or 1)  # boots side by side; more only wait for one another


class Running:
    """Starts in order, then waits; it takes nothing down, that is the supervisor's."""

    def __init__(self, spec: Spec, group: Cgroup, pid: int, progress: Callable[[str], None]) -> None:
        """`pid`: the supervisor's, as the machine knows it. `group`: control group above the hosts' own."""
        self._spec, self._instance, self._progress = spec, spec.instance, progress
        self._machines = {host.name: self._machine(host, group) for host in spec.hosts}
        self._state = state.State(
            phase="starting",
            supervisor=pid,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            releases={name: str(path) for name, path in spec.releases.items()},
            hosts=spec.hosts,
            power=dict.fromkeys(self._machines, False),
            boots=dict.fromkeys(self._machines, 0),
        )

    async def start(self) -> None:
        """Everything up: upstream and store served, each host reachable and its systemd `running`."""
        began = time.monotonic()
        self._write_state()
        files.link(self._instance.netns, Path(f"/proc/{self._state.supervisor}/ns/net"))
        network.set_up()
        self._nginx = await self._start_nginx()
        self._make_hosts()
        turns = asyncio.Semaphore(AT_ONCE)
        machines = [machine for machine in self._machines.values() if not machine.host.image]
        await asyncio.gather(*(self._boot(machine, turns, began) for machine in machines))
        self._server = await control.serve(
            self._instance, {"power-cut": self._power_cut, "power-on": self._power_on}
        )
        self._state = state.ready(self._state)
        self._write_state()

    async def wait(self) -> None:
        """Return never; raises FleetError if nginx ends by itself."""
        status = await self._nginx.wait()
        raise FleetError(f"nginx ended with status {status}; see {self._instance.log('nginx')}")

    def _machine(self, host: Host, group: Cgroup) -> Machine:
        kind = ImageMachine if host.image else Machine
        root, log = self._instance.pool / host.name, self._instance.log(host.name)
        device = pool.device(self._instance.pool)
        machine = kind(host, root, device, log, group.child(host.name), self._switched)
        if isinstance(machine, ImageMachine):
            place = self._instance.machines / host.name
            place.mkdir()
            disk, record = self._instance.disks / host.name, self._instance.boots(host.name)
            machine.firmware = Firmware(disk, place, record)
        return machine

    def _make_hosts(self) -> None:
        identity.make_client_key(self._instance)
        keys = {
            host: identity.stamp_disk(self._instance.disks / host.name, host, self._instance)
            if host.image
            else identity.stamp(pool.make_root(self._instance.pool, host.name), host, self._instance)
            for host in self._spec.hosts
        }
        identity.write_access(self._instance, keys)
        files.write(self._instance.inventory, inventory.render(self._instance, self._spec.hosts))

    async def _boot(self, machine: Machine, turns: asyncio.Semaphore, began: float) -> None:
        async with turns:
            await self._while_on(machine, readiness.wait_running(machine.host, self._instance))
        host = machine.host
        self._progress(f"{host.name}  {host.address}  {host.rack}  up after {time.monotonic() - began:.1f} s")

    async def _while_on(self, machine: Machine, up: Coroutine[None, None, None]) -> None:
        """Start the machine and wait for `up`, or raise FleetError as soon as the machine is off."""
        host = machine.host.name
        machine.power_on()
        up_task, off_task = asyncio.create_task(up), asyncio.create_task(machine.wait_off())
        await asyncio.wait((up_task, off_task), return_when=asyncio.FIRST_COMPLETED)
        off_task.cancel()
        if not up_task.done():
            up_task.cancel()
            raise FleetError(f"{host} went off while it booted; see {self._instance.log(host)}")
        await up_task

    async def _power_cut(self, host: str) -> None:
        await self._machines[host].power_cut()

    async def _power_on(self, host: str) -> None:
        machine = self._machines[host]
        await self._while_on(machine, readiness.wait_ssh(machine.host, self._instance))

    async def _start_nginx(self) -> asyncio.subprocess.Process:
        instance = self._instance
        instance.nginx.mkdir()
        files.link(instance.upstream, self._spec.releases[self._spec.release])
        configuration = instance.nginx / "nginx.conf"
        files.write(configuration, web.render(instance, self._spec.store))
        log = instance.log("nginx")
        with log.open("ab") as output:
            nginx = await asyncio.create_subprocess_exec(
                *["nginx", "-p", str(instance.nginx), "-e", str(log), "-c", str(configuration)],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        while not await readiness.answers(CONTROLLER, web.UPSTREAM_PORT):
            if nginx.returncode is not None:
                raise FleetError(f"nginx does not start; see {log}")
            await asyncio.sleep(0.02)
        return nginx

    def _switched(self, machine: Machine) -> None:
        self._state = self._state.with_host(machine.host.name, power=machine.on, boots=machine.boots)
        self._write_state()

    def _write_state(self) -> None:
        files.write(self._instance.state, state.dump(self._state))
