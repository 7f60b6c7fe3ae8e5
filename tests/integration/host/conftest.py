# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store with small images, made and signed by the real tools, and the disk of an image host."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host import host_program
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import ROLES
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import deployment_entry
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths
from ansible_collections.osaas.fleet.plugins.module_utils._host.spawn import WorkerRunner
from ansible_collections.osaas.fleet.plugins.modules import deployment, deployment_info
from integration.image.site import SiteKey, make_key
from testbed.firmware.disk import provision_at
from testbed.firmware.loader import argument, choose
from unit.harness import ModuleResult, run

SALT = "6f73616173" + "0" * 54
UUID = "6f736161-7300-4000-8000-000000000000"
MIB = 1 << 20


@dataclass(frozen=True)
class Published:
    """An image in the store."""

    release: str
    digest: str
    directory: Path

    @property
    def root(self) -> Path:
        return self.directory / "web.root.erofs"


@dataclass(frozen=True)
class SigningKey(SiteKey):
    """A key that signs beside a file."""

    def sign(self, path: Path) -> None:
        gpg = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--yes", "--armor", "--detach-sign"]
        subprocess.run([*gpg, str(path)], check=True)


@dataclass
class Publisher:
    """Publishes images of trees of files. All have `common` files, as releases of one OS do."""

    store: Path
    key: SigningKey
    common: Path
    _count: int = 0

    def publish(
        self,
        files: Mapping[str, bytes],
        *,
        signed: bool = True,
        about: Mapping[str, Any] | None = None,
        kernel: str = "",
    ) -> Published:
        self._count += 1
        release = f"web-20261122T{self._count:06d}Z"
        place = self.store / "images" / release
        place.mkdir(parents=True)
        tree = self.store / "trees" / release
        subprocess.run(["cp", "-a", str(self.common), str(_parent(tree))], check=True)
        for name, content in files.items():
            _parent(tree / name).unlink(missing_ok=True)
            (tree / name).write_bytes(content)
        root, verity = place / "web.root.erofs", place / "web.root.verity"
        subprocess.run(["mkfs.erofs", "--quiet", "-T0", f"-U{UUID}", str(root), str(tree)], check=True)
        formatted = subprocess.run(
            ["veritysetup", "format", f"--salt={SALT}", f"--uuid={UUID}", str(root), str(verity)],
            check=True,
            capture_output=True,
            text=True,
        )
        (place / "web.vmlinuz").write_bytes((kernel or release).encode() * 4096)
        (place / "web.initramfs").write_bytes((kernel or release).encode() * 8192)
        described = {
            "format": 1,
            "image": "web",
            "version": "20261122T000000Z",
            "title": f"Web {self._count}",
            "root_hash": formatted.stdout.split("Root hash:")[1].split()[0],
            "salt": SALT,
            "data_blocks": root.stat().st_size // 4096,
            "kernel": "6.1.0",
            "arguments": ["panic=5"],
            "files": {
                "root": root.name,
                "verity": verity.name,
                "linux": "web.vmlinuz",
                "initrd": "web.initramfs",
            },
        } | dict(about or {})
        (place / "web.deployment.json").write_text(json.dumps(described))
        self._list(place, signed)
        return Published(release, _digest(place / "manifest.json"), place)

    def _list(self, place: Path, signed: bool) -> None:
        artifacts = [
            {"kind": "deployment", "file": path.name, "sha256": _digest(path), "size": path.stat().st_size}
            for path in sorted(place.iterdir())
        ]
        (place / "manifest.json").write_text(json.dumps({"image": "web", "artifacts": artifacts}))
        if signed:
            self.key.sign(place / "manifest.json")


