# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several versions of one package, and what packages recommend; with packages made for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from integration.repo.forge import Forge
from unit.harness import ModuleResult, run

SPEC = """\
Name: tool
Version: {version}
Release: 1
Summary: A tool
License: GPL-3.0-or-later
BuildArch: noarch
Recommends: extras
%description
A tool.
%package -n extras
Summary: Extras
%description -n extras
Extras.
%install
mkdir -p %{{buildroot}}/tool %{{buildroot}}/extras
echo {version} > %{{buildroot}}/tool/version
%files
/tool
%files -n extras
/extras
"""


STREAM = """\
---
document: modulemd
version: 2
data:
  {{name: tool, stream: "{stream}", version: 1, context: c, arch: x86_64, summary: s, description: d,
   license: {{module: [MIT]}}, dependencies: [{{requires: {{platform: [test]}}}}],
   artifacts: {{rpms: ["tool-0:{stream}-1.noarch", "extras-0:{stream}-1.noarch"]}}}}
"""
MODULES = STREAM.format(stream="1") + STREAM.format(stream="2")
MODULES += """\
---
document: modulemd-defaults
version: 1
data: {module: tool, stream: "1"}
"""


@dataclass(frozen=True)
class Shop:
    directory: Path
    key: Path
    snapshot: str

    def define(self, name: str, features: str, more: str = "") -> None:
        text = f"image: {name}\nsnapshot: {self.snapshot}\n{more}features:\n{features}"
        (self.directory / f"{name}.yml").write_text(text)

    def plan(self, name: str, **options: object) -> ModuleResult:
        return self._run("image_plan", {"name": name, **options})

    def build(self, name: str) -> ModuleResult:
        layers = {"layers": str(self.directory / "layers"), "gpgkey": [str(self.key)]}
        return self._run("image", {"name": name, **layers})

    def planned(self, name: str) -> list[str]:
        plan = self.plan(name)
        assert not plan.failed, plan.msg
        return [package["nevra"] for package in plan.data["images"][-1]["install"]]

    def _run(self, module: str, options: dict[str, object]) -> ModuleResult:
        common = {"store": str(self.directory / "store"), "definitions": str(self.directory)}
        return run(module, {**common, **options}, check=False, diff=False, tmp=self.directory)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("packages"))


def make_shop(directory: Path, modules: str = "") -> Shop:
    """A store with the packages in two versions, and perhaps modules."""
    forge = Forge(directory)
    key = forge.key("upstream")
    repo = directory / "repo"
    repo.mkdir()
    for version in ("1", "2"):
        spec = directory / f"tool-{version}.spec"
        spec.write_text(SPEC.format(version=version))
        forge.run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {directory / 'top'}", spec)
    for rpm in (directory / "top/RPMS/noarch").iterdir():
        forge.sign("upstream", rpm)
        rpm.rename(repo / rpm.name)
    forge.index(repo)
    if modules:
        (directory / "modules.yaml").write_text(modules)
        argv = ("/usr/bin/modifyrepo_c", "--mdtype", "modules", directory / "modules.yaml", repo / "repodata")
        forge.run(*argv)
        forge.sign_metadata(repo)
    forge.close()
    store = {"store": str(directory / "store")}
    repository = {"name": "tools", "baseurl": [f"file://{repo}"], "gpgkey": [str(key)]}
    synced = run("repo_sync", {**store, "repositories": [repository]}, check=False, diff=False, tmp=directory)
    assert not synced.failed, synced.msg
    cut = run("snapshot", store, check=False, diff=False, tmp=directory)
    return Shop(directory, key, cut.data["snapshot"]["id"])


def test_what_a_package_recommends_comes_along_when_that_is_said(shop: Shop) -> None:
    shop.define("lean", "  - rpms: {install: [tool]}\n")
    shop.define("rich", "  - rpms: {install: [tool], weak_dependencies: true}\n")

    assert shop.planned("lean") == ["tool-0:2-1.noarch"]
    assert shop.planned("rich") == ["extras-0:2-1.noarch", "tool-0:2-1.noarch"]


