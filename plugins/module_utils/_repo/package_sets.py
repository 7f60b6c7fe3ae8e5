# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Package sets: what the hosts of a kind have installed, as preflight and diff are given it."""

from __future__ import annotations

import json
import re
import typing as t
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra, parse_nevra

NEEDED = frozenset(("name", "packages"))
OPTIONAL = frozenset(("hosts", "streams"))
STREAM = re.compile(r"[^-:][^:]*:.+|-[^-:][^:]*")


@dataclass(frozen=True)
class PackageSet:
    """One distinct set of installed packages, and the hosts that have exactly it.

    `streams` are the module streams (name:stream) that they enabled, and modules (-name) that they disabled;
    None: tell by the packages.
    """

    name: str
    hosts: tuple[str, ...]
    packages: frozenset[Nevra]
    streams: tuple[str, ...] | None = None

    @property
    def arch(self) -> str | None:
        """The architecture that most of its packages are for; None if all are noarch."""
        counts = Counter(package.arch for package in self.packages if package.arch != "noarch")
        return counts.most_common(1)[0][0] if counts else None

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
    if not isinstance(raw, dict) or not NEEDED <= raw.keys() <= NEEDED | OPTIONAL:
        raise InputError(
            "a package set has a name, packages and, if you like, hosts and streams", where=where
        )
    hosts, packages, streams = raw.get("hosts") or [], raw["packages"], raw.get("streams")
    if not isinstance(raw["name"], str) or not all(map(_texts, (hosts, packages, streams or []))):
        raise InputError("name is a text; hosts, packages and streams are lists of texts", where=where)
    for stream in streams or []:
        if not STREAM.fullmatch(stream):
            way_out = "Give it as name:stream, or a disabled module as -name"
            raise InputError(f"{stream!r} is no module stream", where=where, way_out=way_out)
    if not packages:
        raise InputError("a package set without packages is no host", where=f"{where}: {raw['name']}")
    # Imported public keys are in the rpm database, but in no repository.
    nevras = (parse_nevra(line, where=raw["name"]) for line in packages if not line.startswith("gpg-pubkey-"))
    enabled = None if streams is None else tuple(streams)
    return PackageSet(raw["name"], tuple(hosts), frozenset(nevras), enabled)


def _texts(value: t.Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
