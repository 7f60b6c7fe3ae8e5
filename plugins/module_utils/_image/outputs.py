# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The artifacts of an image on disk: one directory for each image, and a manifest that names every file."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._files import (
    json_text,
    read_json,
    sync_directory,
    write_json,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import listing, summarise
from ansible_collections.osaas.fleet.plugins.module_utils._image.space import check_space
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey

MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.asc"


@dataclass(frozen=True)
class Output:
    """One file that was made; or directory, whose digest is that of its listing."""

    kind: str
    file: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Outputs:
    """The directory of one image's artifacts. It is made whole beside its place, then swapped in.

    Its manifest is signed with the `key`, if there is one. So many artifacts are made at a time as `parallel`
    says.
    """

    directory: Path
    key: SigningKey | None = None
    parallel: int = 1

    def current(self, image: Finished, artifacts: Sequence[Artifact]) -> list[Output] | None:
        """What is there, if it was made of this image with these options and tools."""
        manifest = read_json(self.directory / MANIFEST)
        about = json.loads(json_text(_about(image, artifacts)))
        if manifest is None or {name: manifest.get(name) for name in about} != about:
            return None
        if self.key is not None and not self._is_signed(image.tools.runner, self.key):
            return None
        return [Output(**one) for one in manifest["artifacts"]]

    def make(self, image: Finished, artifacts: Sequence[Artifact]) -> list[Output]:
        """Make all artifacts. Raises FleetError."""
        parent = self.directory.parent
        parent.mkdir(parents=True, exist_ok=True)
        for half in parent.glob(f".{self.directory.name}.*"):
            shutil.rmtree(half)
        check_space(parent, sum(one.room(image) for one in artifacts), what="the artifacts need")
        half = Path(tempfile.mkdtemp(prefix=f".{self.directory.name}.", dir=parent))
        half.chmod(0o755)
        with ThreadPoolExecutor(max(1, self.parallel)) as pool:
            making = [pool.submit(_make, one, image, half) for one in artifacts]
            made = [output for one in making for output in one.result()]
        manifest = {**_about(image, artifacts), "artifacts": [asdict(output) for output in made]}
        write_json(half / MANIFEST, manifest)
        if self.key is not None:
            self.key.sign(image.tools.runner, half / MANIFEST)
        old = half.with_name(f"{half.name}.old")
        if self.directory.exists():
            self.directory.replace(old)
        half.replace(self.directory)
        sync_directory(parent)
        shutil.rmtree(old, ignore_errors=True)
        return made

    def _is_signed(self, runner: Runner, key: SigningKey) -> bool:
        signature = self.directory / SIGNATURE
        return signature.is_file() and key.has_signed(runner, self.directory / MANIFEST, signature)


def _make(artifact: Artifact, image: Finished, directory: Path) -> list[Output]:
    return list(_outputs(artifact, image, directory))


def _outputs(artifact: Artifact, image: Finished, directory: Path) -> Iterator[Output]:
    target = directory / f"{image.name}{artifact.suffix}"
    artifact.make(image, target)
    for path in artifact.files(target):
        if path.is_dir():
            summary = summarise(listing(path))
            yield Output(artifact.kind, path.name, summary.digest, summary.bytes)
        else:
            path.chmod(0o644)
            hasher = Hasher("sha256")
            hasher.feed_file(path)
            yield Output(artifact.kind, path.name, hasher.sha256, hasher.size)


def _about(image: Finished, artifacts: Sequence[Artifact]) -> dict[str, object]:
    """What the artifacts are made of, for the manifest."""
    return {
        "image": image.name,
        "snapshot": image.built.snapshot,
        "digest": image.digest,
        "packages": [package.nevra for package in image.built.packages],
        "labels": dict(image.built.labels),
        "appliance": image.appliance,
        "others": {name: other.digest for name, other in image.others.items()},
        "options": [{"kind": artifact.kind, **asdict(artifact)} for artifact in artifacts],
    }
