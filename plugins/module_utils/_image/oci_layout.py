# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The OCI image layout: an index, which names a manifest, which names a configuration and layers by digest.

OCI Image Format Specification 1.0; https://containers.github.io/bootc names the labels of bootc.
"""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifacts.tar import REPRODUCIBLE
from ansible_collections.osaas.fleet.plugins.module_utils._image.boot_files import MODULES
from ansible_collections.osaas.fleet.plugins.module_utils._image.oci_layer import (
    Blob,
    LayerBlob,
    add_blob,
    make_layer,
)

TYPE = "application/vnd.oci.image"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as Go calls them, and so OCI


def make_archive(image: Finished, target: Path, scratch: Path) -> None:
    """Write the archive. Raises CommandError."""
    layout = _Layout(image, scratch / "layout")
    layout.write()
    settings = [f"--mtime=@{image.epoch}", "--owner=0", "--group=0", "--mode=u=rwX,go=rX"]
    what = [f"--directory={layout.place}", f"--file={target}", "blobs", "index.json", "oci-layout"]
    image.run(["tar", "--create", *REPRODUCIBLE, *settings, *what], target.parent)


@dataclass(frozen=True)
class _Layout:
    image: Finished
    place: Path

    def write(self) -> None:
        (self.place / "blobs/sha256").mkdir(parents=True)
        before: Path | None = None
        layers: list[LayerBlob] = []
        for layer in self.image.stack:
            layers.append(make_layer(self.image, self.place, before, layer))
            before = layer
        config = self._add(f"{TYPE}.config.v1+json", self._config(layers))
        manifest = self._add(
            f"{TYPE}.manifest.v1+json",
            {
                "schemaVersion": 2,
                "mediaType": f"{TYPE}.manifest.v1+json",
                "config": config,
                "layers": [_descriptor(f"{TYPE}.layer.v1.tar+gzip", layer.blob) for layer in layers],
                "annotations": self._labels,
            },
        )
        # As podman and skopeo name what they load; a repository is in lower case.
        name = f"{self.image.name.lower()}:{self.image.built.snapshot}"
        index = {
            "schemaVersion": 2,
            "manifests": [{**manifest, "annotations": {"org.opencontainers.image.ref.name": name}}],
        }
        (self.place / "index.json").write_text(json_text(index), encoding="utf-8")
        (self.place / "oci-layout").write_text(json_text({"imageLayoutVersion": "1.0.0"}), encoding="utf-8")

    def _config(self, layers: Sequence[LayerBlob]) -> dict[str, t.Any]:
        return {
            "architecture": ARCHITECTURES.get(self.image.built.arch, self.image.built.arch),
            "os": "linux",
            "created": self._created,
            "config": {"Labels": self._labels, "Cmd": ["/sbin/init"], "StopSignal": "SIGRTMIN+3"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in layers]},
            "history": [
                {"created": self._created, "created_by": f"osaas.fleet, layer {layer.name}"}
                for layer in self.image.stack
            ],
        }

    @property
    def _created(self) -> str:
        return datetime.fromtimestamp(self.image.epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def _labels(self) -> dict[str, str]:
        """Those of the image go before ours."""
        labels = {
            "org.opencontainers.image.title": self.image.name,
            "org.opencontainers.image.version": self.image.built.snapshot,
            "org.opencontainers.image.created": self._created,
        }
        if any((self.image.root / MODULES).glob("*/vmlinuz")):
            labels["containers.bootc"] = "1"
        return {**labels, **self.image.built.labels}

    def _add(self, kind: str, value: t.Any) -> dict[str, t.Any]:
        path = self.place / "value.json"
        path.write_text(json_text(value), encoding="utf-8")
        return _descriptor(kind, add_blob(self.place, path))


def _descriptor(kind: str, blob: Blob) -> dict[str, t.Any]:
    return {"mediaType": kind, "digest": f"sha256:{blob.sha256}", "size": blob.size}
