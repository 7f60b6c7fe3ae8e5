# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that fail, close, redirect, lag, and change while they are read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from integration.repo.conftest import NAMES, Upstream
from integration.repo.moody import Hang, Moody, Promise, Status, serve_moody
from integration.repo.nginx import free_port

ALPHA = "/www/Packages/tiny-alpha-1-1.noarch.rpm"


@pytest.fixture
def moody(upstream: Upstream) -> Iterator[Moody]:
    with serve_moody(upstream.path.parent) as server:
        yield server


def at(server: Moody) -> dict[str, list[str]]:
    return {"baseurl": [f"{server.url}/www/"]}


def ranges(moody: Moody, path: str) -> list[str]:
    return [wanted for asked, wanted in moody.requests if asked == path]


def test_a_closed_connection_is_resumed(upstream: Upstream, moody: Moody) -> None:
    moody.mood = lambda path, wanted: Hang(500) if path == ALPHA and not wanted else None

    result = upstream.sync(repository=at(moody))

    assert result.changed, result.msg
    assert ranges(moody, ALPHA) == ["", "bytes=500-"]


def test_a_later_run_resumes_what_an_earlier_one_began(upstream: Upstream, moody: Moody) -> None:
    moody.mood = lambda path, wanted: Hang(300) if path == ALPHA else None
    failed = upstream.sync(repository=at(moody))
    assert failed.msg.startswith(f"os: {ALPHA[5:]}: after 2 tries: ")
    assert failed.msg.endswith("Run again: it goes on from here")
    moody.mood = lambda _path, _wanted: None
    moody.requests.clear()

    assert upstream.sync(repository=at(moody)).changed
    packages = [(path, wanted) for path, wanted in moody.requests if path.endswith(".rpm")]
    assert packages == [(ALPHA, "bytes=600-")]


def test_an_overloaded_server_is_asked_again(upstream: Upstream, moody: Moody) -> None:
    seen: set[str] = set()

    def once(path: str, _wanted: str) -> Status | None:
        first = path not in seen
        seen.add(path)
        return Status(503) if first else None

    moody.mood = once

    assert upstream.sync(repository=at(moody)).changed


def test_each_pause_is_longer_and_no_two_are_alike(upstream: Upstream, moody: Moody) -> None:
    times: list[float] = []

    def never(path: str, _wanted: str) -> Status | None:
        if path != ALPHA:
            return None
        times.append(time.monotonic())
        return Status(503)

    moody.mood = never
    result = upstream.sync(repository=at(moody), retries=4)

    assert result.msg.startswith(f"os: {ALPHA[5:]}: after 5 tries: 503 Service Unavailable (from ")
    pauses = [after - before for before, after in pairwise(times)]
    longest = (0.5, 1, 2, 4)
    assert len(pauses) == len(longest)
    # More than that is the machine's.
    assert all(most / 2 <= pause < most + 1 for pause, most in zip(pauses, longest, strict=True)), pauses
    assert len({round(pause / most, 3) for pause, most in zip(pauses, longest, strict=True)}) > 1, pauses


def test_a_server_that_stays_down_is_given_up(upstream: Upstream) -> None:
    result = upstream.sync(repository={"baseurl": [f"http://127.0.0.1:{free_port()}/"]})

    assert result.msg.startswith("os: repodata/repomd.xml: after 2 tries: Cannot connect to host 127.0.0.1:")


def test_every_baseurl_is_tried_for_every_file(upstream: Upstream, moody: Moody) -> None:
    moody.mood = lambda path, _wanted: Status(404) if path == ALPHA else None

    result = upstream.sync(repository={"baseurl": [f"{moody.url}/www/", upstream.url]})

    assert result.changed, result.msg
    assert [path for path in upstream.nginx.requests() if "rpm" in path] == [ALPHA]
    assert len(ranges(moody, ALPHA)) == 1


def test_redirects_lead_to_http_only(upstream: Upstream, moody: Moody) -> None:
    moody.mood = lambda path, _wanted: Status(302, f"{upstream.nginx.url}{path}") if path == ALPHA else None
    assert upstream.sync(repository=at(moody)).changed
    upstream.offer("2")
    moody.mood = lambda path, _wanted: Status(302, "file:///etc/hostname") if "alpha" in path else None

    message = upstream.sync(repository=at(moody)).msg

    assert message == (
        "os: Packages/tiny-alpha-2-1.noarch.rpm: redirected to where we do not follow:"
        f" file:///etc/hostname (from {moody.url}/www/)"
    )


def test_upstream_changes_in_mid_sync(upstream: Upstream, moody: Moody) -> None:
    """The old packages vanish while they are fetched: the new state is mirrored, whole."""

    def swap(path: str, _wanted: str) -> None:
        if path == ALPHA:
            upstream.offer("2")

    moody.mood = swap

    result = upstream.sync(repository=at(moody))

    assert result.changed, result.msg
    names = sorted(path.name for path in (upstream.store / "mirrors/os/Packages").iterdir())
    assert names == sorted(f"tiny-{name}-2-1.noarch.rpm" for name in NAMES)


def test_upstream_that_never_holds_still(upstream: Upstream, moody: Moody) -> None:
    def rebuild(path: str, _wanted: str) -> None:
        if path.endswith("primary.xml.gz"):
            for rpm in (upstream.path / "Packages").iterdir():
                os.utime(rpm, (0, len(moody.requests)))  # createrepo_c tells the time of every file
            upstream.index()

    moody.mood = rebuild

    message = upstream.sync(repository=at(moody)).msg

    assert message == (
        "os: upstream changed during each of 5 tries."
        " Nothing was published; run again when upstream holds still"
    )
    assert not (upstream.store / "mirrors" / "os").exists()


