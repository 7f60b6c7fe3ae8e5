# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The artifacts of an image on disk: one directory for each image, and a manifest that names every file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, sync_directory, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Output:
    """One file that was made."""

    kind: str
    file: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Outputs:
    """The directory of one image's artifacts. It is made whole beside its place, then swapped in."""

    directory: Path

    def current(self, digest: str, artifacts: Sequence[Artifact]) -> list[Output] | None:
        """What is there, if it was made of this image with these options."""
        manifest = read_json(self.directory / MANIFEST)
        if manifest is None or manifest["digest"] != digest or manifest["options"] != _told(artifacts):
            return None
        return [Output(**one) for one in manifest["artifacts"]]

    def make(self, image: Finished, artifacts: Sequence[Artifact], about: dict[str, object]) -> list[Output]:
        """Make all artifacts; `about` goes into the manifest. Raises FleetError."""
        parent = self.directory.parent
        parent.mkdir(parents=True, exist_ok=True)
        for half in parent.glob(f".{self.directory.name}.*"):
            shutil.rmtree(half)
        half = Path(tempfile.mkdtemp(prefix=f".{self.directory.name}.", dir=parent))
        half.chmod(0o755)
        made = [_make(one, image, half) for one in artifacts]
        manifest = {
            **about,
            "digest": image.digest,
            "options": _told(artifacts),
            "artifacts": [asdict(output) for output in made],
        }
        write_json(half / MANIFEST, manifest)
        old = half.with_name(f"{half.name}.old")
        if self.directory.exists():
            self.directory.replace(old)
        half.replace(self.directory)
        sync_directory(parent)
        shutil.rmtree(old, ignore_errors=True)
        return made


def _make(artifact: Artifact, image: Finished, directory: Path) -> Output:
    path = directory / f"{image.name}{artifact.suffix}"
    artifact.make(image, path)
    hasher = Hasher("sha256")
    hasher.feed_file(path)
    return Output(artifact.kind, path.name, hasher.sha256, hasher.size)


def _told(artifacts: Sequence[Artifact]) -> list[dict[str, object]]:
    return [{"kind": artifact.kind, **asdict(artifact)} for artifact in artifacts]
