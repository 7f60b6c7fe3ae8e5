# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end: a handle on a fleet that a supervisor (supervisor.py) owns."""

from __future__ import annotations

import json
import os
import pickle
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..distro import Distro
from ..distro.releases import RELEASES
from ..firmware.record import Boot, boots
from . import control, files, inotify, leftovers, lock, namespaces, preflight, state
from .errors import FleetError
from .hosts import CONTROLLER, make_hosts
from .instance import Instance
from .spec import Spec

PACKAGES = Path(__file__).parents[2]  # where the supervisor finds this package
COLLECTIONS = PACKAGES.parent / ".cache/collections"  # and the collection, whose order of entries it boots by
STOP_SECONDS = 60.0  # its file system is written out before it is removed: a busy disk takes long


class Fleet:
    """A running fleet. As a context manager it is stopped at the end of the block."""

    def __init__(self, instance: Instance, supervisor: subprocess.Popen[bytes] | None = None) -> None:
        """Use start() or attach()."""
        self._instance, self._supervisor = instance, supervisor
        now = state.read(instance)
        assert now is not None  # the supervisor said that it is ready
        self.hosts, self._releases = now.hosts, now.releases

    @classmethod
    def start(
        cls,
        name: str,
        *,
        distro: Distro,
        release: str = "r1",
        hosts: int = 6,
        racks: int = 3,
        image_hosts: int = 0,
        store: Path | None = None,
        run_dir: Path,
        cache: Path,
        progress: Callable[[str], None],
        lifeline: bool = True,
    ) -> Fleet:
        """Boot a fleet and return when every host is up. Raises FleetError; then nothing is left but logs.

        `image_hosts` are off until power_on(), and their disk() wants an image before.
        `store` is served on port 8080 and need not exist yet. With `lifeline` the fleet ends with this
        process, however that ends; without, it stays until stop().
        """
        preflight.need_root()
        preflight.need_tools()
        instance = Instance(name, run_dir)
        releases = {each.name: distro.release(each.name) for each in RELEASES}
        if release not in releases:
            raise _no_release(release, releases)
        spec = Spec(
            instance=instance,
            distro=distro,
            releases=releases,
            release=release,
            hosts=make_hosts(hosts, racks, image_hosts),
            store=store.absolute() if store else None,
            cache=cache.absolute(),
            stay=not lifeline,
        )
        supervisor = _spawn(instance)
        try:
            _follow(supervisor, spec, progress)
        except BaseException:
            _cut_lifeline(supervisor)
            raise
        return cls(instance, supervisor)

    @classmethod
    def attach(cls, name: str, *, run_dir: Path) -> Fleet:
        """The fleet of that name that another process started; raises FleetError if none runs."""
        instance = Instance(name, run_dir)
        if lock.holder(instance) is None:
            raise FleetError(f"no testbed {name!r} runs in {run_dir}; start it with `up --name {name}`")
        if (now := state.read(instance)) is None or now.phase != "ready":
            raise FleetError(f"testbed {name!r} is not up yet; wait for its `up` to end")
        return cls(instance)

    @property
    def inventory(self) -> Path:
        """Ansible inventory of the hosts."""
        return self._instance.inventory

    @property
    def ssh_key(self) -> Path:
        """Private key that root of every host accepts."""
        return self._instance.ssh_key

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F`, hosts by name; to be used inside the namespace."""
        return self._instance.ssh_config

    @property
    def address(self) -> str:
        """Address of the controller's side: upstream on port 8081, the store on 8080."""
        return CONTROLLER

    def publish(self, release: str) -> None:
        """Upstream serves `release` from now on, and nothing of the one before."""
        if release not in self._releases:
            raise _no_release(release, self._releases)
        files.link(self._instance.upstream, Path(self._releases[release]))

    def command(self, *argv: str) -> list[str]:
        """`argv` with the prefix that runs it in the fleet's network namespace."""
        return [*namespaces.enter_network(self._instance), *argv]

    def run(self, argv: Sequence[str], **kw: Any) -> subprocess.CompletedProcess[Any]:
        """subprocess.run() in the fleet's network namespace."""
        return subprocess.run(self.command(*argv), **kw)  # noqa: PLW1510  the caller's choice

    def ssh(self, host: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run `argv` on a host, word for word. The exit status is not checked; output is text."""
        remote = [*self.ssh_command(host), shlex.join(argv)]
        return self.run(remote, capture_output=True, text=True, check=False)

    def ssh_command(self, host: str) -> list[str]:
        """The words that log in to a host, for use inside the namespace."""
        return ["ssh", "-F", str(self.ssh_config), self._known(host)]

    def kill(self, host: str) -> None:
        """Power cut: everything on the host dies at once; it stays off.

        The open connection to it is dropped too: it would hang for as long as ssh is patient.
        """
        control.ask(self._instance, "power-cut", self._known(host))
        address = next(each.address for each in self.hosts if each.name == host)
        leftovers.close_connection(self._instance.ssh_sockets / address)

    def power_on(self, host: str) -> None:
        """Start a host that is off; return when it answers over SSH, whatever its services do."""
        control.ask(self._instance, "power-on", self._known(host))

    def disk(self, host: str) -> Path:
        """The disk of a host that boots images: a directory with esp and data, as the host sees them."""
        return self._instance.disks / self._known(host)

    def boots(self, host: str) -> list[Boot]:
        """What the boot loader of such a host decided so far."""
        return boots(self._instance.boots(self._known(host)))

    def stop(self) -> None:
        """End the fleet and leave nothing but its logs."""
        stop(self._instance)
        if self._supervisor is not None:
            _cut_lifeline(self._supervisor)

    def __enter__(self) -> Fleet:
        """The fleet itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _known(self, host: str) -> str:
        if host not in {each.name for each in self.hosts}:
            raise FleetError(
                f"there is no host {host!r}; choose from {self.hosts[0].name} … {self.hosts[-1].name}"
            )
        return host


def stop(instance: Instance) -> bool:
    """End a fleet, or clear up after one whose supervisor was killed; False if there was neither."""
    running = lock.holder(instance) is not None
    if not lock.end_holder(instance, signal.SIGTERM, STOP_SECONDS):
        lock.end_holder(instance, signal.SIGKILL, STOP_SECONDS)
    if not instance.directory.exists():
        return False
    with lock.acquire(instance, os.getpid()), inotify.raised():
        return leftovers.sweep(instance) or running


def _no_release(name: str, releases: Iterable[str]) -> FleetError:
    return FleetError(f"there is no release {name!r}; choose from {', '.join(releases)}")


def _spawn(instance: Instance) -> subprocess.Popen[bytes]:
    instance.logs.mkdir(parents=True, exist_ok=True)
    with instance.log("supervisor").open("ab") as log:
        return subprocess.Popen(
            [*namespaces.UNSHARE, sys.executable, "-m", "testbed.fleet.supervisor", instance.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | {"PYTHONPATH": f"{PACKAGES}:{COLLECTIONS}"},
            start_new_session=True,  # Ctrl-C is ours: we end the fleet, in order
        )


def _follow(supervisor: subprocess.Popen[bytes], spec: Spec, progress: Callable[[str], None]) -> None:
    """Hand over the spec and report progress until the supervisor says that it is ready."""
    assert supervisor.stdin is not None and supervisor.stdout is not None
    pickle.dump(spec, supervisor.stdin)
    supervisor.stdin.flush()
    for line in supervisor.stdout:
        match json.loads(line):
            case {"progress": text}:
                progress(text)
            case {"error": text}:
                raise FleetError(text)
            case {"ready": True}:
                return
    raise FleetError(f"the supervisor ended without a word; see {spec.instance.log('supervisor')}")


def _cut_lifeline(supervisor: subprocess.Popen[bytes]) -> None:
    """Let go of the supervisor, which makes it end, and wait for that."""
    for pipe in (supervisor.stdin, supervisor.stdout):
        if pipe is not None:
            pipe.close()
    supervisor.wait()
