# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to an upstream: lists of mirrors, files, proxies, credentials, certificates, a throttle."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.repo.conftest import Upstream
from integration.repo.moody import Moody, Status, serve_moody
from integration.repo.nginx import free_port
from integration.repo.test_hostile import refused
from integration.repo.test_story import contents

METALINK = """<?xml version="1.0"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager">
<files><file name="repomd.xml"><size>1</size>{hashes}
<resources>{urls}</resources></file></files></metalink>
"""


@pytest.fixture
def moody(upstream: Upstream) -> Iterator[Moody]:
    with serve_moody(upstream.path.parent) as server:
        yield server


def digest(upstream: Upstream) -> str:
    return upstream.built.forge.run("sha256sum", upstream.path / "repodata/repomd.xml").split()[0]


def metalink(upstream: Upstream, *bases: str, now: str, before: str = "") -> dict[str, str]:
    """Let the upstream's server have a metalink; returns how a repo says so."""
    old = '<mm0:alternates><mm0:alternate><verification><hash type="sha256">{}</hash></verification>'
    hashes = f'<verification><hash type="md5">0</hash><hash type="sha256">{now}</hash></verification>'
    if before:
        hashes = old.format(before) + "</mm0:alternate></mm0:alternates>" + hashes
    urls = "".join(
        f'<url protocol="http" preference="{100 - order}">{base}repodata/repomd.xml</url>'
        for order, base in enumerate(bases)
    )
    urls += '<url protocol="rsync" preference="100">rsync://127.0.0.1/os/repodata/repomd.xml</url>'
    (upstream.path.parent / "metalink").write_text(METALINK.format(hashes=hashes, urls=urls))
    return {"metalink": f"{upstream.nginx.url}/metalink"}


def test_metalink(upstream: Upstream, moody: Moody) -> None:
    """The best mirror lacks a file and fails for another; a dead one is asked, but not again and again."""
    moody.mood = lambda path, _range: Status(404) if "alpha" in path else None
    dead = f"http://127.0.0.1:{free_port()}/"
    listed = metalink(upstream, dead, f"{moody.url}/www/", upstream.url, now=digest(upstream))

    result = upstream.sync(repository={"baseurl": None, **listed}, connections=1)

    assert result.changed, result.msg
    assert contents(upstream.store / "mirrors/os") == contents(upstream.path)
    asked = [path for path in upstream.nginx.requests() if path.startswith("/www")]
    assert [path for path in asked if "rpm" in path] == ["/www/Packages/tiny-alpha-1-1.noarch.rpm"]


@pytest.mark.parametrize("connections", [1, 2])
def test_connections_are_kept_and_no_more_than_allowed(upstream: Upstream, connections: int) -> None:
    assert upstream.sync(connections=connections).changed

    used = upstream.nginx.connections()
    assert len(used) > 8, "packages, their metadata, repomd.xml and its signature"
    assert len(set(used)) == connections


def test_a_mirror_that_the_metalink_does_not_vouch_for(upstream: Upstream) -> None:
    old = digest(upstream)
    listed = metalink(upstream, upstream.url, now="0" * 64)

    assert refused(upstream, repository={"baseurl": None, **listed}) == (
        "os: repodata/repomd.xml: its repomd.xml is none that the metalink names:"
        f" the mirror is stale, or worse (from {upstream.url})"
    )
    metalink(upstream, upstream.url, now="0" * 64, before=old)
    assert upstream.sync(repository={"baseurl": None, **listed}).changed, "a mirror may lag a little"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("<html/>", "this is not a metalink for a repomd.xml"),
        ("<html><br></html>", "this is not XML: mismatched tag: line 1, column 12"),
        ('<!DOCTYPE m [<!ENTITY a "ha">]><m>&a;</m>', "it declares XML entities, which are refused"),
        (METALINK.format(hashes="", urls=""), "the metalink gives no checksum that can be relied on"),
    ],
)
def test_bad_metalinks(upstream: Upstream, text: str, rule: str) -> None:
    (upstream.path.parent / "metalink").write_text(text)
    address = f"{upstream.nginx.url}/metalink"

    assert refused(upstream, repository={"baseurl": None, "metalink": address}) == f"os: {address}: {rule}"


def test_a_metalink_must_name_http_mirrors(upstream: Upstream) -> None:
    listed = metalink(upstream, f"file://{upstream.path}/", now=digest(upstream))

    message = refused(upstream, repository={"baseurl": None, **listed})

    assert message == f"os: {listed['metalink']}: it names no http or https mirror"


def test_mirrorlist(upstream: Upstream, moody: Moody) -> None:
    text = f"# mirrors\nfile://{upstream.path}/\n{moody.url}/nowhere/\n{upstream.url}\n"
    (upstream.path.parent / "mirrors.txt").write_text(text)

    address = f"{upstream.nginx.url}/mirrors.txt"
    result = upstream.sync(repository={"baseurl": None, "mirrorlist": address})

    assert result.changed, result.msg
    assert moody.requests, "it was tried in the order of the list"


