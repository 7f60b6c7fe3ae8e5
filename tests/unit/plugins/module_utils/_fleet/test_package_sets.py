# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts have installed is told once, and known for all that are alike."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Run, claim
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.package_sets import (
    Found,
    PackageSet,
    Told,
    check_told,
    find,
    record,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Release, open_rollout
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables
from ansible_collections.osaas.fleet.plugins.module_utils._package_set import digest_of

A = ["bash-0:5.1-9.x86_64", "jq-0:1.6-2.x86_64"]
B = ["bash-0:5.2-1.x86_64", "jq-0:1.6-2.x86_64"]
DA, DB = digest_of(A), digest_of(B)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Two hosts with A, one with B, and one that was never seen."""
    with Ledger.open(str(tmp_path / "ledger.db")) as ledger:
        enrolled(ledger, web_1=DA, web_2=DA, db=DB)
        with ledger.write() as connection:
            enrol(connection, [Enrolment("new", "rack")], who="test", now=0.0)
        yield ledger


def enrolled(ledger: Ledger, streams: Sequence[str] = (), **digests: str) -> None:
    hosts = [
        Enrolment(name, "rack", digest=digest, streams=list(streams)) for name, digest in digests.items()
    ]
    with ledger.write() as connection:
        enrol(connection, hosts, who="test", now=0.0)


def found(ledger: Ledger, *told: Told, hosts: Sequence[str] | None = None) -> Found:
    with ledger.read() as connection:
        return find(connection, told, hosts)


def recorded(ledger: Ledger, *told: Told) -> bool:
    with ledger.write() as connection:
        return record(connection, told, who="test", now=1.0)


def rows(ledger: Ledger) -> set[str]:
    with ledger.read() as connection:
        return set(connection.scalars(sa.select(tables().package_set.c.digest)))


def test_one_host_of_each_digest_is_to_be_asked_and_every_one_without(ledger: Ledger) -> None:
    enrolled(ledger, newer="")
    unknown = ["db", "new", "newer", "web_1", "web_2"]
    assert found(ledger) == Found([], unknown, ["db", "new", "newer", "web_1"])


def test_what_one_host_told_is_known_of_all_that_are_alike(ledger: Ledger) -> None:
    key = "gpg-pubkey-0:79fb0e4a-6b03617b.(none)"
    told = Told("web_1", DA, (), [key, *reversed(A)])
    check_told([told])
    assert recorded(ledger, told)
    expected = PackageSet(DA[:12], ["web_1", "web_2"], A, ())
    assert found(ledger) == Found([expected], ["db", "new"], ["db", "new"])
    assert found(ledger, hosts=["web_2"]) == Found([expected._replace(hosts=["web_2"])], [], [])
    assert found(ledger, hosts=[]) == Found([], [], [])
    assert not recorded(ledger, told)


def test_hosts_with_other_module_streams_are_another_kind_and_share_the_row(ledger: Ledger) -> None:
    enrolled(ledger, streams=["nodejs:18", "-perl"], web_2=DA)
    enrolled(ledger, streams=[], web_3=DA)
    with ledger.write() as connection:
        connection.execute(tables().host.update().where(tables().host.c.name == "web_3").values(streams=None))
    recorded(ledger, Told("web_1", DA, (), A))
    assert found(ledger, hosts=["web_1", "web_2", "web_3"]).package_sets == [
        PackageSet(DA[:12], ["web_1"], A, ()),
        PackageSet(f"{DA[:12]} nodejs:18 -perl", ["web_2"], A, ("nodejs:18", "-perl")),
        PackageSet(f"{DA[:12]} with unknown module streams", ["web_3"], A, None),
    ]
    assert rows(ledger) == {DA}


def test_a_host_that_changed_is_known_by_what_it_tells_and_logged(ledger: Ledger) -> None:
    recorded(ledger, Told("web_1", DA, (), A), Told("db", DB, (), B))
    drifted = Told("web_2", "d" * 64, ("-perl",))
    assert found(ledger, drifted, hosts=["web_2"]) == Found([], ["web_2"], ["web_2"])
    assert found(ledger, hosts=["web_2"]).unknown == []
    assert recorded(ledger, drifted)
    assert found(ledger, hosts=["web_2"]) == Found([], ["web_2"], ["web_2"])
    event = tables().event
    with ledger.read() as connection:
        query = sa.select(event.c.subject, event.c.inputs).where(event.c.what == "package set")
        assert [tuple(row) for row in connection.execute(query)] == [
            ("web_2", {"digest": "d" * 64, "streams": ["-perl"]})
        ]


def test_what_no_host_has_any_more_is_forgotten(ledger: Ledger) -> None:
    recorded(ledger, Told("web_1", DA, (), A), Told("db", DB, (), B))
    assert rows(ledger) == {DA, DB}
    recorded(ledger, Told("db", DA))
    assert rows(ledger) == {DA}


def test_a_host_that_is_not_in_the_ledger_is_known_and_not_kept(ledger: Ledger) -> None:
    told = [Told("stray", DB, (), B), Told("stray_2", DB)]
    recorded(ledger, *told)
    expected = PackageSet(DB[:12], ["stray", "stray_2"], B, ())
    assert found(ledger, *told, hosts=["stray", "stray_2"]).package_sets == [expected]
    assert find(None, told, None) == Found([expected], [], [])
    assert rows(ledger) == set()


def test_a_claimed_host_is_left_to_its_run(ledger: Ledger) -> None:
    policy = {"waves": [{"name": "all", "percent": 100}]}
    with ledger.write() as connection:
        opened = open_rollout(connection, Release("r", "snapshot", ""), policy, who="", now=0.0)
        assert claim(connection, Run(opened.rollout, opened.plan_hash, "///0/0"), "db", now=0.0).fence == 1
    assert not recorded(ledger, Told("db", DA, (), A))
    assert found(ledger).unknown == ["db", "new", "web_1", "web_2"]


@pytest.mark.parametrize("forged", [zlib.compress("\n".join(B).encode()), zlib.compress(b"\xff"), b"?"])
def test_a_set_that_somebody_changed_is_refused(ledger: Ledger, forged: bytes) -> None:
    recorded(ledger, Told("web_1", DA, (), A))
    with ledger.write() as connection:
        connection.execute(tables().package_set.update().values(packages=forged))
    with pytest.raises(LedgerError) as raised:
        found(ledger)
    assert str(raised.value) == (
        f"ledger: package set {DA} does not have its digest: somebody changed what is recorded of it."
        " Find out who, and delete the row of package_set with this digest: a host is asked again"
    )


def test_packages_that_changed_while_the_host_told_them_are_refused() -> None:
    with pytest.raises(InputError) as raised:
        check_told([Told("db", DB), Told("web", DA, (), B)])
    assert str(raised.value) == (
        f"web: its packages do not have the digest {DA[:12]} that it told."
        " They were changed meanwhile: ask it again"
    )


def test_enrolment_keeps_streams_that_it_does_not_know(ledger: Ledger) -> None:
    enrolled(ledger, streams=["nodejs:18"], web_1=DA)
    with ledger.write() as connection:
        enrol(connection, [Enrolment("web_1", "row")], who="test", now=2.0)
        streams = sa.select(tables().host.c.streams).where(tables().host.c.name == "web_1")
        assert connection.scalar(streams) == ["nodejs:18"]
    enrolled(ledger, streams=[], web_1=DA)
    with ledger.read() as connection:
        assert connection.scalar(streams) == []