def test_two_repos_move_together_or_not_at_all(upstream: Upstream, moody: Moody) -> None:
    key = [str(upstream.built.key)]
    other = replace(upstream, path=upstream.path.with_name("other"))
    other.offer("2")
    both = [
        {"name": "good", "baseurl": [upstream.url], "gpgkey": key},
        {"name": "bad", "baseurl": [f"{moody.url}/other/"], "gpgkey": key},
    ]
    moody.mood = lambda path, _wanted: Status(404) if "alpha" in path else None

    message = upstream.sync(repositories=both).msg

    name = "Packages/tiny-alpha-2-1.noarch.rpm"
    assert message == f"bad: {name}: 404 Not Found (from {moody.url}/other/)"
    assert not list(upstream.store.glob("mirrors/*"))
    moody.mood = lambda _path, _wanted: None
    assert upstream.sync(repositories=both).changed


def test_two_repos_out_of_step(upstream: Upstream, moody: Moody) -> None:
    """One moves while the other is fetched: the mirrors get a state that both had at one time."""
    other = replace(upstream, path=upstream.path.with_name("other"))
    other.offer("2")
    both = [
        {"name": name, "baseurl": [f"{moody.url}/{path}/"], "gpgkey": [str(upstream.built.key)]}
        for name, path in (("first", "www"), ("second", "other"))
    ]

    def repomds() -> list[str]:
        return [path for path, _wanted in moody.requests if path.endswith("repomd.xml")]

    def move(path: str, _wanted: str) -> None:
        if path == "/other/Packages/tiny-alpha-2-1.noarch.rpm" and len(repomds()) == 2:
            upstream.offer("2")

    moody.mood = move

    result = upstream.sync(repositories=both)

    assert result.changed, result.msg
    for name in ("first", "second"):
        names = {path.name for path in (upstream.store / "mirrors" / name / "Packages").iterdir()}
        assert names == {f"tiny-{one}-2-1.noarch.rpm" for one in NAMES}
    assert len(repomds()) == 6, "both are looked at again until neither has moved"


@pytest.mark.parametrize(
    ("href", "rule"),
    [
        ("repodata/repomd.xml.asc", "this is not a signature"),
        ("Packages/tiny-alpha-1-1.noarch.rpm", "the server has 46 bytes, but the metadata says "),
    ],
)
def test_a_hotel_answers_for_everybody(upstream: Upstream, moody: Moody, href: str, rule: str) -> None:
    page = b"<html><body><p>Welcome to the hotel<br></html>"
    (upstream.path / "welcome").write_bytes(page)
    moody.mood = lambda path, _wanted: Status(302, "/www/welcome") if path == f"/www/{href}" else None

    assert upstream.sync(repository=at(moody)).msg.startswith(f"os: {href}: {rule}")
    unsigned = {**at(moody), "repo_gpgcheck": False}
    moody.mood = lambda path, _wanted: Status(302, "/www/welcome") if path.endswith("repomd.xml") else None
    assert upstream.sync(repository=unsigned).msg.startswith("os: repodata/repomd.xml: this is not XML: ")
    assert not (upstream.store / "mirrors" / "os").exists()


def test_redirects_in_a_circle(upstream: Upstream, moody: Moody) -> None:
    moody.mood = lambda path, _wanted: Status(302, path) if path == ALPHA else None

    message = upstream.sync(repository=at(moody)).msg

    assert message.startswith(f"os: {ALPHA[5:]}: redirected to where we do not follow: ")
    assert len(ranges(moody, ALPHA)) < 25


def test_a_length_that_is_a_lie(upstream: Upstream, moody: Moody) -> None:
    moody.mood = lambda path, _wanted: Promise(7) if path == ALPHA else None
    size = (upstream.path / ALPHA[5:]).stat().st_size

    assert upstream.sync(repository=at(moody)).msg == (
        f"os: {ALPHA[5:]}: the server has {size + 7} bytes, but the metadata says {size}"
        f" (from {moody.url}/www/)"
    )
    moody.mood = lambda path, _wanted: Promise(-7) if path == ALPHA else None
    message = upstream.sync(repository=at(moody)).msg
    # Whether the HTTP client or we see it first depends on how the bytes arrive.
    assert f"the server has {size - 7} bytes" in message or "the answer breaks the rules of HTTP" in message
    assert message.isprintable() and len(message) < 300


def test_between_repomd_and_its_signature(upstream: Upstream, moody: Moody) -> None:
    """Upstream writes its new signature only after we have read the old one."""
    upstream.sync(repository=at(moody))
    old = (upstream.path / "repodata" / "repomd.xml.asc").read_bytes()
    upstream.offer("2")
    signature = upstream.path / "repodata" / "repomd.xml.asc"
    new = signature.read_bytes()
    signature.write_bytes(old)

    def finish(path: str, _wanted: str) -> None:
        if len(moody.requests) > begun + 2:
            signature.write_bytes(new)

    begun = len(moody.requests)
    moody.mood = finish

    assert upstream.sync(repository=at(moody)).changed


def test_a_server_without_ranges_starts_over(upstream: Upstream, moody: Moody) -> None:
    def mood(path: str, wanted: str) -> Status | Hang | None:
        if path != ALPHA:
            return None
        return Status(416) if wanted else Hang(500) if len(ranges(moody, ALPHA)) == 1 else None

    moody.mood = mood

    result = upstream.sync(repository=at(moody), retries=3)

    assert result.changed, result.msg
    assert ranges(moody, ALPHA) == ["", "bytes=500-", ""]
