# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Read the host's rpm database through its own bindings."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import Package, nevra

try:
    import rpm  # type: ignore[import-not-found]
except ImportError:
    rpm = None


_SIDE_BY_SIDE = ("installonlypkg(kernel", "multiversion(kernel")


def installed_packages() -> tuple[Package, ...]:
    """Every installed package, imported keys included. Raises HostError if the database cannot be read."""
    if rpm is None:
        raise HostError("has no rpm bindings for Python", where="this host", way_out="Install python3-rpm")
    try:
        return tuple(
            Package(
                nevra(
                    head["name"], head["epochnum"], head["version"], head["release"], head["arch"] or "none"
                ),
                head["name"],
                head["installtime"],
            )
            for head in rpm.TransactionSet().dbMatch()
        )
    except rpm.error as error:
        raise HostError(
            str(error), where="rpm database", way_out="Look at it with rpmdb --verifydb"
        ) from error


def many_versions_are_meant(name: str) -> bool:
    """Whether the packages called `name` say of themselves that they are kernels, or of a kernel's kind.

    What dnf is told beside in installonlypkgs, only dnf knows.
    """
    heads = list(rpm.TransactionSet().dbMatch("name", name))
    return all(any(one.startswith(_SIDE_BY_SIDE) for one in head["providename"]) for head in heads)


def files_of(names: Collection[str]) -> list[str]:
    """Every path that installed packages of these names own."""
    wanted = set(names)
    heads = [head for head in rpm.TransactionSet().dbMatch() if head["name"] in wanted]
    return [path for head in heads for path in head["filenames"]]


def database_directory() -> Path:
    """Where the database lies."""
    return Path(rpm.expandMacro("%{_dbpath}"))
