# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One real upstream, served by a real nginx, and a store to mirror it into."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from integration.repo.forge import Forge
from integration.repo.nginx import Nginx, serve
from unit.harness import ModuleResult, run

NAMES = ["alpha", "beta", "gamma", "delta"]


@dataclass(frozen=True)
class Built:
    """What the session made once: signed packages of two versions, unsigned ones, and keys."""

    forge: Forge
    key: Path
    other_key: Path
    site_key: Path
    packages: dict[str, Path]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    forge = Forge(tmp_path_factory.mktemp("forge"))
    key, other, site = forge.key("upstream"), forge.key("stranger"), forge.key("site")
    packages = {"unsigned": forge.build("0", ["alpha"])}
    for version in ("1", "2"):
        packages[version] = forge.build(version, NAMES)
        forge.sign("upstream", *sorted(packages[version].iterdir()))
    yield Built(forge, key, other, site, packages)
    forge.close()


@dataclass
class Upstream:
    """A repo that upstream can change, and how to sync it into a store of ours."""

    built: Built
    nginx: Nginx
    path: Path
    store: Path
    tmp: Path

    @property
    def url(self) -> str:
        return f"{self.nginx.url}/{self.path.name}/"

    def offer(self, *versions: str, options: tuple[str, ...] = ()) -> None:
        """Let the upstream have the packages of these versions, and no others."""
        shutil.rmtree(self.path, ignore_errors=True)
        packages = self.path / "Packages"
        packages.mkdir(parents=True)
        for version in versions:
            for rpm in self.built.packages[version].iterdir():
                shutil.copy(rpm, packages)
        self.index(options=options)

    def index(self, *, options: tuple[str, ...] = ()) -> None:
        self.built.forge.index(self.path, options=options)

    def sync(
        self, *, check: bool = False, repository: dict[str, Any] | None = None, **options: Any
    ) -> ModuleResult:
        """Run repo_sync for this repo, with changes to its description or to the module's options."""
        described = {
            "name": "os",
            "baseurl": [self.url],
            "gpgkey": [str(self.built.key)],
            **(repository or {}),
        }
        return self.module("repo_sync", check=check, **{"repositories": [described], "retries": 1, **options})

    @property
    def signing(self) -> dict[str, Any]:
        """Options that let the site sign derived metadata."""
        return {"signing_key": "site@example.invalid", "gnupg_home": str(self.built.forge.root / "gnupg")}

    def module(self, name: str, /, *, check: bool = False, **options: Any) -> ModuleResult:
        result = run(name, {"store": str(self.store), **options}, check=check, diff=True, tmp=self.tmp)
        assert not result.warnings, result.warnings
        return result


@pytest.fixture
def upstream(built: Built, tmp_path: Path) -> Iterator[Upstream]:
    (tmp_path / "www").mkdir()
    (tmp_path / "remote_tmp").mkdir()
    with serve(tmp_path, tmp_path / "nginx") as nginx:
        made = Upstream(built, nginx, tmp_path / "www", tmp_path / "store", tmp_path / "remote_tmp")
        made.offer("1")
        yield made
