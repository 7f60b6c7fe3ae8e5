# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Weak dependencies that a host has gone without so far: dnf does not install them with an update.

This is dnf's `exclude_from_weak_autodetect` (libdnf's Goal). Requirements with conditions are left out of it.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv


class WeakDependencies:
    """What the offered packages supplement is looked up once, for all hosts."""

    def __init__(self, pool: t.Any, offered: Iterable[t.Any]) -> None:
        self._pool = pool
        self._names: dict[int, int] = {}
        self._supplements = [
            (one.id, one.nameid, deps)
            for one in offered
            if (deps := self._plain(one, solv.SOLVABLE_SUPPLEMENTS))
        ]

    def unmet(self, system: t.Any) -> set[int]:
        """Numbers of the packages that must not come just because something recommends them.

        That is every provider, in any version, of what an installed package recommends, if none of them is
        installed; and a package that supplements an installed one, if no version of it is installed.
        """
        installed = list(system.solvables)  # the iterator itself can be used only once
        found: set[int] = set()
        for number in {
            self._name(dep) for one in installed for dep in self._plain(one, solv.SOLVABLE_RECOMMENDS)
        }:
            able = self._pool.whatprovides(number)
            if not any(one.isinstalled() for one in able):
                found.update(one.id for one in able)
        names = {one.nameid for one in installed}
        found.update(
            number
            for number, name, deps in self._supplements
            if name not in names and any(self._is_installed(dep) for dep in deps)
        )
        return found

    def _is_installed(self, dep: int) -> bool:
        return any(one.isinstalled() for one in self._pool.whatprovides(dep))

    def _plain(self, one: t.Any, key: int) -> list[int]:
        return [dep for dep in one.lookup_idarray(key) if self._name(dep)]

    def _name(self, dep: int) -> int:
        """The number of a relation's name without its version; 0 if it has conditions."""
        if dep not in self._names:
            rich = self._pool.dep2str(dep).startswith("(")
            self._names[dep] = 0 if rich else self._pool.str2id(self._pool.id2str(dep))
        return self._names[dep]
