# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A pin: which release a host is to run, and from where. Plain data, stored as /etc/osaas/release.json."""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name, check_snapshot_id


@dataclass(frozen=True)
class Repository:
    """One repo of a snapshot; `keys` are names of public keys, any of which may have signed it."""

    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Pin:
    """Release `release` (a snapshot id) with digest `digest`, served below `url`.

    `ca` names the certificates of the only authorities that the server may be vouched for by; empty for those
    of the system.
    """

    release: str
    digest: str
    url: str
    repositories: tuple[Repository, ...]
    previous: Pin | None = None
    ca: str = ""

    def baseurl(self, repository: Repository) -> str:
        """Where `repository` of the pinned snapshot is served."""
        return f"{self.url.rstrip('/')}/snapshots/{self.release}/{repository.name}"

    def key_names(self) -> frozenset[str]:
        """The keys that this pin and the one to go back to need."""
        own = frozenset(key for repository in self.repositories for key in repository.keys)
        return own | self.previous.key_names() if self.previous else own

    def ca_names(self) -> frozenset[str]:
        """The authorities' certificates that this pin and the one to go back to need."""
        own = frozenset(filter(None, [self.ca]))
        return own | self.previous.ca_names() if self.previous else own

    def alone(self) -> Pin:
        """The same pin without a memory of the one before."""
        return replace(self, previous=None)

    def as_json(self) -> dict[str, t.Any]:
        """The form that is stored and returned."""
        repositories = [{"name": one.name, "gpgkey": list(one.keys)} for one in self.repositories]
        previous = self.previous.as_json() if self.previous else None
        value = {
            "release": self.release,
            "digest": self.digest,
            "url": self.url,
            "repositories": repositories,
        }
        more = {"ca": self.ca, "previous": previous}
        return {**value, **{name: each for name, each in more.items() if each}}


@dataclass(frozen=True)
class Trust:
    """Armored public keys by name, and certificates (PEM) of the authorities that vouch for the server."""

    keys: Mapping[str, str]
    ca_cert: str = ""


def name_of_ca(ca_cert: str) -> str:
    """What a pin calls these certificates; empty for none. Another text has another name."""
    return hashlib.sha256(ca_cert.encode()).hexdigest()[:16] if ca_cert else ""


def pin_from_json(value: Mapping[str, t.Any] | None) -> Pin | None:
    """The pin that as_json() wrote. Raises HostError if the file was edited into something else."""
    if value is None:
        return None
    try:
        repositories = tuple(Repository(one["name"], tuple(one["gpgkey"])) for one in value["repositories"])
        previous = pin_from_json(value.get("previous"))
        place = (value["release"], value["digest"], value["url"])
        return Pin(*place, repositories, previous, value.get("ca", ""))
    except (KeyError, TypeError, AttributeError) as error:
        raise HostError(
            f"is not a pin ({error!r})", where=str(paths.PIN_FILE), way_out="Pin the host again with host_pin"
        ) from error


def check_pin(pin: Pin, trust: Trust) -> Pin:
    """Return `pin` if it may be written. Raises InputError naming the option that breaks a rule."""
    check_snapshot_id(pin.release, where="release")
    if not pin.url.startswith(("http://", "https://", "file:///")):
        raise InputError(
            f"{pin.url!r} is not a base URL",
            where="url",
            way_out="Give one that begins with http://, https:// or file:///",
        )
    if trust.ca_cert and "-----BEGIN CERTIFICATE-----" not in trust.ca_cert:
        raise InputError("holds no certificate", where="ca_cert", way_out="Give its content, in PEM")
    if not pin.repositories:
        raise InputError("is empty", where="repositories", way_out="Name at least one repo of the snapshot")
    for repository in pin.repositories:
        where = f"repositories: {check_name(repository.name, where='repositories')}"
        if not repository.keys:
            raise InputError("has no gpgkey", where=where, way_out="Unsigned repos cannot be pinned")
        missing = sorted(set(repository.keys).difference(trust.keys))
        if missing:
            raise InputError(
                f"key {missing[0]!r} is not in gpgkeys", where=where, way_out="Add its public key there"
            )
    return pin
