# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images for installations: mirrored if asked for, and in nobody's way."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.repo.conftest import Upstream
from integration.repo.moody import Drip, Moody, Status, serve_moody
from unit.harness import ModuleResult, run

KERNEL = b"a kernel, more or less" * 1000
LEFT_OUT = "images for installations are left out: "
TEXT = """\
[header]
version = 1.2
[tree]
arch = x86_64
variants = AppStream,BaseOS
[variant-AppStream]
repository = ../../../AppStream/x86_64/os
[images-x86_64]
kernel = images/pxeboot/vmlinuz
[checksums]
repodata/repomd.xml = sha256:{zeros}
images/pxeboot/vmlinuz = sha256:{kernel}
"""


@pytest.fixture
def tree(upstream: Upstream) -> Upstream:
    """An upstream with images."""
    (upstream.path / "images/pxeboot").mkdir(parents=True)
    (upstream.path / "images/pxeboot/vmlinuz").write_bytes(KERNEL)
    digest = hashlib.sha256(KERNEL).hexdigest()
    (upstream.path / ".treeinfo").write_text(TEXT.format(zeros="0" * 64, kernel=digest))
    return upstream


@pytest.fixture
def moody(tree: Upstream) -> Iterator[Moody]:
    with serve_moody(tree.path.parent) as server:
        yield server


def sync(upstream: Upstream, **repository: Any) -> ModuleResult:
    """Unlike Upstream.sync(), it may warn."""
    described = {
        "name": "os",
        "baseurl": [upstream.url],
        "gpgkey": [str(upstream.built.key)],
        "treeinfo": True,
    }
    options = {"store": str(upstream.store), "repositories": [{**described, **repository}], "retries": 0}
    result = run("repo_sync", options, check=False, diff=False, tmp=upstream.tmp)
    assert not result.failed, result.msg
    return result


def has_images(result: ModuleResult) -> bool:
    assert result.data["repositories"][0]["packages"] == 4
    return bool(result.data["repositories"][0]["treeinfo"])


def mirror(upstream: Upstream) -> Path:
    return upstream.store / "mirrors" / "os"


@pytest.mark.parametrize("name", [".treeinfo", "treeinfo"])
def test_they_are_mirrored_if_asked_for(tree: Upstream, name: str) -> None:
    (tree.path / ".treeinfo").rename(tree.path / name)
    assert not has_images(sync(tree, treeinfo=False))
    assert not [path for path in tree.nginx.requests() if "tree" in path or "image" in path]

    result = sync(tree)

    assert result.changed and has_images(result) and not result.warnings
    for href in (name, "images/pxeboot/vmlinuz"):
        assert (mirror(tree) / href).read_bytes() == (tree.path / href).read_bytes()
    size = sum(path.stat().st_size for path in tree.path.rglob("*") if path.is_file())
    assert result.data["repositories"][0]["bytes"] == size
    assert not sync(tree).changed


def test_they_are_read_from_files_too(tree: Upstream) -> None:
    assert has_images(sync(tree, baseurl=[f"file://{tree.path}/"]))
    assert (mirror(tree) / "images/pxeboot/vmlinuz").read_bytes() == KERNEL


def test_a_repo_without_is_mirrored_with_a_warning(upstream: Upstream) -> None:
    result = sync(upstream)

    assert result.changed
    assert result.warnings == (f"{LEFT_OUT}os: .treeinfo: 404 Not Found (from {upstream.url})",)
    again = sync(upstream)
    assert not again.changed, "it is looked for again, and nothing else happens"
    assert again.warnings == result.warnings


