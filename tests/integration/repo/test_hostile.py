# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hostile or broken upstream may offer; each case is one clear line and leaves the mirror alone."""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from integration.repo.conftest import Upstream

WAY_OUT = "Ask upstream for one of sha224, sha256, sha384, sha512"


def primary(upstream: Upstream) -> Path:
    [path] = (upstream.path / "repodata").glob("*-primary.xml.gz")
    return path


def offer_primary(upstream: Upstream, change: Callable[[str], str]) -> None:
    """Change primary.xml and let a rightly signed repomd.xml advertise the change."""
    path = primary(upstream)
    old = path.read_bytes()
    text = change(gzip.decompress(old).decode())
    new = gzip.compress(text.encode(), mtime=0)
    path.write_bytes(new)
    swaps = {
        sha256(old): sha256(new),
        sha256(gzip.decompress(old)): sha256(text.encode()),
        f"<size>{len(old)}<": f"<size>{len(new)}<",
        f"<open-size>{len(gzip.decompress(old))}<": f"<open-size>{len(text.encode())}<",
    }
    offer_repomd(upstream, lambda repomd: _swap(repomd, swaps))
    path.rename(path.with_name(f"{sha256(new)}-primary.xml.gz"))


def offer_packed(upstream: Upstream) -> None:
    """Let a rightly signed repomd.xml advertise the package list as it is packed now."""
    packed = primary(upstream).read_bytes()

    def advertise(text: str) -> str:
        head, data, tail = text.partition('<data type="primary">')
        tail = re.sub(r"(<checksum[^>]*>)[0-9a-f]+", rf"\g<1>{sha256(packed)}", tail, count=1)
        tail = re.sub(r"<size>\d+", f"<size>{len(packed)}", tail, count=1)
        return head + data + tail

    offer_repomd(upstream, advertise)


def offer_repomd(upstream: Upstream, change: Callable[[str], str]) -> None:
    """Change repomd.xml and sign the change."""
    repomd = upstream.path / "repodata" / "repomd.xml"
    before = repomd.read_text()
    repomd.write_text(change(before))
    assert repomd.read_text() != before
    upstream.built.forge.sign_metadata(upstream.path)


def refused(upstream: Upstream, **options: Any) -> str:
    """Sync, which must fail and leave the mirror where it was; returns why."""
    mirror = upstream.store / "mirrors" / "os"
    before = mirror.readlink() if mirror.is_symlink() else None
    result = upstream.sync(**options)
    assert result.failed
    assert (mirror.readlink() if mirror.is_symlink() else None) == before
    assert len(list(upstream.store.glob("trees/os/[!.]*"))) == (3 if before else 0), "tree, record, list"
    return result.msg


@pytest.mark.parametrize(
    ("attributes", "rule"),
    [
        ('href="../../etc/passwd"', "'../../etc/passwd' is refused: '..' would leave the repo"),
        ('href="/etc/passwd"', "'/etc/passwd' is refused: it is absolute"),
        ('href="Packages/%2e%2e/%2e%2e/x"', "'..' would leave the repo"),
        ('href="Packages%2f..%2fx"', "it encodes a slash"),
        ('href="Packages/%00x"', "it has a control character"),
        ('href="Packages/%252e%252e/x"', "it has a percent sign that encodes nothing, or is encoded itself"),
        ('href="repod%61ta/a.rpm"', "'repodata/a.rpm' is refused: a package has no place in repodata/"),
        ('href="repodata/a.rpm"', "'repodata/a.rpm' is refused: a package has no place in repodata/"),
        ('xml:base="file:///" href="etc/passwd"', "xml:base 'file:///' would take it from elsewhere"),
        ('xml:base="http://127.0.0.1:9/" href="a.rpm"', "xml:base 'http://127.0.0.1:9/' would take it"),
    ],
)
def test_location_of_a_package(upstream: Upstream, attributes: str, rule: str) -> None:
    offer_primary(upstream, lambda text: re.sub(r'href="[^"]*alpha[^"]*"', attributes, text))

    message = refused(upstream)

    assert message.startswith("os: tiny-alpha-0:1-1.noarch: location ")
    assert rule in message


def test_location_of_a_record(upstream: Upstream) -> None:
    offer_repomd(upstream, lambda text: re.sub(r'href="[^"]*-other.xml', 'href="../other.xml', text))

    assert refused(upstream) == (
        "os: repodata/repomd.xml: record 'other': location '../other.xml.gz' is refused:"
        " '..' would leave the repo"
    )


@pytest.mark.parametrize("name", ["tiny alpha", "tiny&#10;alpha", "tiny-alpha&#x85;"])
def test_name_of_a_package(upstream: Upstream, name: str) -> None:
    offer_primary(upstream, lambda text: text.replace("<name>tiny-alpha<", f"<name>{name}<"))

    assert refused(upstream).endswith(
        "-0:1-1.noarch': its name or version has a blank or a control character"
    )


def test_base_of_a_record(upstream: Upstream) -> None:
    offer_repomd(upstream, lambda text: text.replace("<location ", '<location xml:base="http://x/" '))

    assert "record 'primary': location 'repodata/" in (message := refused(upstream))
    assert "record 'other': location 'repodata/" in message, "all faults are told, not only the first"
    assert "xml:base 'http://x/' would take it from elsewhere" in message


@pytest.mark.parametrize("weak", ["md5", "sha", "sha1"])
def test_weak_digests(upstream: Upstream, weak: str) -> None:
    offer_primary(upstream, lambda text: text.replace('type="sha256" pkgid', f'type="{weak}" pkgid', 1))

    assert f"checksum type '{weak}' is refused: it is weak or unknown. {WAY_OUT}" in refused(upstream)


