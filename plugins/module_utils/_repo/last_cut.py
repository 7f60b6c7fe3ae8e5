# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What the last cut with holds came to, and of what: the same need not be derived and solved again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text, read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold import Effect, Hold
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest, Part
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import is_whole


@dataclass(frozen=True)
class Ingredients:
    """All that a cut with holds depends on, but for the snapshots that there are. `signers`: fingerprints."""

    mirrors: Mapping[str, Part]
    holds: Sequence[Hold]
    signers: frozenset[str]

    @classmethod
    def of(
        cls, runner: Runner, mirrors: Mapping[str, Part], holds: Sequence[Hold], key: SigningKey | None
    ) -> Ingredients:
        """Those of a cut that `key` signs."""
        return cls(mirrors, holds, key.fingerprints(runner) if key else frozenset())

    def digest(self, past: Iterable[Manifest]) -> str:
        """One word for them all; `past` are all snapshots, which held packages are carried out of."""
        mirrors = {name: part.to_dict() for name, part in self.mirrors.items()}
        holds = [hold.to_dict() for hold in self.holds]
        return sha256(
            json_text([mirrors, holds, sorted(self.signers), [one.digest for one in past]]).encode()
        )


@dataclass(frozen=True)
class LastCut:
    """The snapshot that was cut, or was there already, and what each hold did."""

    snapshot: Manifest
    effects: tuple[Effect, ...]


def recall(store: Store, ingredients: Ingredients, past: Sequence[Manifest]) -> LastCut | None:
    """The last cut, if it was of the same and its snapshot is among the `past`, with all that holds made."""
    try:
        raw = read_json(store.last_cut)
        if raw is None or raw["ingredients"] != ingredients.digest(past):
            return None
        [manifest] = (one for one in past if one.id == raw["snapshot"])
        if not all(is_whole(store, name, part.tree) for name, part in manifest.repositories.items()):
            return None
        return LastCut(manifest, tuple(map(Effect.from_dict, raw["effects"])))
    except (ValueError, TypeError, KeyError):  # it is only a note: without it, all is worked out
        return None


def remember(store: Store, ingredients: Ingredients, past: Iterable[Manifest], last: LastCut) -> None:
    """Note it for recall(); `past` are all snapshots, with the one that was cut."""
    note = {
        "ingredients": ingredients.digest(past),
        "snapshot": last.snapshot.id,
        "effects": [effect.to_dict() for effect in last.effects],
    }
    write_json(store.last_cut, note)