def test_what_was_wrong_is_made_up_for(tree: Upstream) -> None:
    (tree.path / "images/pxeboot/vmlinuz").write_bytes(KERNEL[::-1])
    result = sync(tree)
    assert result.changed and not has_images(result)
    assert result.warnings[0].startswith(f"{LEFT_OUT}os: images/pxeboot/vmlinuz: sha256 is ")
    assert not (mirror(tree) / ".treeinfo").exists()
    (tree.path / "images/pxeboot/vmlinuz").write_bytes(KERNEL)

    result = sync(tree)

    assert result.changed and has_images(result) and not result.warnings


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (
            "<html><body>Welcome</body></html>",
            "os: .treeinfo: this is not a .treeinfo: File contains no section",
        ),
        ("[general]\nfamily = Test\n", "os: .treeinfo: it gives no checksums"),
        (
            "[checksums]\n../../x = sha256:0\n",
            "../../x: location '../../x' is refused: '..' would leave the repo",
        ),
        ("[checksums]\n/x = sha256:0\n", "/x: location '/x' is refused: it is absolute"),
        ("[checksums]\na%2f..%2fx = sha256:0\n", "is refused: it encodes a slash"),
        ("[checksums]\nx = md5:{zeros}\n", "x: checksum type 'md5' is refused: it is weak or unknown"),
        ("[checksums]\nx = sha256:cafe\n", "x: 'cafe' is not a sha256 checksum"),
        ("[checksums]\nx\n", "os: .treeinfo: this is not a .treeinfo: "),
        (
            "[checksums]\nPackages = sha256:{zeros}\n",
            "os: Packages: an image has the place of something else",
        ),
        (
            "[checksums]\nPackages/tiny-alpha-1-1.noarch.rpm = sha256:{zeros}\n",
            "os: Packages/tiny-alpha-1-1.noarch.rpm: an image has the place of something else",
        ),
        ("[checksums]\nnowhere = sha256:{zeros}\n", "os: nowhere: 404 Not Found"),
        ("\udcff", "os: .treeinfo: this is not a .treeinfo: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_hostile_ones(tree: Upstream, text: str, rule: str) -> None:
    content = text.format(zeros="0" * 64)
    (tree.path / ".treeinfo").write_bytes(content.encode("utf-8", "surrogateescape"))

    result = sync(tree)

    assert result.changed and not has_images(result)
    [warning] = result.warnings
    assert warning.startswith(LEFT_OUT) and rule in warning
    assert sorted(path.name for path in mirror(tree).iterdir()) == ["Packages", "repodata"]


@pytest.mark.parametrize(
    ("mood", "rule"),
    [
        (Status(302, "file:///etc/hostname"), "redirected to where we do not follow: file:///etc/hostname"),
        (Status(500), "after 1 tries: 500 Internal Server Error"),
        (Drip(1 << 16, 0), "is over the limit of 1048576 bytes"),
    ],
)
def test_servers(tree: Upstream, moody: Moody, mood: Status | Drip, rule: str) -> None:
    moody.mood = lambda path, _range: mood if "treeinfo" in path else None

    result = sync(tree, baseurl=[f"{moody.url}/www/"])

    assert result.changed and not has_images(result)
    assert rule in result.warnings[0]


def test_they_stay_where_packages_are_held(tree: Upstream) -> None:
    sync(tree)
    assert tree.module("snapshot").changed
    shutil.rmtree(tree.path / "Packages")
    shutil.copytree(tree.built.packages["2"], tree.path / "Packages")
    tree.index()
    sync(tree)

    hold = {"source": "tiny", "reason": "TICKET-1", "until": "2099-12-31"}
    cut = tree.module("snapshot", holds=[hold], **tree.signing)

    assert cut.changed, cut.msg
    snapshot = cut.data["snapshot"]
    place = tree.store / "snapshots" / snapshot["id"] / "os"
    assert (place / "Packages/tiny-alpha-1-1.noarch.rpm").is_file()
    for href in (".treeinfo", "images/pxeboot/vmlinuz"):
        assert (place / href).read_bytes() == (tree.path / href).read_bytes()
    size = sum(path.stat().st_size for path in place.resolve().rglob("*") if path.is_file())
    assert snapshot["repositories"]["os"]["bytes"] == size
