# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a feature requires of an item, and how that is judged."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem


class Validator(t.Protocol):
    """Judges an item that is there."""

    def accepts(self, item: Item) -> bool:
        """Whether the item will do; what is not known before the build is taken to be right."""

    def __str__(self) -> str:
        """What the item must be, as in "must be …"."""


@dataclass(frozen=True)
class Exists:
    """Any item will do."""

    def accepts(self, item: Item) -> bool:
        """See Validator."""
        return True

    def __str__(self) -> str:
        return "there"


@dataclass(frozen=True)
class IsType:
    """A path of this type; a mount counts as a directory."""

    type: FileType

    def accepts(self, item: Item) -> bool:
        """See Validator."""
        if not isinstance(item, PathItem):
            return False
        return item.type is self.type or (item.type, self.type) == (FileType.MOUNT, FileType.DIRECTORY)

    def __str__(self) -> str:
        return f"a {self.type.value}"


@dataclass(frozen=True)
class Executable:
    """A path that may be executed."""

    def accepts(self, item: Item) -> bool:
        """See Validator."""
        return isinstance(item, PathItem) and item.executable is not False

    def __str__(self) -> str:
        return "executable"


@dataclass(frozen=True)
class AllOf:
    """Every one of these."""

    validators: tuple[Validator, ...]

    def accepts(self, item: Item) -> bool:
        """See Validator."""
        return all(validator.accepts(item) for validator in self.validators)

    def __str__(self) -> str:
        return " and ".join(map(str, self.validators))


@dataclass(frozen=True)
class AnyOf:
    """One of these at least."""

    validators: tuple[Validator, ...]

    def accepts(self, item: Item) -> bool:
        """See Validator."""
        return any(validator.accepts(item) for validator in self.validators)

    def __str__(self) -> str:
        return " or ".join(map(str, self.validators))


EXISTS = Exists()
IS_DIRECTORY = IsType(FileType.DIRECTORY)
IS_FILE = IsType(FileType.FILE)


@dataclass(frozen=True)
class Requirement:
    """An item that must be there and will do.

    `ordered`: it must be there before the feature is applied. A requirement of logic alone (the home
    directory of a user, who owns it) is not, so that it cannot make a cycle.
    """

    key: Key
    validator: Validator = EXISTS
    ordered: bool = True
