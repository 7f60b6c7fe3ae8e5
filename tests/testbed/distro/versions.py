# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian versions and dependencies in RPM's words (pure)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from .cache import DistroError

_OPERATORS = {"<<": "<", "<=": "<=", "=": "=", ">=": ">=", ">>": ">"}
_RELATION = re.compile(r"([a-z0-9][a-z0-9+.\-]*)(?::\w+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^)\s]+)\s*\))?$")


@dataclass(frozen=True)
class Evr:
    """Epoch, version and release of an RPM."""

    epoch: str
    version: str
    release: str

    def __str__(self) -> str:
        epoch = "" if self.epoch == "0" else f"{self.epoch}:"
        return f"{epoch}{self.version}-{self.release}"

    def bumped(self, suffix: str) -> Evr:
        """The same version, built anew: its release grows by `.suffix` and so is newer."""
        return replace(self, release=f"{self.release}.{suffix}") if suffix else self


@dataclass(frozen=True)
class Relation:
    """One alternative of a Debian dependency; RPM operator and Debian version are empty if any will do."""

    name: str
    operator: str = ""
    version: str = ""


Clause = tuple[Relation, ...]


def evr(debian: str) -> Evr:
    """`[epoch:]upstream[-revision]` as an EVR.

    Dashes are no part of an RPM version and become dots; a native package has release 0;
    `~` sorts the same way in both worlds.
    """
    epoch, _, rest = debian.rpartition(":")
    upstream, _, revision = rest.rpartition("-")
    if not upstream:
        upstream, revision = rest, "0"
    return Evr(epoch or "0", upstream.replace("-", "."), revision.replace("-", "."))


def clauses(field: str) -> list[Clause]:
    """The clauses of a dependency field (`a (>= 1) | b, c`). Raises DistroError for what it cannot read."""
    return [
        tuple(_relation(alternative.strip()) for alternative in clause.split("|"))
        for clause in field.replace("\n", " ").split(",")
        if clause.strip()
    ]


def _relation(text: str) -> Relation:
    match = _RELATION.match(text)
    if match is None:
        raise DistroError(f"dependency {text!r} is not in the form `name [(operator version)]`")
    return Relation(match[1], _OPERATORS.get(match[2] or "", ""), match[3] or "")


def requirement(
    clause: Clause, dropped: Collection[str], known: Collection[str], built: Mapping[str, tuple[str, Evr]]
) -> str:
    """One clause as the value of a `Requires:` tag; empty if the distribution does without it.

    For the names see convert.World. A clause that names something dropped goes as a whole: its other
    alternatives often are fillers that nothing satisfies. `=` on a package's own version follows its build in
    this release. Raises DistroError if nothing can satisfy the clause.
    """
    if any(relation.name in dropped for relation in clause):
        return ""
    words = [_requires(relation, built) for relation in clause if relation.name in known]
    if not words:
        raise DistroError(f"nothing provides {' | '.join(relation.name for relation in clause)}")
    return words[0] if len(words) == 1 else f"({' or '.join(words)})"


def _requires(relation: Relation, built: Mapping[str, tuple[str, Evr]]) -> str:
    if not relation.operator:
        return relation.name
    debian, here = built.get(relation.name, ("", evr("0")))
    if relation.operator == "=" and relation.version == debian:
        return f"{relation.name} = {here}"
    wanted, operator = evr(relation.version), relation.operator
    if "-" not in relation.version:
        # (>> 2.36) holds for 2.36-9; RPM compares `> 2.36` without the release, so 2.36-9 would not do
        operator = ">=" if operator == ">" else operator
        return f"{relation.name} {operator} {str(wanted).rpartition('-')[0]}"
    return f"{relation.name} {operator} {wanted}"


def provision(clause: Clause) -> str:
    """One clause of Debian's `Provides` as the value of a `Provides:` tag."""
    relation = clause[0]
    return f"{relation.name} = {evr(relation.version)}" if relation.version else relation.name