def test_files(upstream: Upstream) -> None:
    files = {"baseurl": [f"file://{upstream.path}/"]}

    assert upstream.sync(repository=files).changed
    assert contents(upstream.store / "mirrors/os") == contents(upstream.path)
    assert not upstream.sync(repository=files).changed
    upstream.offer("2")
    (upstream.path / "Packages/tiny-alpha-2-1.noarch.rpm").unlink()
    message = refused(upstream, repository=files)
    assert message == (
        f"os: Packages/tiny-alpha-2-1.noarch.rpm: there is no such file (from file://{upstream.path}/)"
    )


def test_credentials_go_to_the_given_server_alone(upstream: Upstream, moody: Moody) -> None:
    wanted = "Basic " + base64.b64encode(b"me:secret word").decode()
    moody.allow = wanted
    given = {"baseurl": [f"{moody.url}/www/"], "username": "me", "password": "secret word"}

    assert "401 Unauthorized" in refused(upstream, repository={"baseurl": given["baseurl"]})
    result = upstream.sync(repository=given)
    assert result.changed, result.msg
    assert "secret word" not in str(result.data)
    moody.seen.clear()
    with serve_moody(upstream.path.parent) as elsewhere:
        moody.mood = lambda path, _range: Status(302, f"{elsewhere.url}{path}")
        assert not upstream.sync(repository=given).failed
        assert (set(moody.seen), set(elsewhere.seen)) == ({wanted}, {""}), "nor along with a redirect"
    moody.mood = lambda _path, _range: None
    moody.seen.clear()
    listed = metalink(upstream, f"{moody.url}/www/", now=digest(upstream))
    again = {**given, "baseurl": None, **listed}
    assert "401 Unauthorized" in upstream.sync(repository=again).msg
    assert set(moody.seen) == {""}, "a mirror of a list is somebody else"


def test_proxy(upstream: Upstream, moody: Moody) -> None:
    """The proxy answers for a name that nobody else knows."""
    given = {"baseurl": ["http://upstream.invalid/www/"], "proxy": moody.url}

    result = upstream.sync(repository=given)

    assert result.changed, result.msg
    assert moody.requests[0][0] == "http://upstream.invalid/www/repodata/repomd.xml"


def test_certificates(upstream: Upstream, tmp_path: Path) -> None:
    forge = upstream.built.forge
    for name in ("server", "client"):
        files = ("-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem")
        names = ("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
        forge.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(tmp_path / "client.pem")
    with serve_moody(upstream.path.parent, context) as moody:
        given = {"baseurl": [f"{moody.url}/www/"], "ca_cert": str(tmp_path / "server.pem")}
        client = {name: str(tmp_path / f"client.{end}") for name, end in CLIENT.items()}

        result = upstream.sync(repository={**given, **client})
        assert result.changed, result.msg
        stranger = upstream.sync(repository={**client, "baseurl": given["baseurl"]}, retries=0)
        assert "certificate verify failed" in stranger.msg
        assert upstream.sync(repository=given, retries=0).failed, "the server wants to know us"
        broken = upstream.sync(repository={**given, "client_cert": str(tmp_path / "server.key")})
        assert broken.msg.startswith("os: ca_cert, client_cert or client_key cannot be used: ")


CLIENT = {"client_cert": "pem", "client_key": "key"}


def test_throttle(upstream: Upstream) -> None:
    size = sum(path.stat().st_size for path in (upstream.path / "Packages").iterdir())
    begun = time.monotonic()

    assert upstream.sync(repository={"throttle": size // 2}).changed

    assert time.monotonic() - begun > 1.9


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"baseurl": None}, "os: give one of baseurl, metalink and mirrorlist"),
        ({"metalink": "http://h/"}, "os: give one of baseurl, metalink and mirrorlist"),
        ({"baseurl": None, "metalink": "file:///x"}, "os: 'file:///x' is not an http or https URL of a list"),
        ({"throttle": -1}, "throttle: -1 is too small. Give 0 or more"),
        ({"connections": 0}, "connections: 0 is too small. Give 1 or more"),
        ({"newest": -1}, "newest: -1 is too small. Give 0 for all, or more"),
        ({"allow_foreign_base": ["file:///"]}, "allow_foreign_base: 'file:///' is not an http or https URL"),
        (
            {"accept_mutable": [{"nevra": "a", "digests": ["b"], "take": "b", "reason": "c"}]},
            "accept_mutable: a: it needs two digests, the one of them to take, and a reason",
        ),
    ],
)
def test_bad_options(upstream: Upstream, given: dict[str, object], rule: str) -> None:
    assert upstream.sync(repository=given).msg.startswith(rule)
