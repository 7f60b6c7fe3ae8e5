# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The graph of an image as a picture: images, layers, features with what they provide, who requires whom.

The text is in Graphviz' language, and the same plan gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature, Phase
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_plan import ImagePlan
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import (
    FileType,
    Item,
    Key,
    LabelItem,
    PathItem,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.lineage import Arranged
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import IS_DIRECTORY
from ansible_collections.osaas.fleet.plugins.module_utils._image.rpm_plan import RpmPlan
from ansible_collections.osaas.fleet.plugins.module_utils._image.world import World

MOST = 8  # items of one feature, and names on one edge: a tree may have thousands
COLORS = {
    Phase.PACKAGES: "#dbeafe",
    Phase.REMOVALS: "#fee2e2",
    Phase.FILES: "#ecfdf5",
    Phase.COMMANDS: "#fef3c7",
}
MARKS = {FileType.DIRECTORY: "/", FileType.MOUNT: "/ (mount)"}
HEAD = """digraph image {
graph [rankdir=LR, fontname="DejaVu Sans,Helvetica,Arial,sans-serif", fontsize=11, nodesep=0.15, ranksep=0.6,
 labeljust=l, labelloc=t, pad=0.3, style=rounded, color="#9ca3af"]
node [shape=plain, fontname="DejaVu Sans,Helvetica,Arial,sans-serif", fontsize=10]
edge [dir=back, color="#6b7280", fontname="DejaVu Sans,Helvetica,Arial,sans-serif", fontsize=8,
 fontcolor="#4b5563", arrowsize=0.7]
"""


@dataclass(frozen=True)
class _Image:
    """One image of the lineage. `world` knows all that is in it, and who brought it."""

    arranged: Arranged
    plan: RpmPlan
    world: World

    @property
    def name(self) -> str:
        return self.arranged.definition.name

    @property
    def features(self) -> Sequence[Feature]:
        return self.arranged.ordered.features


def picture(plan: ImagePlan) -> str:
    """The text of the picture."""
    images = [
        _Image(one, plan.packages[one.definition.name], World(one.ordered.items)) for one in plan.images
    ]
    title = f"{images[-1].name}, of snapshot {plan.snapshot.id}. An arrow leads to what a feature requires."
    lines = [HEAD, f"label={_quoted(title)}\n"]
    for image in images:
        lines += _cluster(image)
    for number, image in enumerate(images):
        lines += _edges(images[: number + 1], image)
    return "".join([*lines, "}\n"])


def draw(runner: Runner, text: str) -> str:
    """The picture as SVG, by dot(1). Raises CommandError."""
    return runner.run(["dot", "-Tsvg"], stdin=text).stdout


def _cluster(image: _Image) -> Iterator[str]:
    yield f"subgraph {_quoted(f'cluster {image.name}')} {{\nlabel=<<b>{escape(image.name)}</b>>\n"
    for phase in Phase:
        features = [feature for feature in image.features if feature.phase is phase]
        packages = phase is Phase.PACKAGES and (image.plan.install or image.plan.remove)
        if not features and not packages:
            continue
        yield f"subgraph {_quoted(f'cluster {image.name} {phase.name}')} {{\n"
        yield f'label="{phase.name.lower()}" bgcolor="{COLORS[phase]}" penwidth=0\n'
        for feature in features:
            yield f"{_node(image, str(feature))} [label=<{_box(feature)}>]\n"
        if packages:
            yield f"{_node(image, 'packages')} [label=<{_sum(image.plan)}>]\n"
        yield "}\n"
    yield "}\n"
    yield from _in_turn(image)


def _in_turn(image: _Image) -> Iterator[str]:
    """Commands come last, and are drawn so."""
    files = [feature for feature in image.features if feature.phase < Phase.COMMANDS]
    for feature in image.features:
        if feature.phase is Phase.COMMANDS and files:
            yield f"{_node(image, str(files[-1]))} -> {_node(image, str(feature))} [style=invis]\n"


def _edges(lineage: Sequence[_Image], image: _Image) -> Iterator[str]:
    """From who provides to who requires, so that parents are on the left; `dir=back` turns it round."""
    for feature in image.features:
        own = _node(image, str(feature))
        if feature.phase is Phase.PACKAGES:
            yield f"{own} -> {_node(image, 'packages')} [dir=none]\n"
        names: dict[str, set[str]] = {}
        for requirement in feature.requires():
            provider = _provider(lineage, requirement.key)
            by_package = provider.endswith('packages"')
            if provider not in ("", own) and not (by_package and requirement.validator == IS_DIRECTORY):
                names.setdefault(provider, set()).add(str(requirement.key))
        for provider in sorted(names):
            yield f"{provider} -> {own} [label={_quoted(_short(sorted(names[provider])))}]\n"


def _provider(lineage: Sequence[_Image], key: Key) -> str:
    """The node of who brought an item into the last of these images; "" if every image has it."""
    for image in reversed(lineage):
        found = image.world.find(key)
        if found is None and key.kind == "path":
            continue  # this image took it away
        if found is None:
            return _node(image, "packages")  # users of packages are known when these are in
        provider = str(found[1])
        if provider.startswith("the package "):
            return _node(image, "packages")
        if not provider.startswith("the parent "):
            known = provider in map(str, image.features)
            return _node(image, provider) if known else ""
    return ""


def _box(feature: Feature) -> str:
    told = [_told(item) for item in feature.provides()]
    told += [f"without {key}" for key in feature.removes()]
    asked = feature.packages()
    told += [
        *asked.install,
        *asked.upgrade,
        *(f"without {one}" for one in (*asked.remove, *asked.remove_if_present)),
    ]
    rows = [f'<tr><td align="left">{escape(line)}</td></tr>' for line in _few(told)]
    head = (
        f'<tr><td align="left"><b>{escape(feature.kind)}</b>'
        f' <font color="#6b7280" point-size="8">{escape(str(feature.place))}</font></td></tr>'
    )
    return _table([head, *rows])


def _sum(plan: RpmPlan) -> str:
    size = sum(package.installed for package in plan.install) / (1 << 20)
    gone = f", {len(plan.remove)} taken away" if plan.remove else ""
    return _table([f"<tr><td><b>{len(plan.install)} packages</b>, {size:.0f} MiB{gone}</td></tr>"])


def _table(rows: Sequence[str]) -> str:
    style = 'border="1" cellborder="0" cellspacing="0" cellpadding="4" bgcolor="white"'
    return f"<table {style}>{''.join(rows)}</table>"


def _told(item: Item) -> str:
    if isinstance(item, LabelItem):
        return f"{item.name}: {item.value}"
    if not isinstance(item, PathItem):
        return str(item.key)
    return f"{item.path} → {item.target}" if item.target else f"{item.path}{MARKS.get(item.type, '')}"


def _few(lines: Sequence[str]) -> Sequence[str]:
    return lines if len(lines) <= MOST else [*lines[: MOST - 1], f"and {len(lines) - MOST + 1} more"]


def _short(names: Sequence[str]) -> str:
    return "\\n".join(names if len(names) <= 3 else [*names[:2], f"and {len(names) - 2} more"])


def _node(image: _Image, name: str) -> str:
    return _quoted(f"{image.name} {name}")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', r"\"") + '"'
