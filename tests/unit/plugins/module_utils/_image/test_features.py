# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What features provide and require, of kinds that do more than stand in for one path."""

from __future__ import annotations

import io
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors
from ansible_collections.osaas.fleet.plugins.module_utils._image.capabilities import encode
from ansible_collections.osaas.fleet.plugins.module_utils._image.context import Context
from ansible_collections.osaas.fleet.plugins.module_utils._image.definition import read_definition
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import (
    FileType,
    LabelItem,
    PathItem,
    UserItem,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.units import path_unit, unit_file


class Author:
    """Writes definitions of one feature, and the files beside them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, content: bytes = b"x", mode: int = 0o644) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)

    def feature(self, text: str) -> Feature:
        text = f"image: web\nsnapshot: 20261122T174400Z\nfeatures:\n  - {text}\n"
        (self.directory / "web.yml").write_text(text)
        (feature,) = read_definition(self.directory / "web.yml").features
        return feature

    def refused(self, text: str) -> str:
        with pytest.raises(AllErrors) as refused:
            self.feature(text)
        return str(refused.value)


@pytest.fixture
def author(tmp_path: Path) -> Author:
    return Author(tmp_path)


def paths(feature: Feature) -> dict[str, tuple[FileType, int | None]]:
    items = [item for item in feature.provides() if isinstance(item, PathItem)]
    return {item.path: (item.type, item.mode) for item in items}


def archive(*members: tuple[str, bytes, int]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as stream:
        for name, kind, mode in members:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.linkname = kind, mode, "elsewhere"
            stream.addfile(member)
    return packed.getvalue()


def tarball(author: Author, packed: bytes, more: str = "") -> str:
    author.write("tool.tar", packed)
    return f"tarball: {{path: /opt, source: tool.tar, sha256: {sha256(packed).hexdigest()}{more}}}"


def test_a_tree_provides_all_its_paths_with_modes_of_its_own(author: Author) -> None:
    author.write("site/a/page", mode=0o600)
    author.write("site/run", mode=0o700)

    tree = author.feature("tree: {path: /srv, source: site}")

    assert paths(tree) == {
        "/srv": (FileType.DIRECTORY, None),
        "/srv/a": (FileType.DIRECTORY, None),
        "/srv/a/page": (FileType.FILE, 0o644),
        "/srv/run": (FileType.FILE, 0o755),
    }
    assert sorted(tree.inputs()) == ["site/a/page", "site/run"]


def test_a_tarball_provides_what_is_in_it(author: Author) -> None:
    packed = archive(
        ("tool", tarfile.DIRTYPE, 0o755),
        ("tool/run", tarfile.REGTYPE, 0o4755),
        ("tool/link", tarfile.SYMTYPE, 0o777),
    )

    assert paths(author.feature(tarball(author, packed, ", strip: 1"))) == {
        "/opt": (FileType.DIRECTORY, None),
        "/opt/run": (FileType.FILE, 0o755),
        "/opt/link": (FileType.SYMLINK, None),
    }


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("../out", tarfile.REGTYPE, "'../out' in it, which leads out. Pack it anew, with plain names"),
        ("/out", tarfile.REGTYPE, "'/out' in it, which leads out. Pack it anew, with plain names"),
        (
            "null",
            tarfile.CHRTYPE,
            "'null' in it, which is no file, directory or symbolic link. Pack it anew, without that",
        ),
        (
            "again",
            tarfile.LNKTYPE,
            "'again' in it, which is no file, directory or symbolic link. Pack it anew, without that",
        ),
    ],
)
def test_a_tarball_with_what_is_dangerous_is_refused(
    author: Author, name: str, kind: bytes, told: str
) -> None:
    text = tarball(author, archive((name, kind, 0o644)))

    assert author.refused(text) == f"web.yml:4: tool.tar has {told}"


def test_a_clone_provides_what_the_other_image_has(author: Author) -> None:
    items = (
        PathItem("/usr", FileType.DIRECTORY),
        PathItem("/lib", FileType.SYMLINK, target="usr/lib"),
        PathItem("/usr/lib", FileType.DIRECTORY, 0o755, "root", "root"),
        PathItem("/usr/lib/a", FileType.DIRECTORY, 0o755, "root", "root"),
        PathItem("/usr/lib/a/file", FileType.FILE, 0o644, "web", "web"),
        PathItem("/usr/lib/ab", FileType.FILE, 0o644, "root", "root"),
        UserItem("web"),
    )
    feature = author.feature("clone: {image: tools, source: /lib/a, path: /opt/a}")

    clone = feature.within(Context(images={"tools": items}))

    assert paths(clone) == {
        "/opt/a": (FileType.DIRECTORY, 0o755),
        "/opt/a/file": (FileType.FILE, 0o644),
    }
    assert {str(one.key) for one in clone.requires()} == {
        "/opt",
        "user root",
        "user web",
        "group root",
        "group web",
    }
    assert clone.told() == feature.told()


def test_a_label_of_a_child_counts(author: Author) -> None:
    label = author.feature("label: {name: title, value: web}")

    assert list(label.provides()) == [LabelItem("title", "web")]
    assert [str(key) for key in label.overrides()] == ["label title"]


def test_a_role_may_change_what_it_says(author: Author) -> None:
    author.write("role/tasks/main.yml", b"[]")
    role = author.feature("ansible_role: {source: role, outputs: [/etc/motd], directories: [/etc/motd.d]}")

    changed = ("/etc/motd", "/etc/motd.d", "/etc/motd.d/more", "/etc/motd.dx", "/etc")
    assert [path for path in changed if role.may_change(path)] == list(changed[:3])


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/data", "data.mount"),
        ("/srv/big-data", "srv-big\\x2ddata.mount"),
        ("/.hidden/.too", "\\x2ehidden-.too.mount"),
        ("/srv/ü", "srv-\\xc3\\xbc.mount"),
    ],
)
def test_a_path_has_the_unit_that_systemd_gives_it(path: str, unit: str) -> None:
    """As `systemd-escape --path --suffix=mount` says."""
    assert path_unit(path, "mount") == unit


def test_an_instance_comes_of_its_template() -> None:
    assert unit_file("getty@tty1.service") == "/usr/lib/systemd/system/getty@.service"
    assert unit_file("nginx.service") == "/usr/lib/systemd/system/nginx.service"


def test_capabilities_are_written_as_setcap_writes_them() -> None:
    assert encode(["cap_net_raw", "cap_net_bind_service"]).hex() == "0100000200240000000000000000000000000000"
    assert encode(["cap_bpf"]).hex() == "0100000200000000000000008000000000000000"
