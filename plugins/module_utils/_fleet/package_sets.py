# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What hosts have installed: told by one host, and kept once for all hosts with the same digest."""

from __future__ import annotations

import contextlib
import json
import typing as t
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import statements
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import log_all
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables
from ansible_collections.osaas.fleet.plugins.module_utils._package_set import digest_of, sorted_packages

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection

Packages = Sequence[str]


@dataclass(frozen=True)
class Told:
    """What a host has just told of itself. `packages` is None where another host with this digest told them.

    `streams` are the module streams that it enabled (name:stream), and the modules that it disabled (-name).
    """

    host: str
    digest: str
    streams: tuple[str, ...] = ()
    packages: Packages | None = None


class Kind(t.NamedTuple):
    """What makes hosts alike; a digest that is "" and streams that are None are unknown."""

    digest: str = ""
    streams: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """For a person."""
        words = ["with unknown module streams"] if self.streams is None else self.streams
        return " ".join((self.digest[:12], *words))


class PackageSet(t.NamedTuple):
    """One distinct set, as snapshot_check takes it."""

    name: str
    hosts: Sequence[str]
    packages: Packages
    streams: Sequence[str] | None


class Found(t.NamedTuple):
    """The package sets that are known, the hosts whose set is not, and one of these for each digest."""

    package_sets: Sequence[PackageSet]
    unknown: Sequence[str]
    ask: Sequence[str]


def check_told(told: Iterable[Told]) -> None:
    """Raises InputError for a host whose packages do not have the digest that it told."""
    for one in told:
        if one.packages is not None and digest_of(one.packages) != one.digest:
            raise InputError(
                f"its packages do not have the digest {one.digest[:12]} that it told",
                where=one.host,
                way_out="They were changed meanwhile: ask it again",
            )


def find(connection: Connection | None, told: Sequence[Told], hosts: Collection[str] | None) -> Found:
    """The package sets of `hosts`, or of all in the ledger, if there is one; what was told is newer.

    Raises LedgerError for a recorded set that does not have its digest.
    """
    kinds = _recorded_kinds(connection) if connection else {}
    kinds |= {one.host: Kind(one.digest, one.streams) for one in told}
    packages = _recorded_packages(connection) if connection else {}
    packages |= {one.digest: sorted_packages(one.packages) for one in told if one.packages is not None}
    return group({name: kinds.get(name, Kind()) for name in (kinds if hosts is None else hosts)}, packages)


def group(kinds: Mapping[str, Kind], packages: Mapping[str, Packages]) -> Found:
    """Bring hosts that are alike together; `packages` has those of the digests that are known."""
    alike: dict[Kind, list[str]] = {}
    for host in sorted(kinds):
        alike.setdefault(kinds[host], []).append(host)
    known = [
        PackageSet(kind.name, hosts, packages[kind.digest], kind.streams)
        for kind, hosts in alike.items()
        if kind.digest in packages
    ]
    unknown = sorted(host for kind, hosts in alike.items() if kind.digest not in packages for host in hosts)
    # Who has no digest may have any packages.
    first: dict[str, str] = {}
    for host in unknown:
        first.setdefault(kinds[host].digest or host, host)
    return Found(sorted(known), unknown, list(first.values()))


def record(connection: Connection, told: Sequence[Told], *, who: str, now: float) -> bool:
    """Write down what hosts of the ledger have told, and forget what none of them has any more.

    Returns whether that changed something. A claimed host is left to its run, which knows better.
    """
    host, package_set, claim = tables().host, tables().package_set, tables().claim
    before = _recorded_kinds(connection)
    claimed = set(connection.scalars(sa.select(claim.c.host)))
    news = {one.host: one for one in told if one.host in before and one.host not in claimed}
    inputs = {
        name: {"digest": one.digest, "streams": list(one.streams)}
        for name, one in news.items()
        if before[name] != Kind(one.digest, one.streams)
    }
    for name, values in inputs.items():
        statements.write(connection, [statements.update(host, {"name": name}, {"last_seen": now, **values})])
    log_all(connection, now=now, who=who, what="package set", outcome="ok", inputs=inputs)

    recorded = set(connection.scalars(sa.select(package_set.c.digest)))
    new = {one.digest: one.packages for one in news.values() if one.packages is not None}
    for digest, packages in new.items():
        if digest not in recorded:
            connection.execute(package_set.insert().values(digest=digest, packages=_packed(packages)))
    unused = package_set.c.digest.not_in(sa.select(host.c.digest))
    gone = connection.execute(package_set.delete().where(unused))
    return bool(inputs or new.keys() - recorded or gone.rowcount)


def _recorded_kinds(connection: Connection) -> dict[str, Kind]:
    host = tables().host
    query = sa.select(host.c.name, host.c.digest, sa.cast(host.c.streams, sa.Text))
    # Many hosts are alike: one kind serves all of them.
    shared: dict[tuple[str, str | None], Kind] = {}
    found = {}
    for name, digest, text in connection.execute(query):
        if (digest, text) not in shared:
            shared[digest, text] = Kind(digest, None if text is None else tuple(json.loads(text)))
        found[name] = shared[digest, text]
    return found


def _recorded_packages(connection: Connection) -> dict[str, Packages]:
    return {
        digest: _unpacked(digest, packed)
        for digest, packed in connection.execute(sa.select(tables().package_set))
    }


def _packed(packages: Packages) -> bytes:
    return zlib.compress("\n".join(sorted_packages(packages)).encode())


def _unpacked(digest: str, packed: bytes) -> Packages:
    try:
        packages = zlib.decompress(packed).decode().split("\n")
    except (zlib.error, UnicodeDecodeError):
        packages = []
    if digest_of(packages) != digest:
        raise LedgerError(
            f"package set {digest} does not have its digest: somebody changed what is recorded of it",
            where="ledger",
            way_out="Find out who, and delete the row of package_set with this digest: a host is asked again",
        )
    return packages
