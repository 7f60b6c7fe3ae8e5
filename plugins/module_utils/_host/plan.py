# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a transaction would do to a host, and whether it may."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError


@dataclass(frozen=True)
class Plan:
    """NEVRAs by what happens to them. `download_bytes` is what is not in the cache yet; `install_bytes` is
    by how much the file systems fill up, and may be negative."""

    install: tuple[str, ...] = field(default=())
    upgrade: tuple[str, ...] = field(default=())
    downgrade: tuple[str, ...] = field(default=())
    remove: tuple[str, ...] = field(default=())
    reinstall: tuple[str, ...] = field(default=())
    download_bytes: int = 0
    install_bytes: int = 0

    @property
    def empty(self) -> bool:
        """Whether the host is there already."""
        return not any(self.packages().values())

    def packages(self) -> dict[str, list[str]]:
        """The lists alone, as they are returned."""
        return {kind: list(getattr(self, kind)) for kind in KINDS}

    def as_json(self) -> dict[str, t.Any]:
        """The form that is stored and returned."""
        return {**self.packages(), "download_bytes": self.download_bytes, "install_bytes": self.install_bytes}

    def incoming(self) -> frozenset[str]:
        """Every NEVRA that is installed, whatever was there before."""
        return self.touched() - frozenset(self.remove)

    def touched(self) -> frozenset[str]:
        """Every NEVRA that comes or goes."""
        return frozenset(nevra for kind in KINDS for nevra in getattr(self, kind))


KINDS = tuple(one.name for one in fields(Plan) if one.name not in ("download_bytes", "install_bytes"))


def plan_from_json(value: Mapping[str, t.Any]) -> Plan:
    """The plan that as_json() wrote."""
    lists = {kind: tuple(value[kind]) for kind in KINDS}
    return Plan(**lists, download_bytes=value["download_bytes"], install_bytes=value["install_bytes"])


@dataclass(frozen=True)
class Demand:
    """What is asked for beside a distro-sync.

    `allow_removals` are names of packages that may go although a person wanted them, `again` of those to
    reinstall if they would be left as they are. On a way back, NEVRAs `drop` go and `bring` come back: a
    distro-sync moves what is installed, and takes away or brings nothing.
    """

    allow_removals: tuple[str, ...] = field(default=())
    again: tuple[str, ...] = field(default=())
    drop: tuple[str, ...] = field(default=())
    bring: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, t.Any]:
        """The form that is stored."""
        return {one.name: list(getattr(self, one.name)) for one in fields(self)}


def demand_from_json(value: Mapping[str, t.Any]) -> Demand:
    """The demand that as_json() wrote."""
    return Demand(**{name: tuple(names) for name, names in value.items()})


@dataclass(frozen=True)
class Resolution:
    """A plan, with the names of packages that it removes although a person wants or dnf protects them."""

    plan: Plan
    wanted_but_removed: tuple[str, ...] = field(default=())
    protected_but_removed: tuple[str, ...] = field(default=())


def check_removals(resolution: Resolution, allowed: Collection[str], *, release: str) -> None:
    """Raises HostError naming every package that may not go."""
    protected = set(resolution.protected_but_removed).difference(allowed)
    wanted = set(resolution.wanted_but_removed).difference(allowed, protected)
    kinds = ((wanted, "installed by a person"), (protected, "protected by dnf"))
    refused = [f"{', '.join(sorted(names))}, {why}" for names, why in kinds if names]
    if refused:
        raise HostError(
            f"would remove {'; '.join(refused)}",
            where=f"release {release}",
            way_out="Name them in allow_removals if they may go",
        )


@dataclass(frozen=True)
class Space:
    """A file system, by one directory in it: bytes that are free, and bytes that are needed."""

    directory: str
    device: int
    free: int
    needed: int


def check_space(demands: Collection[Space]) -> None:
    """Raises HostError for the first file system that cannot take all that is to be put on it."""
    for device in sorted({demand.device for demand in demands}):
        here = [demand for demand in demands if demand.device == device]
        needed = sum(demand.needed for demand in here)
        if needed > here[0].free:
            raise HostError(
                f"needs {_mib(needed)} MiB, {_mib(here[0].free)} MiB are free",
                where=" and ".join(demand.directory for demand in here),
                way_out="Make room on that file system",
            )


def _mib(size: int) -> int:
    return -(-size // 1024**2)
