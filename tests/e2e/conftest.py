# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of real hosts for all stories of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testbed.distro import Distro, ensure_distro
from testbed.fleet import Fleet
from testinfra.backend.base import CommandResult
from testinfra.backend.ssh import SshBackend
from testinfra.host import Host as Reached

CHECKOUT = Path(__file__).parents[2]
RUN_DIR = CHECKOUT / ".run"
CACHE = CHECKOUT / ".cache/testbed"


def on_flavours(*names: str) -> pytest.MarkDecorator:
    """Mark a module or a test: it runs on each of these flavours of the testbed, not on testbed-9 alone."""
    return pytest.mark.parametrize("distro", names, indirect=True, scope="module")


@pytest.fixture(scope="session")
def distro(request: pytest.FixtureRequest) -> Distro:
    """Testbed Linux, all its releases."""
    flavour: str = getattr(request, "param", "testbed-9")
    return ensure_distro(flavour, cache=CACHE, progress=print)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the fleet sees on port 8080."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def fleet(distro: Distro, store: Path) -> Iterator[Fleet]:
    """Six hosts in three racks, on r1. It ends with the session, even if pytest is killed."""
    with Fleet.start(
        "e2e", distro=distro, store=store, run_dir=RUN_DIR, cache=CACHE, progress=print
    ) as fleet:
        yield fleet


class _Inside(SshBackend):  # type: ignore[misc]  # testinfra is not typed
    """testinfra's ssh, in the fleet's network namespace."""

    def __init__(self, fleet: Fleet, host: str) -> None:
        super().__init__(host, ssh_config=str(fleet.ssh_config))
        self._fleet = fleet

    def run_local(self, command: str, *args: str) -> CommandResult:
        enter = self.quote(" ".join(["%s"] * len(self._fleet.command())), *self._fleet.command())
        return super().run_local(f"{enter} {self.quote(command, *args)}")


@pytest.fixture(scope="session")
def reach(fleet: Fleet) -> Callable[[str], Reached]:
    """testinfra's view of a host, by name."""
    return lambda host: Reached(_Inside(fleet, host))
