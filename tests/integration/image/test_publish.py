# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an image that was built to a release of the store: what is refused, and what a kill leaves."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.image.conftest import Released, Workshop, make_workshop
from integration.image.site import Site, SiteKey, make_key, make_site
from integration.repo.kill_at import count_changes, die_at

WEB = """parent: base
features:
  - file: {path: /srv/index.html, content: "hello\\n"}
artifacts:
  - squashfs: {}
  - sbom: {}
tests:
  - command: {argv: [/usr/bin/cat, /srv/index.html], output: hello}
"""
OTHER = WEB.replace("hello", "good day")
KEEP_ONE: dict[str, Any] = {"keep_newest": 1, "keep_days": 0, "keep": []}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteKey]:
    with make_key(tmp_path_factory.mktemp("key")) as made:
        yield made


@pytest.fixture(scope="module")
def built(released: Released, base: Path, key: SiteKey, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A workshop with an image that was built and tested."""
    made = make_workshop(released, tmp_path_factory.mktemp("built"))
    shutil.copytree(base, made.directory / "here/layers", symlinks=True, copy_function=os.link)
    made.define("web", WEB)
    site = Site(made, key, made.directory)
    site.build("web")
    assert not site.test("web").failed
    return made


@pytest.fixture
def site(built: Workshop, key: SiteKey, tmp_path: Path) -> Site:
    """A site whose store is empty, and a copy of the workshop for this test alone."""
    place = tmp_path / "workshop"
    subprocess.run(["cp", "--archive", str(built.directory / "here/images"), str(tmp_path)], check=True)
    subprocess.run(["cp", "--archive", "--link", str(built.directory), str(place)], check=True)
    shutil.rmtree(place / "here/images")
    (tmp_path / "images").rename(place / "here/images")
    own = Workshop(built.released, place)
    (own.definitions / "web.yml").unlink()
    own.define("web", WEB)
    return make_site(own, key, tmp_path / "store")


def made(site: Site) -> Path:
    """The directory that the builder wrote."""
    return site.workshop.directory / "here/images/web"


def no_litter(store: Path) -> None:
    assert not list(store.glob("**/.*"))
    assert not (store / "scratch").exists()


def test_four_steps(site: Site) -> None:
    foreseen = site.publish("web", check=True)
    assert foreseen.changed
    assert not (site.store / "images").exists()
    done = site.publish("web")
    assert done.changed, done.msg
    release = done.data["release"]
    place = site.store / "images" / release["id"]
    manifest = json.loads((made(site) / "manifest.json").read_text())

    assert release["digest"] == hashlib.sha256((place / "manifest.json").read_bytes()).hexdigest()
    assert release["artifacts"] == manifest["artifacts"]
    assert (release["snapshot"], release["content"]) == (manifest["snapshot"], manifest["digest"])
    for name in ("manifest.json", "manifest.json.asc"):
        assert (place / name).read_bytes() == (made(site) / name).read_bytes()
    for one in manifest["artifacts"]:
        status = (place / one["file"]).stat()
        there = site.store / "objects/sha256" / one["sha256"][:2] / one["sha256"]
        assert (status.st_ino, stat.S_IMODE(status.st_mode)) == (there.stat().st_ino, 0o444)
        assert status.st_ino != (made(site) / one["file"]).stat().st_ino, "the builder may write to its own"
    for check in (True, False):
        again = site.publish("web", check=check)
        assert (again.changed, again.data["release"]) == (False, release)
    listed = site.module("image_info", gpgkey=[str(site.key.public)])
    assert listed.data["published"] == [release]
    assert not site.module("store_verify", gpgkey=[str(site.key.public)]).failed
    no_litter(site.store)


def test_channels_name_images(site: Site, tmp_path: Path) -> None:
    first = site.publish("web").data["release"]["id"]
    move: dict[str, Any] = {"name": "web-stable", "who": "me", "reason": "test", "require_check": True}
    assert site.module("channel", release=first, **move).data["channel"]["previous"] is None
    old = shutil.copytree(made(site), tmp_path / "old/web")
    site.workshop.define("web", OTHER)
    site.build("web")
    assert site.publish("web", output=str(old.parent)).msg == (
        f"{old}/manifest.json: it was made of another build of the image than the last one."
        " Build it again with artifacts, and test it"
    )
    assert site.publish("web").msg == "web.yml: the image has not been tested. Run image_test"
    assert not site.test("web").failed
    second = site.publish("web").data["release"]["id"]
    assert site.module("channel", release=second, **move).data["channel"]["previous"] == first

    found = site.module("image_info", name="web-stable").data
    assert [one["id"] for one in found["published"]] == [second]
    assert found["channels"] == {"web-stable": second}
    named = site.module("image_info", name="web").data["published"]
    assert [one["id"] for one in named] == [second, first], "newest first"
    assert site.module("image_info", name="mail").msg == (
        "mail: there is no release or channel of this name. Known channels: web-stable"
    )
    assert site.module("snapshot_info", name="web-stable").msg == (
        f"web-stable: it is no snapshot, but the image {second}"
    )
    assert (site.store / "channels/web-stable/manifest.json").is_file()
    assert site.module("channel", release=first, **move).changed, "and back"


def test_an_image_without_tests_was_never_checked(site: Site) -> None:
    site.workshop.define("web", WEB.partition("tests:")[0])
    release = site.publish("web").data["release"]["id"]
    move: dict[str, Any] = {"name": "stable", "who": "me", "reason": "test", "release": release}
    assert site.module("channel", require_check=True, **move).msg == (
        f"{release}: it was never checked. Give its definition tests, run image_test, and publish it again"
    )
    site.workshop.define("web", WEB)
    again = site.publish("web")
    assert (again.changed, again.data["release"]["id"]) == (True, release)
    assert site.module("channel", require_check=True, **move).changed


def _unsigned(site: Site) -> str:
    (made(site) / "manifest.json.asc").unlink()
    return "manifest.json: it is not signed. Build it with signing_key, and give the public half as gpgkey"


def _edited(site: Site) -> str:
    manifest = made(site) / "manifest.json"
    manifest.write_text(manifest.read_text().replace("squashfs", "squashed"))
    return (
        "manifest.json: the signature does not fit manifest.json."
        " Build it with signing_key, and give the public half as gpgkey"
    )


def _changed(site: Site) -> str:
    path = made(site) / "web.squashfs"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    right = next(
        one["sha256"]
        for one in json.loads((made(site) / "manifest.json").read_text())["artifacts"]
        if one["file"] == path.name
    )
    found = hashlib.sha256(content).hexdigest()
    return f"web.squashfs: its sha256 is {found}, not {right} as the manifest says. Build it again"


def _cut_short(site: Site) -> str:
    os.truncate(made(site) / "web.squashfs", 100)
    return "web.squashfs: it is not what was made. Build it again"


def _gone(site: Site) -> str:
    shutil.rmtree(made(site))
    return "manifest.json: nothing was made of this image. Build the image with artifacts"


def _other_tests(site: Site) -> str:
    site.workshop.define("web", WEB.replace("output: hello", "output: hell"))
    return "web.yml: the image has not been tested. Run image_test"


def _failed_tests(site: Site) -> str:
    site.workshop.define("web", WEB.replace("output: hello", "output: nothing"))
    assert site.test("web").failed
    told = "command (web.yml:9): /usr/bin/cat wrote no 'nothing', but 'hello'"
    return f"web.yml: the image failed its tests: {told}"


@pytest.mark.parametrize(
    "harm", [_unsigned, _edited, _changed, _cut_short, _gone, _other_tests, _failed_tests]
)
def test_refused(site: Site, harm: Callable[[Site], str]) -> None:
    message = harm(site)

    result = site.publish("web")

    assert result.failed
    assert result.msg == (message if message.startswith("web.yml") else f"{made(site)}/{message}")
    assert not (site.store / "images").exists()
    no_litter(site.store)


def test_a_key_of_somebody_else(site: Site, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with make_key(tmp_path / "other") as other:
        result = site.publish("web", gpgkey=[str(other.public)])
    assert "manifest.json: signed by a key that is not allowed" in result.msg
    assert result.failed


def test_killed_anywhere(site: Site) -> None:
    total = count_changes(site.store, lambda: site.publish("web"))
    assert total > 20
    for fatal in range(1, total + 1, 2):
        shutil.rmtree(site.store)
        (site.store / "mirrors").mkdir(parents=True)
        die_at(site.store, fatal, lambda: site.publish("web"))
        assert len(site.module("image_info").data["published"]) <= 1
        result = site.publish("web")
        assert not result.failed, result.msg
        [place] = (site.store / "images").iterdir()
        assert place.name == result.data["release"]["id"]
        assert not site.module("store_verify").failed
        no_litter(site.store)


def test_prune(site: Site) -> None:
    first = site.publish("web").data["release"]
    site.workshop.define("web", OTHER)
    site.build("web")
    assert not site.test("web").failed
    second = site.publish("web").data["release"]
    assert not site.module("store_prune", **{**KEEP_ONE, "keep": [first["id"]]}).changed

    foreseen = site.module("store_prune", check=True, **KEEP_ONE).data["prune"]
    done = site.module("store_prune", **KEEP_ONE).data["prune"]

    assert foreseen == done
    assert done["images"] == [first["id"]]
    assert done["kept"] == {second["id"]: "one of the newest 1"}
    assert done["objects"] == len(first["artifacts"])
    assert done["freed"] > first["bytes"]
    assert [path.name for path in (site.store / "images").iterdir()] == [second["id"]]
    assert [path.stem for path in (site.store / "checks").iterdir()] == [second["id"]]
    assert not site.module("store_verify").failed
    assert not site.module("store_prune", **KEEP_ONE).changed


def _flip(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    path.chmod(0o444)


def _unlink(path: Path) -> None:
    path.unlink()


def _replace(path: Path) -> None:
    path.unlink()
    path.write_text("something else")


@pytest.mark.parametrize(
    ("file", "harm", "what", "done"),
    [
        (
            "web.squashfs",
            _flip,
            "damaged",
            "quarantined: no repository is given that it could be fetched from",
        ),
        ("web.squashfs", _unlink, "missing", "linked"),
        ("web.squashfs", _replace, "damaged", "linked"),
        ("manifest.json", _flip, "manifest", "taken from its copy"),
        ("manifest.json.copy", _flip, "manifest", "copied"),
    ],
)
def test_damage_is_found_and_mended(
    site: Site, file: str, harm: Callable[[Path], None], what: str, done: str
) -> None:
    release = site.publish("web").data["release"]["id"]
    place = site.store / "images" / release
    place.chmod(0o755)
    harm(place / file)
    place.chmod(0o555)

    found = site.module("store_verify").data["verify"]["faults"]
    assert [(one["what"], one["images"]) for one in found] == [(what, [release])]
    mended = site.module("store_verify", repair=True)
    assert list(mended.data["verify"]["repaired"].values()) == [done]
    if done.startswith("quarantined"):
        assert mended.msg.endswith(f"Publish {release} again, from the builder's own files")
        assert not (place / file).exists()
        again = site.publish("web")
        assert (again.changed, again.data["release"]["id"]) == (True, release)
    assert not site.module("store_verify", gpgkey=[str(site.key.public)]).failed
