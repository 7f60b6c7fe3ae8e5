# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What the library needs of a package manager; one adapter per flavour stands beside this file."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Demand, Resolution

ADAPTERS = (
    "ansible_collections.osaas.fleet.plugins.module_utils._host.dnf4",
    "ansible_collections.osaas.fleet.plugins.module_utils._host.dnf5",
)
_COMMANDS = (Path("/usr/bin/dnf"), Path("/usr/bin/dnf5"))


@dataclass(frozen=True)
class SourceRepository:
    """A repo to resolve from; `keys` are the files of the only public keys that may have signed it."""

    name: str
    baseurl: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """The repos of one release, and the directory that caches them.

    `ca` is the file with the certificates of the only authorities that may vouch for the server; empty for
    those of the system.
    """

    cache: Path
    repositories: tuple[SourceRepository, ...]
    ca: str = ""

    def as_json(self) -> dict[str, t.Any]:
        """The form that is stored."""
        repositories = [
            {"name": one.name, "baseurl": one.baseurl, "keys": list(one.keys)} for one in self.repositories
        ]
        return {"cache": str(self.cache), "repositories": repositories, "ca": self.ca}


def source_of(pin: Pin) -> Source:
    """Where the pinned release comes from."""
    repositories = (
        SourceRepository(one.name, pin.baseurl(one), tuple(str(paths.key_file(key)) for key in one.keys))
        for one in pin.repositories
    )
    ca = str(paths.ca_file(pin.ca)) if pin.ca else ""
    return Source(paths.CACHE / pin.release, tuple(repositories), ca)


def source_from_json(value: Mapping[str, t.Any]) -> Source:
    """The source that as_json() wrote."""
    repositories = (
        SourceRepository(one["name"], one["baseurl"], tuple(one["keys"])) for one in value["repositories"]
    )
    return Source(Path(value["cache"]), tuple(repositories), value["ca"])


class Session(t.Protocol):
    """One look at the host and the repos of one release. All methods raise HostError or VerificationError."""

    def resolve(self, demand: Demand) -> Resolution:
        """What a distro-sync would do; comes before the other methods.

        Of what is to come back or to be reinstalled, only what the repos have does.
        """

    def missing(self) -> tuple[str, ...]:
        """Files of the resolved plan that are not, or not wholly, in the cache."""

    def download(self) -> None:
        """Bring every package of the resolved plan into the cache."""

    def files(self) -> Mapping[str, tuple[str, ...]]:
        """The cached files of the resolved plan, by name of the repo that they are from."""

    def rehearse(self) -> None:
        """Have rpm test the resolved transaction: file conflicts, disk space of each file system."""

    def transact(self) -> None:
        """Carry the resolved plan out, as one transaction; one line of log per package as it comes to it."""

    def duplicates(self) -> tuple[str, ...]:
        """NEVRAs installed beside another version of the same package, where only one may be."""

    def close(self) -> None:
        """Give back locks and handles."""


def open_session(source: Source, *, offline: bool) -> Session:
    """Begin a session with the host's own package manager; `offline` uses nothing but the cache."""
    if uses_dnf5():
        from ansible_collections.osaas.fleet.plugins.module_utils._host.dnf5 import Dnf5Session

        return Dnf5Session(source, offline=offline)
    from ansible_collections.osaas.fleet.plugins.module_utils._host.dnf4 import Dnf4Session

    return Dnf4Session(source, offline=offline)


def bindings() -> str:
    """The Python module that open_session() needs."""
    return "libdnf5" if uses_dnf5() else "dnf"


def uses_dnf5(commands: Collection[Path] = _COMMANDS) -> bool:
    """Whether the host's `dnf` is dnf 5. Where both are installed, it is this one that knows the history."""
    command = next((path for path in commands if path.exists()), None)
    return command is not None and command.resolve().name == "dnf5"
