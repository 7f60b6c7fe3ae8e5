# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image playbooks as an operator runs them: build, publish, promote, and what they refuse."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.desk import Desk
from integration.image.conftest import Released, Workshop
from integration.image.site import SiteKey, make_key

WEB = """parent: base
features:
  - file: {path: /srv/index.html, content: "hello\\n"}
artifacts:
  - squashfs: {}
tests:
  - command: {argv: [/usr/bin/cat, /srv/index.html], output: hello}
"""
BUILT = (
    r"base packages: as before",
    r"web files: \d\.\d s",
    r"web: \d+ files of [0-9.]+ MB, digest [0-9a-f]{16}",
    r"web\.squashfs: [0-9.]+ MB",
    r"command \(web\.yml:8\): \d\.\d s",
    r"web: 1 tests passed",
)
PUBLISHED = "1 artifacts of [0-9.]+ MB, of snapshot"


@pytest.fixture
def key(tmp_path: Path) -> Iterator[SiteKey]:
    (tmp_path / "key").mkdir()
    with make_key(tmp_path / "key") as made:
        yield made


@pytest.fixture
def store(released: Released, tmp_path: Path) -> Path:
    """A copy, for this test to publish into."""
    subprocess.run(["cp", "--archive", str(released.store), str(tmp_path / "store")], check=True)
    return tmp_path / "store"


@pytest.fixture
def desk(workshop: Workshop, store: Path, key: SiteKey, tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "desk")
    desk.directory.mkdir()
    workshop.define("web", WEB)
    variables = {
        "osaas_store": str(store),
        "osaas_definitions": str(workshop.definitions),
        "osaas_layers": str(workshop.directory / "here/layers"),
        "osaas_artifacts": str(tmp_path / "artifacts"),
        "osaas_package_gpgkey": [str(workshop.released.distro.key)],
        "osaas_snapshot_gpgkey": [str(key.public)],
        "osaas_images": ["web"],
        **{f"osaas_{name}": value for name, value in key.signing.items()},
    }
    (desk.directory / "fleet.yml").write_text(json.dumps(variables))
    return desk


def test_from_a_definition_to_a_channel(desk: Desk, workshop: Workshop, store: Path) -> None:
    snapshot = workshop.released.snapshot
    foreseen = desk.play("build", "--check")
    assert foreseen[0] == f"web: snapshot {snapshot}"
    assert [line.partition(" packages, 1 features")[0] for line in foreseen[1:]] == ["base: 36", "web: 0"]
    told = desk.play("build")
    assert told[:3] == foreseen
    for line, words in zip(told[3:], BUILT, strict=True):
        assert re.fullmatch(words, line), told
    again = desk.play("build")
    assert [line for line in again if line.endswith("as before")] == [
        "base packages: as before",
        "web files: as before",
        "web: 1 tests passed, as before",
    ]

    [line] = desk.play("publish", "--check")
    assert re.fullmatch(rf"image web-\d+T\d+Z: new, {PUBLISHED} {snapshot}, digest [0-9a-f]{{16}}", line)
    assert not (store / "images").exists()
    channel = {"osaas_channel": "web-testing"}
    published, moved = desk.play("publish", **channel)
    [release] = [path.name for path in (store / "images").iterdir()]
    assert re.fullmatch(rf"image {release}: new, {PUBLISHED} {snapshot}, digest [0-9a-f]{{16}}", published)
    assert moved == f"channel web-testing: {release}, new"
    before, moved = desk.play("publish", **channel)
    assert before.startswith(f"image {release}: as before")
    assert moved == f"channel web-testing: {release}, as before"
    stable = {"osaas_channel": "web-stable", "osaas_release": "web-testing", "osaas_reason": "soaked"}
    assert desk.play("promote", **stable) == [f"channel web-stable: {release}, new"]
    assert (store / "channels/web-stable/web.squashfs").is_file()
    assert desk.play("prune", osaas_keep=[])[-1].startswith("0 of 2 snapshots and images went")


def test_what_is_refused(desk: Desk, workshop: Workshop) -> None:
    assert desk.refused("publish", osaas_images=["base", "web"], osaas_channel="stable") == (
        "Refuse one channel for several images FAILED: A channel points at one release."
        " Publish one image at a time, or without osaas_channel."
    )
    artifacts = desk.directory.parent / "artifacts/web/manifest.json"
    assert desk.refused("publish") == (
        f"Publish the image FAILED: web: {artifacts}: nothing was made of this image."
        " Build the image with artifacts"
    )
    workshop.define("web", WEB.replace("features", "feature"))
    assert desk.refused("build", osaas_images=["base", "web"]) == (
        "Plan the image FAILED: web: web.yml:3: 'feature' is not known here. Was features meant?"
    )
