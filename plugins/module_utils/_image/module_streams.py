# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Module streams of an image: which its features ask for, and which packages it cannot have therefore."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._repo.pool import PackagePool
from ansible_collections.osaas.fleet.plugins.module_utils._repo.streams import Streams


def hidden_packages(
    runner: Runner, pool: PackagePool, snapshot: str, features: Sequence[Feature]
) -> tuple[int, ...]:
    """Numbers of offered packages that are no choice; `features` are those of the image and of its parents.

    Raises AllErrors for streams that there are not, and for two of one module.
    """
    streams = Streams(runner, pool)
    if errors := list(_faults(snapshot, streams.known, features)):
        raise AllErrors(errors)
    enabled = [stream for feature in features for stream in feature.packages().modules]
    return streams.hidden((), enabled)


def _faults(snapshot: str, known: Sequence[str], features: Sequence[Feature]) -> Iterator[FleetError]:
    first: dict[str, tuple[str, Feature]] = {}
    for feature in features:
        for wanted in feature.packages().modules:
            module = wanted.partition(":")[0]
            if wanted not in known:
                what = f"the snapshot {snapshot} has no module stream {wanted}"
                way_out = f"It has {', '.join(known)}" if known else "It has none"
                yield InputError(what, where=str(feature.place), way_out=way_out)
            other, by = first.setdefault(module, (wanted, feature))
            if other != wanted:
                what = f"an image has one stream of a module: {wanted}, but also {other} of {by}"
                yield InputError(what, where=str(feature.place), way_out="Ask for one of them")
