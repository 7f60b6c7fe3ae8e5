# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The order in which features are applied; or all the reasons why they cannot be.

Every feature says what it provides and requires. What is missing, of the wrong type, provided twice or in a
circle is told before anything is built, each time with the features concerned and a way out.
"""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature, Phase
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import IS_DIRECTORY, Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.world import Known, Provider, World, below


@dataclass(frozen=True)
class Ordered:
    """Features in the order in which they are applied: by phase, and after what they require.

    `items` is all that is in the image then. `deferred` are users and groups that no feature provides, but
    packages may: they are looked up once the packages are in.
    """

    features: tuple[Feature, ...]
    items: tuple[Known, ...]
    deferred: tuple[tuple[Feature, Key], ...]


def arrange(features: Sequence[Feature], known: Iterable[Known] = ()) -> Ordered:
    """Check `features` on top of what is `known`, and bring them into order.

    Raises AllErrors with every fault.
    """
    graph = _Graph(known)
    graph.provide(features)
    graph.require()
    if graph.errors:
        raise AllErrors(sorted(graph.errors, key=str))
    return graph.ordered()


class _Graph:
    """One run of arrange()."""

    def __init__(self, known: Iterable[Known]) -> None:
        self.errors: list[FleetError] = []
        self._world = World(known)
        self._features: list[Feature] = []
        self._before: dict[Feature, list[Feature]] = {}
        self._deferred: list[tuple[Feature, Key]] = []
        self._packages = False

    def provide(self, features: Sequence[Feature]) -> None:
        """Put all that features provide into the world, and find what cannot stand together."""
        for feature in features:
            if not any(feature.same_as(other) for other in self._features):
                self._features.append(feature)
        self._features.sort(key=lambda feature: feature.phase)
        self._packages = any(feature.phase is Phase.PACKAGES for feature in self._features)
        removed: list[tuple[str, Feature]] = []
        for feature in self._features:
            self._before[feature] = []
            if feature.phase is Phase.REMOVALS:
                self._require(feature)
        for feature in self._features:
            for key in feature.removes():
                removed.append((self._world.canonical(key).name, feature))
                self._world.remove(key)
        # A link first: where other features put things may lead through it.
        pairs = [(item, feature) for feature in self._features for item in feature.provides()]
        replaced = {feature: frozenset(feature.replaces()) for feature in self._features}
        overridden = {feature: frozenset(feature.overrides()) for feature in self._features}
        for item, feature in sorted(pairs, key=lambda pair: not _is_link(pair[0])):
            self._add(item, feature, item.key in replaced[feature], item.key in overridden[feature])
        self._check_removed(pairs, removed)
        self._check_mounts(pairs)

    def require(self) -> None:
        """Find what features lack."""
        for feature in self._features:
            if feature.phase is not Phase.REMOVALS:
                self._require(feature)

    def ordered(self) -> Ordered:
        """The features in order. Raises AllErrors for a circle."""
        index = {feature: number for number, feature in enumerate(self._features)}
        sorter = TopologicalSorter(self._before)
        try:
            sorter.prepare()
        except CycleError as error:
            raise AllErrors([_circle(error.args[1])]) from error
        order: list[Feature] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready(), key=index.__getitem__)
            order += ready
            sorter.done(*ready)
        order.sort(key=lambda feature: feature.phase)
        return Ordered(tuple(order), self._world.items(), tuple(self._deferred))

    def _add(self, item: Item, feature: Feature, replaced: bool, overridden: bool) -> None:
        found = self._world.find(item.key, follow=False)
        if found is None:
            if replaced:
                self._fault(feature, f"there is no {item.key} to replace", "Leave out replace")
        else:
            other, provider = found
            same = isinstance(item, PathItem) and isinstance(other, PathItem) and item.agrees(other)
            if not same and not ((replaced or overridden) and isinstance(provider, str)):
                self._conflict(item, feature, other, provider)
        self._world.add(item, feature)

    def _conflict(self, item: Item, feature: Feature, other: Item, provider: Provider) -> None:
        if isinstance(provider, str):
            way_out = "Set replace if it shall take its place" if item.key.kind == "path" else "Leave it out"
        else:
            way_out = "Keep one of them, or make both say the same"
        what = f"{item.key} is provided by {feature} as {_told(item)} and by {provider} as {_told(other)}"
        self._fault(feature, what, way_out)

    def _check_removed(
        self, pairs: Iterable[tuple[Item, Feature]], removed: Iterable[tuple[str, Feature]]
    ) -> None:
        for path, remover in removed:
            for item, feature in pairs:
                name = self._world.canonical(item.key).name
                if item.key.kind == "path" and (name == path or below(name, path)):
                    what = f"{item.key} is provided by {feature}, and {path} is removed by {remover}"
                    self._fault(feature, what, "Keep one of them; a file of a package is replaced by replace")

    def _check_mounts(self, pairs: Iterable[tuple[Item, Feature]]) -> None:
        mounts = [(item.key.name, feature) for item, feature in pairs if _is_mount(item)]
        for path, mounter in mounts:
            for item, feature in pairs:
                if item.key.kind == "path" and below(self._world.canonical(item.key).name, path):
                    what = f"{item.key} of {feature} would be hidden by the mount on {path} of {mounter}"
                    self._fault(feature, what, "Put it elsewhere, or leave out the mount")

    def _require(self, feature: Feature) -> None:
        for requirement in feature.requires():
            found = self._world.find(requirement.key)
            if found is None:
                self._missing(feature, requirement)
            elif not requirement.validator.accepts(found[0]):
                item, provider = found
                by = f"; {provider} provides {_told(item)}"
                self._fault(
                    feature, f"{requirement.key} must be {requirement.validator}{by}", "Change one of them"
                )
            elif isinstance(found[1], Feature) and requirement.ordered and found[1] is not feature:
                self._after(feature, found[1], requirement)

    def _after(self, feature: Feature, provider: Feature, requirement: Requirement) -> None:
        if provider.phase > feature.phase:
            what = (
                f"{feature.kind} is applied among the {feature.phase.name.lower()},"
                f" but {requirement.key} comes from {provider} in the later {provider.phase.name.lower()}"
            )
            self._fault(feature, what, "Put the later one into the parent image")
        else:
            self._before[feature].append(provider)

    def _missing(self, feature: Feature, requirement: Requirement) -> None:
        key = requirement.key
        if key.kind != "path":
            if self._packages:
                self._deferred.append((feature, key))
                return
            self._fault(feature, f"there is no {key}", f"Add a {key.kind} feature for it")
        elif requirement.validator == IS_DIRECTORY:
            self._fault(feature, f"there is no directory {key}", "Add a directory feature for it")
        else:
            self._fault(feature, f"there is no {key}", self._near(key.name))

    def _near(self, path: str) -> str:
        """A path that may have been meant."""
        paths = self._world.paths()
        same = [one for one in paths if posixpath.basename(one) == posixpath.basename(path)]
        near = same or difflib.get_close_matches(path, paths, n=1, cutoff=0.8)
        return f"Was {sorted(near)[0]} meant?" if near else "Add a feature or a package that provides it"

    def _fault(self, feature: Feature, what: str, way_out: str) -> None:
        self.errors.append(InputError(what, where=str(feature.place), way_out=way_out))


def _circle(features: Sequence[Feature]) -> InputError:
    """The same circle is always told from the same feature on."""
    members = list(features[:-1])
    first = members.index(min(members, key=lambda feature: feature.place))
    turned = [*members[first:], *members[:first], members[first]]
    what = " comes before ".join(map(str, turned))
    return InputError(
        f"features wait for one another: {what}", where=str(turned[0].place), way_out="Break it up"
    )


def _is_link(item: Item) -> bool:
    return isinstance(item, PathItem) and item.type is FileType.SYMLINK


def _is_mount(item: Item) -> bool:
    return isinstance(item, PathItem) and item.type is FileType.MOUNT


def _told(item: Item) -> str:
    if not isinstance(item, PathItem):
        return f"a {item.key.kind}"
    known = [
        f"{item.mode:04o}" if item.mode is not None else "",
        ":".join(filter(None, (item.owner, item.group))),
    ]
    return " ".join(["a", item.type.value, *filter(None, known)])
