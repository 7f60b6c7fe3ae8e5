# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.definition import read_lineage
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.lineage import Arranged, arrange_lineage
from ansible_collections.osaas.fleet.plugins.module_utils._image.world import Known

SNAPSHOT = "snapshot: 20261122T174400Z"


def packaged(path: str, kind: FileType = FileType.FILE, target: str | None = None) -> Known:
    return Known(PathItem(path, kind, target=target), "package tools-1-1.noarch")


@pytest.fixture
def arranged(tmp_path: Path) -> ArrangeTexts:
    return ArrangeTexts(tmp_path)


class ArrangeTexts:
    """Writes definitions and arranges the last of them with its parents."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, packages: dict[str, list[Known]] | None = None, **texts: str) -> list[Arranged]:
        for name, text in texts.items():
            (self._directory / f"{name}.yml").write_text(f"image: {name}\n{text}")
        return arrange_lineage(read_lineage(self._directory, list(texts)[-1]), packages)

    def told(self, packages: dict[str, list[Known]] | None = None, **texts: str) -> list[str]:
        with pytest.raises(AllErrors) as refused:
            self(packages, **texts)
        return [str(error) for error in refused.value.errors]


def order(arranged: Arranged) -> list[str]:
    return [str(feature) for feature in arranged.ordered.features]


def test_features_are_applied_after_what_they_require_whatever_their_order(arranged: ArrangeTexts) -> None:
    (image,) = arranged(
        web=f"""{SNAPSHOT}
ids: {{users: {{web: 900}}, groups: {{web: 900}}}}
features:
  - file: {{path: /srv/web/index.html, content: hello, owner: web, group: web}}
  - directory: {{path: /srv/web}}
  - user: {{name: web, group: web, home: /srv/web, shell: /srv/sh}}
  - file: {{path: /srv/sh, content: "#!", mode: "0755"}}
  - directory: {{path: /srv}}
  - group: {{name: web}}
"""
    )

    told = order(image)
    assert sorted(told) == sorted(set(told))
    assert told.index("directory (web.yml:9)") < told.index("directory (web.yml:6)")
    assert told.index("directory (web.yml:6)") < told.index("file (web.yml:5)")
    assert told.index("group (web.yml:10)") < told.index("user (web.yml:7)") < told.index("file (web.yml:5)")


def test_phases_come_before_all_else(arranged: ArrangeTexts) -> None:
    (image,) = arranged(
        {"web": [packaged("/usr", FileType.DIRECTORY), packaged("/usr/tool")]},
        web=f"""{SNAPSHOT}
features:
  - command: {{argv: [/tool], outputs: [/made]}}
  - file: {{path: /tool, content: "#!", mode: "0755"}}
  - remove: {{path: /usr/tool}}
  - rpms: {{install: [tools]}}