def test_weak_digest_of_a_record(upstream: Upstream) -> None:
    offer_repomd(upstream, lambda text: text.replace('checksum type="sha256"', 'checksum type="md5"', 1))

    assert "repomd.xml: record 'primary': checksum type 'md5' is refused" in refused(upstream)


def test_one_nevra_with_two_digests(upstream: Upstream) -> None:
    def twice(text: str) -> str:
        package = re.search(r"<package type=.*?</package>\n", text, re.DOTALL)
        assert package
        second = re.sub(r"[0-9a-f]{64}", "a" * 64, package[0]).replace("Packages/", "Other/")
        return text.replace("</metadata>", f"{second}</metadata>")

    offer_primary(upstream, twice)

    message = refused(upstream)
    assert "one NEVRA has two digests: " in message
    assert f"{'a' * 64} (Other/tiny-" in message


def test_html_instead_of_repomd(upstream: Upstream) -> None:
    offer_repomd(upstream, lambda _text: "<html><body>Welcome to the hotel</body></html>\n")

    assert refused(upstream) == "os: repodata/repomd.xml: it names no primary record"


def test_not_xml(upstream: Upstream) -> None:
    offer_repomd(upstream, lambda text: text[:100])

    assert refused(upstream).startswith("os: repodata/repomd.xml: this is not XML: unclosed token")


def test_bomb(upstream: Upstream) -> None:
    def lie(text: str) -> str:
        return text.replace("<open-size>", "<open-size>1", 1)  # advertised: more than there is

    offer_repomd(upstream, lie)
    assert "-primary.xml.gz: it unpacks to less than its open-size of 1" in refused(upstream)
    offer_repomd(upstream, lambda text: re.sub(r"<open-size>\d+<", "<open-size>99<", text, count=1))
    assert "-primary.xml.gz: it unpacks to more than its open-size of 99 bytes" in refused(upstream)


def test_endless_size(upstream: Upstream) -> None:
    offer_repomd(upstream, lambda text: re.sub(r"<size>\d+<", "<size>99999999999999<", text, count=1))

    assert "record 'primary': size 99999999999999 is over the limit of" in refused(upstream)


def test_no_size(upstream: Upstream, tmp_path: Path) -> None:
    """Old tools did not write any. The server knows, and is not trusted further than the checksum."""
    offer_repomd(upstream, lambda text: re.sub(r"\s*<(open-)?size>\d+</(open-)?size>", "", text))

    assert upstream.sync(repository={"baseurl": [f"file://{upstream.path}/"]}).changed
    assert not upstream.sync().changed
    path = primary(upstream)
    path.write_bytes(path.read_bytes() + b"more")
    shutil.rmtree(upstream.store)
    assert refused(upstream).startswith(f"os: repodata/{path.name}: sha256 is ")
    path.write_bytes(b"")
    assert refused(upstream) == f"os: repodata/{path.name}: size 0 is not between 1 and {4 << 30} bytes"


def test_zstd_bomb(upstream: Upstream) -> None:
    path = primary(upstream)
    plain = gzip.decompress(path.read_bytes())
    upstream.built.forge.run("gzip", "-d", path)
    upstream.built.forge.run("zstd", "-q", "--rm", path.with_suffix(""), "-o", path)
    offer_packed(upstream)
    assert upstream.sync().changed, "zstd is understood"
    offer_repomd(upstream, lambda text: text.replace(f"<open-size>{len(plain)}<", "<open-size>99<"))
    assert "-primary.xml.gz: it unpacks to more than its open-size of 99 bytes" in refused(upstream)


def test_flipped_byte(upstream: Upstream) -> None:
    assert upstream.sync().changed
    upstream.offer("2")
    rpm = upstream.path / "Packages" / "tiny-alpha-2-1.noarch.rpm"
    content = bytearray(rpm.read_bytes())
    right = sha256(bytes(content))
    content[-20] ^= 1
    rpm.write_bytes(content)

    assert refused(upstream) == (
        f"os: Packages/{rpm.name}: sha256 is {sha256(bytes(content))}, but the metadata says {right}"
        f" (from {upstream.url})"
    )


def test_truncated_package(upstream: Upstream) -> None:
    rpm = upstream.path / "Packages" / "tiny-alpha-1-1.noarch.rpm"
    size = rpm.stat().st_size
    rpm.write_bytes(rpm.read_bytes()[:-7])

    assert refused(upstream) == (
        f"os: Packages/{rpm.name}: the server has {size - 7} bytes, but the metadata says {size}"
        f" (from {upstream.url})"
    )


def test_missing_packages_are_all_named(upstream: Upstream) -> None:
    for name in ("alpha", "gamma"):
        (upstream.path / "Packages" / f"tiny-{name}-1-1.noarch.rpm").unlink()

    message = refused(upstream)

    for name in ("alpha", "gamma"):
        assert f"os: Packages/tiny-{name}-1-1.noarch.rpm: 404 Not Found (from {upstream.url})" in message


def test_digests_other_than_sha256(upstream: Upstream) -> None:
    upstream.index(options=("--checksum=sha512",))
    assert upstream.sync().changed
    upstream.nginx.requests()
    rpm = upstream.built.packages["2"] / "tiny-alpha-2-1.noarch.rpm"
    (upstream.path / "Packages" / rpm.name).write_bytes(rpm.read_bytes())
    upstream.index(options=("--checksum=sha512",))

    assert upstream.sync().changed
    fetched = [path for path in upstream.nginx.requests() if path.endswith(".rpm")]
    assert fetched == [f"/www/Packages/{rpm.name}"], "what the mirror has is not fetched again"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _swap(text: str, swaps: dict[str, str]) -> str:
    for old, new in swaps.items():
        text = text.replace(old, new)
    return text
