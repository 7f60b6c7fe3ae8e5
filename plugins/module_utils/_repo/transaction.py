# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a solved distro-sync does to a host, as data."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.pool import nevra

EXPIRE = -1  # a kind of step that libsolv does not know: one that makes room for a new version


@dataclass(frozen=True)
class Transaction:
    """What a distro-sync does: NEVRAs by what happens to them; `upgrade` and `downgrade` name the new ones.

    `replace` is what something else obsoletes, `expire` old kernels that make room for a new one. `download`
    is in bytes; `grow` is by how many the file systems fill up, and may be negative. `reasons` say why not
    everything could be kept (with `solved`, a way was found that removes packages), or why there is no way.
    """

    solved: bool
    install: tuple[str, ...] = ()
    upgrade: tuple[str, ...] = ()
    downgrade: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    expire: tuple[str, ...] = ()
    download: int = 0
    grow: int = 0
    reasons: tuple[str, ...] = ()


def read_transaction(done: t.Any, many: Collection[int], size: Callable[[str], int]) -> Transaction:
    """Read libsolv's transaction. `many` are the numbers of packages that stay beside new versions of theirs,
    `size` tells what an installed one takes on disk, in bytes.
    """
    kinds = solv.Transaction
    mode = kinds.SOLVER_TRANSACTION_SHOW_OBSOLETES | kinds.SOLVER_TRANSACTION_CHANGE_IS_REINSTALL
    active = kinds.SOLVER_TRANSACTION_SHOW_ACTIVE | mode
    names: dict[int, list[str]] = {}
    gone = []
    for one in done.steps():
        installed = one.isinstalled()
        kind = done.steptype(one, mode if installed else active)
        if kind == kinds.SOLVER_TRANSACTION_ERASE and one.id in many:
            kind = EXPIRE
        names.setdefault(kind, []).append(nevra(one))
        if installed:
            gone.append(nevra(one))

    def told(*steps: int) -> tuple[str, ...]:
        return tuple(sorted(name for step in steps for name in names.get(step, ())))

    come = done.newsolvables()
    return Transaction(
        solved=True,
        install=told(
            kinds.SOLVER_TRANSACTION_INSTALL,
            kinds.SOLVER_TRANSACTION_MULTIINSTALL,
            kinds.SOLVER_TRANSACTION_OBSOLETES,
        ),
        upgrade=told(kinds.SOLVER_TRANSACTION_UPGRADE),
        downgrade=told(kinds.SOLVER_TRANSACTION_DOWNGRADE),
        replace=told(kinds.SOLVER_TRANSACTION_OBSOLETED),
        remove=told(kinds.SOLVER_TRANSACTION_ERASE),
        expire=told(EXPIRE),
        download=sum(one.lookup_num(solv.SOLVABLE_DOWNLOADSIZE) for one in come),
        grow=sum(one.lookup_num(solv.SOLVABLE_INSTALLSIZE) for one in come) - sum(map(size, gone)),
    )