@dataclass
class Host:
    """The disk of an image host, as it is mounted while it runs."""

    root: Path
    store: Path
    key: str

    @property
    def paths(self) -> ImagePaths:
        return ImagePaths(self.root)

    @property
    def url(self) -> str:
        return f"file://{self.store}"

    def provision(self, image: Published) -> None:
        """Put an image there as the only one, and boot it."""
        for directory in (self.paths.upper, self.paths.lower):
            directory.mkdir(parents=True, exist_ok=True)
        entry = deployment_entry(provision_at(self.paths.esp, self.paths.data, image.directory))
        self.booted(image.digest, entry.name)

    def booted(self, digest: str, entry: str) -> None:
        self.paths.booted.write_text(json.dumps({"digest": digest, "entry": entry}))

    def rehearse(self, use: Callable[[], object]) -> None:
        """Do something that leaves no trace on this host."""
        kept = self.root.with_name("kept")
        subprocess.run(["cp", "-a", str(self.root), str(kept)], check=True)
        use()
        shutil.rmtree(self.root)
        kept.rename(self.root)

    def entries(self) -> list[str]:
        return [path.name for path in sorted(self.paths.entries.iterdir())]

    def boot(self) -> str:
        """Start it as far as the root: what is chosen, and all that it loads, must be whole."""
        choice = choose(self.paths.esp)
        assert choice.entry is not None, "there is nothing to boot"
        digest = argument(choice.entry, "osaas.digest")
        place = self.paths.deployments / digest
        for path, role in ((choice.entry.linux, "linux"), (choice.entry.initrd[0], "initrd")):
            assert (self.paths.esp / path.lstrip("/")).read_bytes() == (place / ROLES[role]).read_bytes()
        root_hash = argument(choice.entry, "osaas.roothash")
        root, tree = (str(place / ROLES[role]) for role in ("root", "verity"))
        subprocess.run(["veritysetup", "verify", root, tree, root_hash], check=True)
        self.booted(digest, choice.entry.name)
        return digest

    def bless(self) -> None:
        assert host_program.bless(self.paths, WorkerRunner()) == 0

    def stage(self, image: Published, *, check: bool = False, **more: Any) -> ModuleResult:
        given = {
            "release": image.release,
            "url": self.url,
            "gpgkeys": [{"name": "site", "content": self.key}],
        }
        return self.deployment("staged", image, check=check, **{**given, **more})

    def commit(self, image: Published, *, check: bool = False, **more: Any) -> ModuleResult:
        return self.deployment("committed", image, check=check, **more)

    def deployment(self, state: str, image: Published, *, check: bool = False, **more: Any) -> ModuleResult:
        given = {"state": state, "digest": image.digest, **more}
        return self._run("deployment", given, check=check)

    def info(self) -> dict[str, Any]:
        result = self._run("deployment_info", {})
        assert not result.failed, result.msg
        told: dict[str, Any] = result.data["deployment"]
        return told

    def _run(self, module: str, given: Mapping[str, Any], *, check: bool = False) -> ModuleResult:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(deployment, "PATHS", self.paths)
            patch.setattr(deployment_info, "PATHS", self.paths)
            result = run(module, given, check=check, diff=True, tmp=self.root)
        assert not result.warnings, result.warnings
        return result


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    with make_key(tmp_path_factory.mktemp("key")) as made:
        yield SigningKey(made.home, made.public)


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all images have: 8 MiB that no two blocks of are alike."""
    tree = tmp_path_factory.mktemp("common") / "tree"
    (tree / "usr").mkdir(parents=True)
    chance = random.Random(7)
    for number in range(8):
        (tree / f"usr/{number}").write_bytes(chance.randbytes(MIB))
    return tree


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory in memory, where there is some: what is flushed there costs nothing."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="osaas-host-", dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


@pytest.fixture
def publisher(place: Path, key: SigningKey, common: Path) -> Publisher:
    return Publisher(place / "store", key, common)


@pytest.fixture
def image_a(publisher: Publisher) -> Published:
    return publisher.publish({"usr/name": b"a"})


@pytest.fixture
def image_b(publisher: Publisher) -> Published:
    return publisher.publish({"usr/name": b"b", "usr/3": random.Random(8).randbytes(MIB)})


@pytest.fixture
def host(place: Path, publisher: Publisher, image_a: Published) -> Host:
    """A host that runs image_a."""
    made = Host(place / "host", publisher.store, publisher.key.public.read_text())
    made.provision(image_a)
    return made


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
