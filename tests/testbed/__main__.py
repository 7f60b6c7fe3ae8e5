# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of real hosts on this machine, for a person."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from .distro import DistroError, ensure_distro
from .fleet import Fleet, FleetError, preflight, state
from .fleet.fleet import stop
from .fleet.instance import Instance
from .fleet.lock import holder

CHECKOUT = Path(__file__).parents[2]
RUN_DIR = CHECKOUT / ".run"
CACHE = CHECKOUT / ".cache/testbed"


def main() -> int:
    """Exit status: 0, or 1 after one line on stderr, or 130 after Ctrl-C."""
    arguments = _parser().parse_args()
    try:
        preflight.need_root()
        arguments.action(arguments)
    except (FleetError, DistroError) as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("testbed: interrupted; nothing is left running", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed", description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", default="demo", help="which fleet (default: %(default)s)")

    up = actions.add_parser("up", parents=[named], help="boot a fleet; it stays until `down`")
    up.add_argument("--hosts", type=int, default=6, help="default: %(default)s")
    up.add_argument("--racks", type=int, default=3, help="default: %(default)s")
    up.add_argument("--flavour", default="testbed-9", help="of the hosts' OS (%(default)s)")
    up.add_argument("--release", default="r1", help="that hosts run and upstream serves (%(default)s)")
    up.add_argument("--store", type=Path, help="directory to serve on port 8080; it may come to be later")
    up.set_defaults(action=_up)

    down = actions.add_parser("down", parents=[named], help="end a fleet and leave nothing but its logs")
    down.set_defaults(action=_down)

    status = actions.add_parser("status", help="show the fleets that run")
    status.set_defaults(action=_status)

    shell = actions.add_parser("shell", parents=[named], help="log in to a host")
    shell.add_argument("host")
    shell.set_defaults(action=_shell)

    publish = actions.add_parser("publish", parents=[named], help="let upstream serve another release")
    publish.add_argument("release")
    publish.set_defaults(action=_publish)

    run = actions.add_parser("run", parents=[named], help="run a command inside the fleet's network")
    run.add_argument("command", nargs="+", metavar="COMMAND", help="after `--`")
    run.set_defaults(action=_run)
    return parser


def _up(arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    distro = ensure_distro(arguments.flavour, cache=CACHE, progress=_say)
    fleet = Fleet.start(
        arguments.name,
        distro=distro,
        release=arguments.release,
        hosts=arguments.hosts,
        racks=arguments.racks,
        store=arguments.store,
        run_dir=RUN_DIR,
        cache=CACHE,
        progress=_say,
        lifeline=False,
    )
    _say(f"{len(fleet.hosts)} hosts up in {time.monotonic() - began:.1f} s; inventory: {fleet.inventory}")


def _down(arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    if stop(Instance(arguments.name, RUN_DIR)):
        _say(f"{arguments.name}: ended in {time.monotonic() - began:.1f} s")
    else:
        _say(f"{arguments.name}: was not running")


def _status(arguments: argparse.Namespace) -> None:
    running = 0
    for lock in sorted(RUN_DIR.glob("*/lock")):
        instance = Instance(lock.parent.name, RUN_DIR)
        if (pid := holder(instance)) is not None:
            running += 1
            _show(instance, pid)
    if not running:
        _say("no testbed runs")


def _show(instance: Instance, supervisor: int) -> None:
    now = state.read(instance)
    if now is None or now.phase != "ready":
        _say(f"{instance.name}: starting, supervisor {supervisor}")
        return
    release = instance.upstream.readlink().name
    _say(f"{instance.name}: up since {now.started}, upstream serves {release}, supervisor {supervisor}")
    for host in now.hosts:
        power = "on" if now.power[host.name] else "off"
        _say(f"  {host.name}  {host.address:12}  {host.rack:8}  {power:3}  boots: {now.boots[host.name]}")


def _shell(arguments: argparse.Namespace) -> None:
    fleet = Fleet.attach(arguments.name, run_dir=RUN_DIR)
    _become(fleet.command(*fleet.ssh_command(arguments.host)))


def _publish(arguments: argparse.Namespace) -> None:
    Fleet.attach(arguments.name, run_dir=RUN_DIR).publish(arguments.release)
    _say(f"{arguments.name}: upstream serves {arguments.release}")


def _run(arguments: argparse.Namespace) -> None:
    _become(Fleet.attach(arguments.name, run_dir=RUN_DIR).command(*arguments.command))


def _become(command: list[str]) -> None:
    os.execvp(command[0], command)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
