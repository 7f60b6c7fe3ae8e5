# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both kinds of database that a ledger may lie in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from integration.fleet.postgres import Postgres, postgres

Addresses = Callable[[], str]


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests."""
    with postgres() as running:
        yield running


@pytest.fixture
def sqlite_addresses(tmp_path: Path) -> Addresses:
    """New SQLite ledgers."""
    numbers = itertools.count()
    return lambda: str(tmp_path / f"ledger-{next(numbers)}.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def addresses(request: pytest.FixtureRequest) -> Addresses:
    """New, empty ledgers, of either kind."""
    if request.param == "sqlite":
        found: Addresses = request.getfixturevalue("sqlite_addresses")
        return found
    running: Postgres = request.getfixturevalue("server")
    return running.address
