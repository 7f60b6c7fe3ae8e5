# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Which release this host was last brought to, and the packages that it had then."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import Package, set_digest


@dataclass(frozen=True)
class Running:
    """`transaction` is the id of the one that did it, or empty when the host was there already.

    `packages` are the NEVRAs that the host had then, sorted.
    """

    release: str
    transaction: str
    package_set_digest: str
    packages: tuple[str, ...]

    @classmethod
    def now(cls, release: str, transaction: str, installed: Iterable[Package]) -> Running:
        """The host as it is."""
        installed = tuple(installed)
        nevras = tuple(sorted(one.nevra for one in installed if one.name != "gpg-pubkey"))
        return cls(release, transaction, set_digest(installed), nevras)


def read_running() -> Running | None:
    """What write_running() wrote last, None on a host never converged."""
    value: dict[str, t.Any] | None = read_json(paths.RUNNING_FILE)
    return None if value is None else Running(**{**value, "packages": tuple(value["packages"])})


def write_running(running: Running) -> None:
    """Remember `running`."""
    paths.STATE.mkdir(parents=True, exist_ok=True)
    write_json(paths.RUNNING_FILE, asdict(running))
