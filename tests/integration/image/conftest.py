# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Testbed Linux in a store, and directories to build images of it in."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testbed.distro import Distro, ensure_distro
from unit.harness import ModuleResult, run

BASE = "SNAPSHOT\nfeatures:\n  - rpms: {install: [bash, coreutils, util-linux]}\n"
CACHE = Path(__file__).parents[3] / ".cache/testbed"


@dataclass(frozen=True)
class Released:
    """A store with one snapshot of Testbed Linux."""

    distro: Distro
    store: Path
    snapshot: str


def release(flavour: str, tmp_path_factory: pytest.TempPathFactory, upstream: str = "r1") -> Released:
    """Put a release of a flavour of Testbed Linux into a store of its own."""
    distro = ensure_distro(flavour, cache=CACHE, progress=print)
    store, tmp = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("remote_tmp")
    repositories = [
        {"name": name, "baseurl": [f"file://{distro.release(upstream) / name}"], "gpgkey": [str(distro.key)]}
        for name in ("baseos", "appstream")
    ]
    synced = {"store": str(store), "repositories": repositories}
    assert not run("repo_sync", synced, check=False, diff=False, tmp=tmp).failed
    cut = run("snapshot", {"store": str(store)}, check=False, diff=False, tmp=tmp)
    return Released(distro, store, cut.data["snapshot"]["id"])


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return release("testbed-9", tmp_path_factory)


@dataclass
class Workshop:
    """Where one test defines and builds images."""

    released: Released
    directory: Path

    @property
    def definitions(self) -> Path:
        return self.directory / "definitions"

    def define(self, name: str, text: str) -> None:
        """Write a definition; SNAPSHOT in it is the one that there is."""
        text = text.replace("SNAPSHOT", f"snapshot: {self.released.snapshot}")
        (self.definitions / f"{name}.yml").write_text(f"image: {name}\n{text}")

    def build(self, name: str, *, check: bool = False, where: str = "here", **options: Any) -> ModuleResult:
        """Run the module image, in the directories called `where`."""
        place = self.directory / where
        common = {
            "store": str(self.released.store),
            "definitions": str(self.definitions),
            "name": name,
            "layers": str(place / "layers"),
            "output": str(place / "images"),
            "gpgkey": [str(self.released.distro.key)],
        }
        result = run("image", {**common, **options}, check=check, diff=False, tmp=self.directory)
        assert not result.warnings, result.warnings
        return result

    def plan(self, name: str, *, check: bool = False, **options: Any) -> ModuleResult:
        """Run the module image_plan."""
        common = {"store": str(self.released.store), "definitions": str(self.definitions), "name": name}
        return run("image_plan", {**common, **options}, check=check, diff=True, tmp=self.directory)

    def root(self, built: ModuleResult, where: str = "here") -> Path:
        """The root of the image that was built."""
        key: str = built.data["layers"][-1]["key"]
        return self.directory / where / "layers" / key / "root"


@pytest.fixture(scope="session")
def base(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layers of the image `base`, built once."""
    made = make_workshop(released, tmp_path_factory.mktemp("base"))
    assert not made.build("base").failed
    return made.directory / "here/layers"


@pytest.fixture(scope="module")
def shop(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A workshop for a whole file of tests."""
    return make_workshop(released, tmp_path_factory.mktemp("shop"))


@pytest.fixture
def workshop(released: Released, base: Path, tmp_path: Path) -> Workshop:
    """A workshop that has `base` already, in the directories called "here"."""
    made = make_workshop(released, tmp_path)
    (tmp_path / "here").mkdir()
    subprocess.run(["cp", "--archive", "--link", str(base), str(tmp_path / "here/layers")], check=True)
    return made


def make_workshop(released: Released, directory: Path) -> Workshop:
    """A workshop with the definition of `base`, of which nothing is built."""
    made = Workshop(released, directory)
    made.definitions.mkdir()
    made.define("base", BASE)
    return made
