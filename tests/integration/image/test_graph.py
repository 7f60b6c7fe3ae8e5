# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of an image: what is in it, who requires whom, and that it is drawn once."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from integration.image.conftest import Workshop

WEB = """parent: base
ids: {users: {web: 900}, groups: {web: 900}}
features:
  - group: {name: web}
  - user: {name: web, group: web, home: /srv/www, shell: /usr/bin/bash}
  - directory: {path: /srv/www, owner: web, group: web}
  - file: {path: /srv/www/a"b.html, content: "<&>", owner: web}
  - remove: {path: /usr/bin/yes}
  - command: {argv: [/usr/bin/touch, /srv/www/stamp], outputs: [/srv/www/stamp]}
  - tree: {path: /srv/www/many, source: many}
"""
PACKAGES = "base packages"
GROUP, USER, DIRECTORY = "web group (web.yml:5)", "web user (web.yml:6)", "web directory (web.yml:7)"
FILE, TREE = "web file (web.yml:8)", "web tree (web.yml:11)"
SVG = "{http://www.w3.org/2000/svg}"


def drawn(path: Path, kind: str) -> dict[str, list[str]]:
    """What is drawn of this kind, each with the texts in it."""
    groups = ElementTree.parse(path).iter(f"{SVG}g")
    found = [group for group in groups if group.get("class") == kind]
    texts = [[text.text or "" for text in group.iter(f"{SVG}text")] for group in found]
    return dict(zip([group.findtext(f"{SVG}title") or "" for group in found], texts, strict=True))


def test_what_is_drawn(shop: Workshop, tmp_path: Path) -> None:
    shop.define("web", WEB)
    many = shop.definitions / "many"
    many.mkdir()
    for number in range(20):
        (many / f"{number}.txt").touch()
    graph = tmp_path / "web.svg"

    assert shop.plan("web", graph=str(graph), check=True).changed
    assert not graph.exists()
    planned = shop.plan("web", graph=str(graph))
    assert planned.changed, planned.msg
    assert not shop.plan("web", graph=str(graph)).changed

    nodes, edges = drawn(graph, "node"), drawn(graph, "edge")
    assert nodes[PACKAGES][0] == "36 packages"
    assert nodes[FILE][-1:] == ['/srv/www/a"b.html']
    assert nodes[TREE][-1] == "and 14 more"
    assert {
        f"{GROUP}->{USER}": ["group web"],
        f"{DIRECTORY}->{USER}": ["/srv/www"],
        f"{USER}->{DIRECTORY}": ["user web"],
        f"{DIRECTORY}->{FILE}": ["/srv/www"],
        f"{PACKAGES}->{USER}": ["/usr/bin/bash"],
        f"{PACKAGES}->web remove (web.yml:9)": ["/usr/bin/yes"],
        f"{PACKAGES}->web command (web.yml:10)": ["/usr/bin/touch"],
        f"base rpms (base.yml:4)->{PACKAGES}": [],
    }.items() <= edges.items(), edges
    assert set(drawn(graph, "cluster")) >= {
        "cluster base PACKAGES",
        "cluster web FILES",
        "cluster web COMMANDS",
    }
