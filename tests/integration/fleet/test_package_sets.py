# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package sets in both kinds of database."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from ansible_collections.osaas.fleet.plugins.module_utils._errors import LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.package_sets import (
    Found,
    PackageSet,
    Told,
    find,
    record,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables
from ansible_collections.osaas.fleet.plugins.module_utils._package_set import digest_of
from integration.fleet.conftest import Addresses

PACKAGES = [f"p{number:04}-0:1-1.x86_64" for number in range(2000)]
DIGEST = digest_of(PACKAGES)


def enrolled(ledger: Ledger) -> None:
    hosts = [
        Enrolment("web-1", "rack", digest=DIGEST, streams=[]),
        Enrolment("web-2", "rack", digest=DIGEST, streams=["nodejs:18"]),
        Enrolment("web-3", "rack", digest=DIGEST),
    ]
    with ledger.write() as connection:
        enrol(connection, hosts, who="test", now=0.0)


def test_one_row_serves_all_hosts_and_goes_with_the_last_of_them(addresses: Addresses) -> None:
    with Ledger.open(addresses()) as ledger:
        enrolled(ledger)
        told = [Told("web-1", DIGEST, (), PACKAGES)]
        for changed in (True, False):
            with ledger.write() as connection:
                assert record(connection, told, who="test", now=1.0) is changed
        with ledger.read() as connection:
            assert find(connection, (), None) == Found(
                [
                    PackageSet(DIGEST[:12], ["web-1"], PACKAGES, ()),
                    PackageSet(f"{DIGEST[:12]} nodejs:18", ["web-2"], PACKAGES, ("nodejs:18",)),
                    PackageSet(f"{DIGEST[:12]} with unknown module streams", ["web-3"], PACKAGES, None),
                ],
                [],
                [],
            )
            (packed,) = connection.scalars(sa.select(tables().package_set.c.packages))
            assert len(packed) < sum(map(len, PACKAGES)) / 4
        with ledger.write() as connection:
            connection.execute(tables().package_set.update().values(packages=bytes(packed)[:-9]))
        wrong = pytest.raises(LedgerError, match=f"package set {DIGEST} does not have its digest")
        with wrong, ledger.read() as connection:
            find(connection, (), None)
        others = [Told(f"web-{number}", "other") for number in (1, 2, 3)]
        with ledger.write() as connection:
            assert record(connection, others, who="test", now=2.0)
        with ledger.read() as connection:
            assert find(connection, (), None) == Found([], ["web-1", "web-2", "web-3"], ["web-1"])


def test_a_ledger_of_version_4_is_migrated(addresses: Addresses) -> None:
    address = addresses()
    with Ledger.open(address) as ledger:
        enrolled(ledger)
        with ledger.write() as connection:
            connection.exec_driver_sql("DROP TABLE package_set")
            connection.exec_driver_sql("ALTER TABLE host DROP COLUMN streams")
            connection.exec_driver_sql("UPDATE meta SET value = '4' WHERE key = 'schema'")
    with Ledger.open(address) as ledger:
        with ledger.write() as connection:
            assert record(connection, [Told("web-1", DIGEST, ("nodejs:18",), PACKAGES)], who="test", now=1.0)
        with ledger.read() as connection:
            assert [one.streams for one in find(connection, (), None).package_sets] == [("nodejs:18",), None]
