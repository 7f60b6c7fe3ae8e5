# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that owns a fleet: makes everything, reboots hosts that ask for it, and takes everything down.

fleet.py starts it in namespaces of its own (namespaces.py) with a Spec on standard input, which then stays
open as its lifeline: when the other end closes, the fleet ends. It answers on standard output, in JSON, one
object a line: {"progress": text} …, then {"ready": true} or {"error": text}.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import sys
import traceback
from contextlib import ExitStack, suppress

from ..distro import DistroError
from ..firmware import initrd as firmware
from . import inotify, leftovers, lock, namespaces, pool
from .cgroup import Cgroup
from .errors import FleetError
from .running import Running
from .spec import Spec


def main() -> None:
    """Run the fleet on standard input until told to end. Leaves by os._exit: no thread may delay that."""
    pid = namespaces.outer_pid()
    namespaces.mount_private()
    spec: Spec = pickle.load(sys.stdin.buffer)
    status = 1
    try:
        with suppress(asyncio.CancelledError):
            asyncio.run(_own(spec, pid))
        status = 0
    except (FleetError, DistroError) as error:
        _tell(error=str(error))
    except Exception as error:
        traceback.print_exc()
        _tell(error=f"the supervisor failed: {error!r}; see {spec.instance.log('supervisor')}")
    os._exit(status)


def _tell(**message: object) -> None:
    """One line to the program that started us, if it still listens."""
    with suppress(OSError):
        os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


def _progress(text: str) -> None:
    _tell(progress=text)


async def _own(spec: Spec, pid: int) -> None:
    """Hold the fleet's place on this machine. Its end is synchronous: nothing interrupts it."""
    _cancel_on_request()
    instance, group = spec.instance, Cgroup.of(spec.instance.cgroup)
    with ExitStack() as stack:
        stack.enter_context(lock.acquire(instance, pid))
        leftovers.sweep(instance)
        leftovers.empty_logs(instance)
        stack.enter_context(inotify.raised())
        stack.callback(leftovers.sweep, instance)
        stack.callback(namespaces.kill_all)
        group.make()
        await asyncio.to_thread(pool.fill, spec, _progress)
        stack.enter_context(pool.mounted_lazily(instance.pool_image, instance.pool))
        stack.enter_context(firmware.mounts(instance.machines))
        running = Running(spec, group, pid, _progress)
        await running.start()
        _tell(ready=True)
        if spec.stay:
            _let_go()
        await running.wait()


def _cancel_on_request() -> None:
    """Cancel the current task on SIGTERM, on SIGINT, and when standard input ends."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def lifeline_cut() -> None:
        loop.remove_reader(sys.stdin.fileno())
        task.cancel()

    loop.add_reader(sys.stdin.fileno(), lifeline_cut)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)


def _let_go() -> None:
    """Live on without the program that started us."""
    asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout):
        os.dup2(nothing, stream.fileno())


if __name__ == "__main__":
    main()