""",
    )

    assert order(image) == [
        "rpms (web.yml:7)",
        "remove (web.yml:6)",
        "file (web.yml:5)",
        "command (web.yml:4)",
    ]


def test_a_child_builds_upon_its_parent(arranged: ArrangeTexts) -> None:
    base, web = arranged(
        base=f"{SNAPSHOT}\nids: {{groups: {{web: 900}}}}\nfeatures:\n"
        "  - directory: {path: /srv}\n  - group: {name: web}\n",
        web="parent: base\nfeatures:\n  - directory: {path: /srv/web, group: web}\n",
    )

    assert order(web) == ["directory (web.yml:4)"]
    assert web.ids.groups == {"web": 900}
    assert Key("path", "/srv/web") in {known.item.key for known in web.ordered.items}
    assert Key("path", "/srv/web") not in {known.item.key for known in base.ordered.items}


def test_the_same_feature_twice_is_one(arranged: ArrangeTexts) -> None:
    text = "  - directory: {path: /srv}\n  - file: {path: /motd, content: hello}\n"
    (image,) = arranged(web=f"{SNAPSHOT}\nfeatures:\n{text}{text}")

    assert order(image) == ["directory (web.yml:4)", "file (web.yml:5)"]


def test_a_file_of_a_package_is_no_place_for_another(arranged: ArrangeTexts) -> None:
    files = [packaged("/etc", FileType.DIRECTORY), packaged("/etc/motd")]
    text = f"{SNAPSHOT}\nfeatures:\n  - file: {{path: /etc/motd, content: hello}}\n"

    assert arranged.told({"web": files}, web=text) == [
        "web.yml:4: /etc/motd is provided by file (web.yml:4) as a file 0644 root:root"
        " and by package tools-1-1.noarch as a file. Set replace if it shall take its place"
    ]


def test_a_file_of_a_package_is_replaced_when_it_is_said(arranged: ArrangeTexts) -> None:
    files = [packaged("/etc", FileType.DIRECTORY), packaged("/etc/motd")]
    text = f"{SNAPSHOT}\nfeatures:\n  - file: {{path: /etc/motd, content: hello, replace: true}}\n"

    (image,) = arranged({"web": files}, web=text)

    assert order(image) == ["file (web.yml:4)"]


def test_a_path_is_found_through_links_of_packages(arranged: ArrangeTexts) -> None:
    files = [
        packaged("/usr", FileType.DIRECTORY),
        packaged("/usr/bin", FileType.DIRECTORY),
        packaged("/usr/bin/bash"),
        packaged("/usr/bin/sh", FileType.SYMLINK, "bash"),
        packaged("/bin", FileType.SYMLINK, "usr/bin"),
    ]
    text = "ids: {users: {web: 900}, groups: {web: 900}}\nfeatures:\n  - group: {name: web}\n"
    user = "  - user: {name: web, group: web, shell: /bin/sh}\n"

    (image,) = arranged({"web": files}, web=f"{SNAPSHOT}\n{text}{user}")

    assert order(image) == ["group (web.yml:5)", "user (web.yml:6)"]


def test_users_that_packages_may_make_are_looked_up_later(arranged: ArrangeTexts) -> None:
    (image,) = arranged(
        web=f"{SNAPSHOT}\nfeatures:\n"
        "  - rpms: {install: [nginx]}\n  - directory: {path: /srv, owner: nginx}\n"
    )

    deferred = [(str(feature), str(key)) for feature, key in image.ordered.deferred]
    assert deferred == [("directory (web.yml:5)", "user nginx")]


def test_a_number_stays_what_it_is_in_the_parent(arranged: ArrangeTexts) -> None:
    told = arranged.told(
        base=f"{SNAPSHOT}\nids: {{users: {{web: 900}}}}\n", web="parent: base\nids: {users: {web: 901}}\n"
    )

    assert told == ["web.yml:3: user web has the number 901, in the parent 900. Keep it: files carry it"]


def test_an_image_is_not_its_own_parent(arranged: ArrangeTexts) -> None:
    with pytest.raises(InputError) as refused:
        arranged(base="parent: web\n", web="parent: base\n")

    assert str(refused.value) == "base.yml:1: an image is its own parent: web → base → web"


def test_a_parent_that_is_not_there(arranged: ArrangeTexts) -> None:
    with pytest.raises(InputError) as refused:
        arranged(web="parent: base\n")

    assert str(refused.value) == "base.yml: cannot be read: No such file or directory"


def test_the_definition_of_the_readme_is_one(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[5] / "README.md").read_text()
    text = readme.partition("# /srv/images/web.yml\n")[2].partition("```")[0]
    (tmp_path / "web.yml").write_text(text)
    (tmp_path / "index.html").write_text("hello")

    (image,) = read_lineage(tmp_path, "web")

    assert (image.name, image.channel) == ("web", "stable")
    assert [feature.kind for feature in image.features] == ["rpms", "directory", "file", "user", "group"]
