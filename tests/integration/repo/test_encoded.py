# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locations that are percent-encoded, or say something else than the package's name; clients differ."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from integration.repo.conftest import Upstream
from integration.repo.nginx import serve
from integration.repo.test_hostile import offer_primary
from integration.repo.test_story import dnf, installed

ALPHA = "tiny-alpha-1-1.noarch.rpm"


def encode(upstream: Upstream, name: str, spelled: str) -> Path:
    """Let alpha have another file name, and the metadata a way to spell it."""
    path = upstream.path / "Packages" / ALPHA
    offer_primary(upstream, lambda text: text.replace(ALPHA, spelled))
    return path.rename(path.with_name(name))


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("libc++ 1.rpm", "libc%2B%2B%201.rpm"), ("other-than-the-name.rpm", "other-than-the-n%61me.rpm")],
)
def test_clients_find_it_decoded_or_not(upstream: Upstream, tmp_path: Path, name: str, spelled: str) -> None:
    path = encode(upstream, name, spelled)

    result = upstream.sync()

    assert result.changed, result.msg
    packages = upstream.store / "mirrors/os/Packages"
    assert (packages / name).samefile(packages / spelled)
    assert result.data["repositories"][0]["derived"] == []
    with serve(upstream.store / "mirrors", tmp_path / "mirror") as mirror:
        # One client takes the location for a URL, the other for a path, which it encodes.
        for asked in (spelled, spelled.replace("%", "%25")):
            with urllib.request.urlopen(f"{mirror.url}/os/Packages/{asked}") as answer:
                assert answer.read() == path.read_bytes()
        dnf(upstream, tmp_path / "root", f"{mirror.url}/os", "install", "tiny-alpha")
    assert installed(tmp_path / "root") == ["tiny-alpha-1"]
    assert not upstream.sync().changed


def test_upstream_may_mean_the_percent_sign(upstream: Upstream) -> None:
    """Its server has the file under the name that the metadata spells."""
    path = encode(upstream, "libc%2B%2B.rpm", "libc%2B%2B.rpm")

    assert upstream.sync().changed
    assert (upstream.store / "mirrors/os/Packages/libc++.rpm").read_bytes() == path.read_bytes()


def test_a_choice_spells_it_plainly(upstream: Upstream, tmp_path: Path) -> None:
    encode(upstream, "libc++.rpm", "libc%2B%2B.rpm")

    result = upstream.sync(repository={"exclude": ["tiny-beta"]}, **upstream.signing)

    assert result.changed, result.msg
    keys = [upstream.built.key, upstream.built.site_key]
    dnf(
        upstream, tmp_path / "root", f"file://{upstream.store}/mirrors/os", "install", "tiny-alpha", keys=keys
    )
    assert installed(tmp_path / "root") == ["tiny-alpha-1"]


def test_two_spellings_of_one_place(upstream: Upstream) -> None:
    offer_primary(
        upstream,
        lambda text: text.replace(ALPHA, "x%2B.rpm").replace("tiny-beta-1-1.noarch.rpm", "x+.rpm"),
    )

    message = upstream.sync().msg

    assert message.startswith("os: Packages/x+.rpm: one location for tiny-")
