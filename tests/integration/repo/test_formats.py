# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metadata as it is met in the world, if not in the books: mirrored byte for byte, and understood."""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
from functools import partial
from pathlib import Path

import pytest
from integration.repo.conftest import NAMES, Upstream
from integration.repo.test_hostile import offer_primary, offer_repomd

PACKAGE = re.compile(r"<package[ >].*?</package>\n?", re.DOTALL)


def mirrored(upstream: Upstream) -> dict[str, bytes]:
    return content(upstream.store / "mirrors" / "os")


def content(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def derived(upstream: Upstream) -> dict[str, str]:
    """The lists of the mirror without alpha, by kind."""
    result = upstream.sync(repository={"exclude": ["tiny-alpha"]}, **upstream.signing)
    assert not result.failed, result.msg
    assert result.data["repositories"][0]["derived"] == ["exclude: tiny-alpha (1 packages left out)"]
    lists = {}
    for path, data in mirrored(upstream).items():
        kind = re.fullmatch(r"repodata/[0-9a-f]{64}-(\w+)\.xml\.gz", path)
        if kind:
            lists[kind[1]] = gzip.decompress(data).decode()
    return lists


def change_list(upstream: Upstream, kind: str, old: str, new: str) -> None:
    """Swap the text of one list for another, and let a rightly signed repomd.xml advertise it."""
    [path] = (upstream.path / "repodata").glob(f"*-{kind}.xml.gz")
    before, after = path.read_bytes(), gzip.compress(new.encode(), mtime=0)
    path.write_bytes(after)

    def advertise(repomd: str) -> str:
        swaps = (
            (hashlib.sha256(before).hexdigest(), hashlib.sha256(after).hexdigest()),
            (hashlib.sha256(old.encode()).hexdigest(), hashlib.sha256(new.encode()).hexdigest()),
            (f"<size>{len(before)}<", f"<size>{len(after)}<"),
            (f"<open-size>{len(old.encode())}<", f"<open-size>{len(new.encode())}<"),
        )
        for was, now in swaps:
            repomd = repomd.replace(was, now)
        return repomd

    offer_repomd(upstream, advertise)
    path.rename(path.with_name(f"{hashlib.sha256(after).hexdigest()}-{kind}.xml.gz"))


def test_files_may_have_any_name(upstream: Upstream) -> None:
    """Those of metadata need no checksum in theirs, nor a suffix; a package need not be called what it is."""
    for version in ("1", "2"):
        upstream.offer(version)
        packages = upstream.path / "Packages"
        (packages / f"tiny-alpha-{version}-1.noarch.rpm").rename(packages / "a b+c~.rpm")
        upstream.index(options=("--simple-md-filenames",))
        productid = upstream.path / "repodata" / "b707498-8b41"
        productid.write_text(f"productid {version}")
        digest = hashlib.sha256(productid.read_bytes()).hexdigest()
        record = (
            f'<data type="productid"><checksum type="sha256">{digest}</checksum>'
            f'<location href="repodata/b707498-8b41"/><size>{productid.stat().st_size}</size></data></repomd>'
        )
        offer_repomd(upstream, partial(re.sub, "</repomd>", record))
        assert upstream.sync().changed
        assert mirrored(upstream) == content(upstream.path)
    trees = upstream.store.glob("trees/os/*/repodata/b707498-8b41")
    assert sorted(tree.read_text() for tree in trees) == ["productid 1", "productid 2"]


def test_what_repomd_may_say_beside(upstream: Upstream) -> None:
    def say(text: str) -> str:
        text = re.sub(r"<timestamp>(\d+)<", r"<timestamp>\1.73<", text)
        first = '<data type="primary">'
        text = text.replace(first, f'<repoid type="sha256">aa</repoid><contenthash>bb</contenthash>{first}')
        header = '<header-checksum type="sha256">cc</header-checksum><header-size>9</header-size>'
        return text.replace("<open-size>", f"{header}<open-size>")

    offer_repomd(upstream, say)
    assert upstream.sync().changed
    assert mirrored(upstream) == content(upstream.path)
    assert derived(upstream).keys() == {"primary", "filelists", "other"}


@pytest.mark.parametrize("missing", [{"other"}, {"filelists", "other"}])
def test_lists_may_be_missing(upstream: Upstream, missing: set[str]) -> None:
    def drop(text: str) -> str:
        return re.sub(rf'<data type="({"|".join(missing)})">.*?</data>', "", text, flags=re.DOTALL)

    offer_repomd(upstream, drop)
    assert upstream.sync().changed
    assert derived(upstream).keys() == {"primary", "filelists", "other"} - missing


def test_lists_need_not_have_one_order(upstream: Upstream) -> None:
    [path] = (upstream.path / "repodata").glob("*-filelists.xml.gz")
    text = gzip.decompress(path.read_bytes()).decode()
    packages = PACKAGE.findall(text)
    turned = text.replace("".join(packages), "".join(f"{one.strip()}\n" for one in reversed(packages)))
    assert turned != text
    change_list(upstream, "filelists", text, turned)
    assert upstream.sync().changed
    files = re.findall(
        r'name="tiny-(\w+)".*?<file>/usr/share/tiny/(\w+)</file>', derived(upstream)["filelists"], re.DOTALL
    )
    assert sorted(files) == [(name, name) for name in sorted(NAMES) if name != "alpha"]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_package_may_be_listed_twice(upstream: Upstream, elsewhere: bool) -> None:
    """With the very same content, if not in the same place."""
    place = "Packages/tiny-beta-1-1.noarch.rpm"
    again = "again.rpm" if elsewhere else place
    shutil.copy(upstream.path / place, upstream.path / "again.rpm")

    def double(text: str) -> str:
        [beta] = [one for one in PACKAGE.findall(text) if place in one]
        return text.replace(beta, beta + beta.replace(place, again))

    offer_primary(upstream, double)
    assert upstream.sync().changed
    files = mirrored(upstream)
    assert ("again.rpm" in files) is elsewhere and place in files
    assert derived(upstream)["primary"].count("<name>tiny-beta</name>") == 1 + elsewhere
    assert ("again.rpm" in mirrored(upstream)) is elsewhere
