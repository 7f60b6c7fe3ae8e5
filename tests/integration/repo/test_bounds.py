# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bombs, and servers that would keep us for ever: memory, disk and time stay bounded."""

from __future__ import annotations

import gzip
import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._repo import upstream as upstream_module
from integration.repo.conftest import Upstream
from integration.repo.moody import Drip, Moody, serve_moody
from integration.repo.test_hostile import offer_packed, offer_primary, offer_repomd, primary, refused
from integration.repo.test_story import contents

LAUGHS = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
ENTITIES = f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]>'
PACKERS = {
    "gzip": ("gzip", "-c"),
    "bzip2": ("bzip2", "-c"),
    "xz": ("xz", "-c"),
    "zstd": ("zstd", "-q", "-c"),
}
BOMB = 256 << 20


@pytest.fixture
def moody(upstream: Upstream) -> Iterator[Moody]:
    with serve_moody(upstream.path.parent) as server:
        yield server


def test_entities_in_repomd(upstream: Upstream) -> None:
    def plant(text: str) -> str:
        return text.replace("<repomd", f"{ENTITIES}<repomd", 1).replace("<revision>", "<revision>&a9;")

    offer_repomd(upstream, plant)

    assert refused(upstream) == "os: repodata/repomd.xml: it declares XML entities, which are refused"


def test_entities_in_primary(upstream: Upstream) -> None:
    def plant(text: str) -> str:
        return text.replace("<metadata", f"{ENTITIES}<metadata", 1).replace("<summary>", "<summary>&a9;")

    offer_primary(upstream, plant)

    assert refused(upstream) == "os: primary: it declares XML entities, which are refused"


@pytest.mark.parametrize("junk", ["<a/>" * (255 << 10), "<a>" * (140 << 10) + "</a>" * (140 << 10)])
def test_a_flood_of_elements(upstream: Upstream, junk: str) -> None:
    """Flat or deep, they are read and forgotten."""
    offer_repomd(upstream, lambda text: text.replace("</repomd>", f"{junk}</repomd>"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert upstream.sync().changed
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 64 << 10


@pytest.mark.parametrize("codec", PACKERS)
def test_compression_bombs(upstream: Upstream, codec: str, tmp_path: Path) -> None:
    """A quarter of a GiB of blanks, advertised as the few bytes that are in the package list."""
    path = primary(upstream)
    plain = gzip.decompress(path.read_bytes())
    (tmp_path / "bomb").write_bytes(plain)
    with (tmp_path / "bomb").open("r+b") as stream:
        stream.truncate(BOMB)
    script = ["sh", "-c", '"$@" > "$0"', str(path), *PACKERS[codec], str(tmp_path / "bomb")]
    upstream.built.forge.run(*script)
    offer_packed(upstream)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    message = refused(upstream)

    assert message == (
        f"os: repodata/{path.name}: it unpacks to more than its open-size of {len(plain)} bytes"
    )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 64 << 10
    assert not (upstream.store / "scratch").exists()


@pytest.mark.parametrize(
    ("href", "rule"),
    [
        ("Packages/&#x5c;a.rpm", "it has a backslash"),
        ("Packages/a&#10;b.rpm", "it has a control character"),
        (f"Packages/{'x' * 256}", "a component is over 255 bytes"),
        ("/".join(["x" * 200] * 6), "it is over 1024 bytes"),
        ("file:etc/passwd", "it begins like a URL"),
        ("Packages/../../x", "'..' would leave the repo"),
        ("Packages//x", "it has an empty or '.' component"),
        ("", "it is empty"),
    ],
)
def test_odd_names(upstream: Upstream, href: str, rule: str) -> None:
    offer_primary(upstream, lambda text: re.sub(r'href="[^"]*alpha[^"]*"', f'href="{href}"', text))

    message = refused(upstream)

    assert message.startswith("os: tiny-alpha-0:1-1.noarch: location ")
    assert message.endswith(f" is refused: {rule}")


@pytest.mark.parametrize("nul", ["&#0;", "\0"])
def test_nul(upstream: Upstream, nul: str) -> None:
    offer_primary(upstream, lambda text: text.replace("Packages/tiny-alpha", f"Packages/{nul}tiny-alpha"))

    assert refused(upstream).startswith("os: primary: this is not XML: ")


def test_html_instead_of_a_package_list(upstream: Upstream) -> None:
    offer_primary(upstream, lambda _text: "<html><body>Welcome to the hotel</body></html>\n")

    assert refused(upstream).startswith('os: primary: this is not a package list: Unknown element "html"')


def test_endless_answer(upstream: Upstream, moody: Moody) -> None:
    moody.mood = lambda path, _range: Drip(1 << 16, 0) if path.endswith("repomd.xml") else None

    assert upstream.sync(repository={"baseurl": [f"{moody.url}/www/"]}).msg == (
        f"os: repodata/repomd.xml: is over the limit of {1 << 20} bytes (from {moody.url}/www/)"
    )
    moody.mood = lambda path, _range: Drip(1 << 16, 0) if "alpha" in path else None
    size = (upstream.path / "Packages" / "tiny-alpha-1-1.noarch.rpm").stat().st_size
    assert upstream.sync(repository={"baseurl": [f"{moody.url}/www/"]}).msg == (
        "os: Packages/tiny-alpha-1-1.noarch.rpm: the server sends more than"
        f" the {size} bytes advertised (from {moody.url}/www/)"
    )


@pytest.mark.parametrize("wanted", ["repomd.xml", "alpha"])
def test_slow_loris(upstream: Upstream, moody: Moody, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then keeps no connection alive: the whole file has its time."""
    monkeypatch.setattr(upstream_module, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(upstream_module, "SLOWEST", 100_000)
    moody.mood = lambda path, _range: Drip(1, 0.1) if wanted in path else None
    begun = time.monotonic()

    message = upstream.sync(repository={"baseurl": [f"{moody.url}/www/"]}, retries=0).msg

    assert f"{wanted}" in message
    assert "after 1 tries: " in message and "imeout" in message
    assert time.monotonic() - begun < 5


def test_records_of_any_kind_are_opaque(upstream: Upstream, tmp_path: Path) -> None:
    """Zchunk, deltas and what is yet to come are kept byte for byte; damage in them is not ours to judge."""
    for kind in ("primary_db", "primary_zck", "prestodelta", "productid", "unheard-of"):
        (tmp_path / kind).write_bytes(b"\xff neither XML nor anything else")
        repodata = upstream.path / "repodata"
        argv = ("/usr/bin/modifyrepo_c", "--no-compress", "--mdtype", kind, tmp_path / kind, repodata)
        upstream.built.forge.run(*argv)
    upstream.built.forge.sign_metadata(upstream.path)

    assert upstream.sync().changed
    kept = sorted(path.name for path in (upstream.store / "mirrors/os/repodata").iterdir())
    assert kept == sorted(path.name for path in (upstream.path / "repodata").iterdir())
    assert contents(upstream.store / "mirrors/os") == contents(upstream.path)
