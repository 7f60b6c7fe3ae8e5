# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Package sets: what the hosts of a kind have installed, as preflight and diff are given it."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra, parse_nevra


@dataclass(frozen=True)
class PackageSet:
    """One distinct set of installed packages, and the hosts that have exactly it."""

    name: str
    hosts: tuple[str, ...]
    packages: frozenset[Nevra]

    @property
    def told(self) -> str:
        """The set and its hosts, for a person: web (web-01, web-02 and 7 more)."""
        if not self.hosts:
            return self.name
        more = f" and {len(self.hosts) - 2} more" if len(self.hosts) > 2 else ""
        return f"{self.name} ({', '.join(self.hosts[:2])}{more})"


def read_package_sets(given: Sequence[t.Mapping[str, t.Any]], file: str | None) -> tuple[PackageSet, ...]:
    """The sets in an option and in a JSON file. Raises InputError naming the set that breaks a rule."""
    sets = [_package_set(raw, where=f"package_sets[{index}]") for index, raw in enumerate(given)]
    if file is not None:
        sets += [_package_set(raw, where=f"{file}[{index}]") for index, raw in enumerate(_read(file))]
    names = [one.name for one in sets]
    for name in names:
        if names.count(name) > 1:
            raise InputError("two package sets have this name", where=name, way_out="Give each its own")
    return tuple(sets)


def _read(file: str) -> list[t.Any]:
    try:
        raw = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"the package sets cannot be read: {error}", where=file) from error
    if not isinstance(raw, list):
        raise InputError("this is not a list of package sets", where=file)
    return raw


def _package_set(raw: t.Any, *, where: str) -> PackageSet:
    if not isinstance(raw, dict) or not {"name", "packages"} <= raw.keys() <= {"name", "hosts", "packages"}:
        raise InputError("a package set has a name, packages and, if you like, hosts", where=where)
    hosts, packages = raw.get("hosts") or [], raw["packages"]
    if not isinstance(raw["name"], str) or not _texts(hosts) or not _texts(packages):
        raise InputError("name is a text, hosts and packages are lists of texts", where=where)
    if not packages:
        raise InputError("a package set without packages is no host", where=f"{where}: {raw['name']}")
    # Imported public keys are in the rpm database, but in no repository.
    nevras = (parse_nevra(line, where=raw["name"]) for line in packages if not line.startswith("gpg-pubkey-"))
    return PackageSet(raw["name"], tuple(hosts), frozenset(nevras))


def _texts(value: t.Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