def test_an_upgrade_takes_the_place_of_the_parents_version(shop: Shop) -> None:
    shop.define("old", "  - rpms: {install: [tool-1-1]}\n")
    upgrade = "image: new\nparent: old\nfeatures:\n  - rpms: {upgrade: [tool, extras]}\n"
    (shop.directory / "new.yml").write_text(upgrade)

    plan = shop.plan("new").data["images"]
    built = shop.build("new")

    assert [package["nevra"] for package in plan[0]["install"]] == ["tool-0:1-1.noarch"]
    assert plan[1]["remove"] == ["tool-0:1-1.noarch"]
    assert not built.failed, built.msg
    old, new = (shop.directory / "layers" / layer["key"] / "root" for layer in built.data["layers"])
    assert (old / "tool/version").read_text() == "1\n"
    assert (new / "tool/version").read_text() == "2\n"
    assert (new / "extras").is_dir()


def test_a_lock_holds_a_version_that_no_feature_names(shop: Shop) -> None:
    shop.define("held", "  - rpms: {install: [tool-1-1]}\n", "lock: held.lock.json\n")
    assert shop.plan("held", relock=True).changed

    shop.define("held", "  - rpms: {install: [tool]}\n", "lock: held.lock.json\n")

    assert shop.planned("held") == ["tool-0:1-1.noarch"]
    shop.define("held", "  - rpms: {install: [tool-2-1]}\n", "lock: held.lock.json\n")
    assert shop.planned("held") == ["tool-0:2-1.noarch"]


def test_a_lock_on_what_the_snapshot_does_not_have(shop: Shop) -> None:
    shop.define("gone", "  - rpms: {install: [tool]}\n", "lock: gone.lock.json\n")
    lock = shop.directory / "gone.lock.json"
    assert shop.plan("gone", relock=True).changed
    lock.write_text(json.dumps(json.loads(lock.read_text().replace("tool-0:2-1", "tool-0:3-1"))))

    assert shop.plan("gone").msg == (
        "gone.yml:3: the lock gone.lock.json cannot be met: the snapshot has no tool-0:3-1.noarch."
        " Write it anew with relock of image_plan, and review what changed"
    )


def test_packages_come_from_the_streams_that_are_asked_for(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, MODULES)
    shop.define("default", "  - rpms: {install: [tool]}\n")
    shop.define("ground", "  - directory: {path: /etc}\n")
    for name, parent, rpms in (
        ("chosen", "ground", "{install: [tool], modules: ['tool:2']}"),
        ("child", "chosen", "{install: [extras]}"),
    ):
        text = f"image: {name}\nparent: {parent}\nfeatures:\n  - rpms: {rpms}\n"
        (shop.directory / f"{name}.yml").write_text(text)

    built = shop.build("child")

    assert shop.planned("default") == ["tool-0:1-1.noarch"]
    assert shop.planned("chosen") == ["tool-0:2-1.noarch"]
    assert shop.planned("child") == ["extras-0:2-1.noarch"]
    assert not built.failed, built.msg
    root = shop.directory / "layers" / built.data["layers"][-1]["key"] / "root"
    state = (root / "etc/dnf/modules.d/tool.module").read_text()
    assert state == "[tool]\nname=tool\nstream=2\nprofiles=\nstate=enabled\n"
    shop.define("hidden", "  - rpms: {install: [tool-2-1]}\n")
    assert shop.plan("hidden").msg == (
        f"hidden.yml:4: no package of the snapshot {shop.snapshot} is or provides tool-2-1."
        " If a module stream has it that is not active, name that under modules"
    )


def test_streams_that_cannot_be(shop: Shop, tmp_path: Path) -> None:
    modular = make_shop(tmp_path, MODULES)
    features = "  - rpms: {modules: ['tool:3']}\n  - rpms: {modules: ['tool:2', 'tool:1']}\n"
    for one in (shop, modular):
        one.define("bad", features)

    assert modular.plan("bad").msg == (
        f"bad.yml:4: the snapshot {modular.snapshot} has no module stream tool:3. It has tool:1, tool:2;"
        " bad.yml:5: an image has one stream of a module: tool:2, but also tool:3 of rpms (bad.yml:4)."
        " Ask for one of them;"
        " bad.yml:5: an image has one stream of a module: tool:1, but also tool:3 of rpms (bad.yml:4)."
        " Ask for one of them"
    )
    shop.define("bad", "  - rpms: {modules: ['tool:1']}\n")
    assert shop.plan("bad").msg == (
        f"bad.yml:4: the snapshot {shop.snapshot} has no module stream tool:1. It has none"
    )
