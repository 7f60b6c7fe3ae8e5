# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Holds: the operator's word on source packages that new snapshots keep at a build, or keep out."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from fnmatch import fnmatchcase

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra, compare_versions

SELECTORS = ("source", "glob", "advisory")
EVERYTHING = "*"
VERSION = re.compile(r"(?:(\d+):)?([^-:*\s]+)(?:-([^-:*\s]+))?")


@dataclass(frozen=True)
class Version:
    """[epoch:]version[-release] of a source package; what is not said (None) is not compared."""

    epoch: int | None
    version: str
    release: str | None

    def compare(self, build: Nevra) -> int:
        """-1, 0 or 1: whether `build` is older, the same or newer."""
        if self.epoch is not None and self.epoch != build.epoch:
            return 1 if build.epoch > self.epoch else -1
        order = compare_versions(build.version, self.version)
        return order or (0 if self.release is None else compare_versions(build.release, self.release))


def parse_version(text: str, *, where: str) -> Version:
    """Raises InputError."""
    found = VERSION.fullmatch(text)
    if found is None:
        raise InputError(
            f"{text!r} is not a version", where=where, way_out="Give it as [epoch:]version[-release]"
        )
    epoch, version, release = found.groups()
    return Version(None if epoch is None else int(epoch), version, release)


@dataclass(frozen=True)
class Hold:
    """One hold. Exactly one of `source`, `glob` and `advisory` says what is held; "" is not given.

    With a `version` only its builds stay, with `block` no newer ones do (EVERYTHING: none at all), of an
    `advisory` the builds that it names and newer ones go. Otherwise everything stays as in the snapshot
    before. `until` is an aware datetime.
    """

    until: datetime
    reason: str
    source: str = ""
    glob: str = ""
    advisory: str = ""
    version: str = ""
    block: str = ""
    owner: str = ""

    def __post_init__(self) -> None:
        if sum(bool(getattr(self, selector)) for selector in SELECTORS) != 1:
            raise InputError("give one of source, glob and advisory", where="holds")
        if not self.reason.strip():
            raise InputError("it needs a reason", where=str(self))
        if bool(self.version) + bool(self.block) + bool(self.advisory) > 1:
            raise InputError(
                "give one of version and block; an advisory says by itself what goes", where=str(self)
            )
        for version in (self.version, "" if self.block == EVERYTHING else self.block):
            if version:
                parse_version(version, where=str(self))

    def __str__(self) -> str:
        """For example: hold of source openssl."""
        [(kind, what)] = [(name, getattr(self, name)) for name in SELECTORS if getattr(self, name)]
        return f"hold of {kind} {what}"

    @property
    def keeps(self) -> bool:
        """Whether it is about the packages as the snapshot before has them."""
        return not (self.version or self.block or self.advisory)

    def fits(self, source: str, binaries: Collection[str], advised: Collection[str]) -> bool:
        """Whether it holds the packages of `source`, if its advisory names those of `advised`."""
        if self.source:
            return source == self.source
        if self.glob:
            return any(fnmatchcase(name, self.glob) for name in (source, *binaries))
        return any(name in advised for name in binaries)

    def lets_in(self, build: Nevra) -> bool:
        """Whether this build of a source package may stay, by `version` or `block`."""
        if self.version:
            return parse_version(self.version, where=str(self)).compare(build) == 0
        if self.block == EVERYTHING:
            return False
        return parse_version(self.block, where=str(self)).compare(build) <= 0

    def to_dict(self) -> dict[str, t.Any]:
        """As it stands in a manifest: what was given."""
        given = {name: value for name, value in asdict(self).items() if value}
        return {**given, "until": self.until.isoformat()}

    @classmethod
    def from_dict(cls, raw: Mapping[str, t.Any]) -> Hold:
        """The inverse of to_dict(). Raises InputError for an `until` that is no moment."""
        given = {name: value for name, value in raw.items() if value is not None}
        return cls(**{**given, "until": parse_moment(given["until"], where="holds: until")})


@dataclass(frozen=True)
class Effect:
    """What a hold did: `sources` are those that it concerns, `carried` and `left_out` are NEVRAs."""

    hold: Hold
    sources: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """What became of the hold: it changed something, has nothing to change yet, or fits nothing."""
        if self.carried or self.left_out:
            return "applied"
        return "idle" if self.sources else "unmatched"

    def to_dict(self) -> dict[str, t.Any]:
        """As it stands in a manifest."""
        return {
            **self.hold.to_dict(),
            "sources": list(self.sources),
            "carried": list(self.carried),
            "left_out": list(self.left_out),
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, t.Any]) -> Effect:
        """The inverse of to_dict()."""
        lists = {name: tuple(raw[name]) for name in ("sources", "carried", "left_out")}
        return cls(Hold.from_dict({name: raw[name] for name in raw.keys() - lists.keys()}), **lists)


def parse_moment(text: str, *, where: str) -> datetime:
    """An aware datetime out of ISO 8601; UTC unless said otherwise. Raises InputError."""
    try:
        moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text.strip()))
    except ValueError:
        raise InputError(
            f"{text!r} is not a time",
            where=where,
            way_out="Give it in ISO 8601, such as 2026-12-31 or 2026-12-31T18:00:00Z",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
