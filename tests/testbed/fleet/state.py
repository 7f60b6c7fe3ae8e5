# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""state.json: what a supervisor tells others about its fleet."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from .errors import FleetError
from .hosts import Host
from .instance import Instance

Phase = Literal["starting", "ready"]


@dataclass(frozen=True)
class State:
    """A fleet as its supervisor sees it."""

    phase: Phase
    supervisor: int  # pid, as seen from outside of its namespace
    started: str  # UTC, ISO 8601
    releases: dict[str, str]  # release to the directory that upstream serves for it
    hosts: tuple[Host, ...]
    power: dict[str, bool]  # by host name: on or off
    boots: dict[str, int]  # by host name: how often it was started

    def with_host(self, name: str, *, power: bool, boots: int) -> State:
        """The same with one host switched."""
        return replace(self, power=self.power | {name: power}, boots=self.boots | {name: boots})


def ready(state: State) -> State:
    """The same once all hosts are up."""
    return replace(state, phase="ready")


def dump(state: State) -> str:
    """JSON text."""
    return json.dumps(asdict(state), indent=2) + "\n"


def read(instance: Instance) -> State | None:
    """The state of an instance, None if its supervisor has not written one yet."""
    try:
        return parse(instance.state.read_text(), instance.state)
    except FileNotFoundError:
        return None


def parse(text: str, source: Path) -> State:
    """The state in `text`; raises FleetError naming `source` if it is not one."""
    try:
        data: dict[str, Any] = json.loads(text)
        hosts = tuple(Host(**host) for host in data.pop("hosts"))
        return State(hosts=hosts, **data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FleetError(f"{source}: not the state of a testbed ({error}); run `down`, then `up`") from error
