# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What an image host boots: a root that is vouched for block by block, with its kernel and boot loader."""

from __future__ import annotations

import shutil
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import write_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.boot_files import (
    find_kernel,
    find_loader,
    kernel_arguments,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.file_systems import make_erofs
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_host.paths import ROOT_SCRIPT
from ansible_collections.osaas.fleet.plugins.module_utils._image.loader import title
from ansible_collections.osaas.fleet.plugins.module_utils._image.verity import BLOCK, format_verity

# Of every image: equal blocks of two images have equal hashes, so a host finds those that it has already.
SALT = "6f73616173" + "0" * 54
# A host that does not get anywhere starts anew, and its boot loader chooses something else in the end.
UNATTENDED = ("panic=5", "systemd.crash_reboot=yes", "rd.shell=0", "rd.emergency=reboot")
PARTS = {"root": ".root.erofs", "verity": ".root.verity", "linux": ".vmlinuz", "initrd": ".initramfs"}


@dataclass(frozen=True)
class DeploymentArtifact(Artifact, kind="deployment"):
    """Each part is a file of its own, which a host fetches by itself; a JSON file says what they are."""

    suffix: t.ClassVar = ".deployment.json"
    about: t.ClassVar = "What image hosts boot. The image has the feature image_host, and brings its kernel."

    def make(self, image: Finished, target: Path) -> None:
        if not (image.root / ROOT_SCRIPT.lstrip("/")).is_file():
            raise InputError(
                f"a deployment boots by {ROOT_SCRIPT}, which is not in the image",
                where=image.name,
                way_out="Give it the feature image_host",
            )
        kernel = find_kernel(image.root)
        root, verity, linux, initrd, loader = self.files(target)[1:]
        make_erofs(image, root)
        root_hash = format_verity(image, root, verity, salt=SALT)
        for source, copy in ((kernel.image, linux), (kernel.initramfs, initrd)):
            shutil.copyfile(source, copy)
        found = find_loader(image.root, "systemd-boot*.efi")
        shutil.copyfile(found, loader)
        said = kernel_arguments(image.root)
        about = {
            "format": 1,
            "image": image.name,
            "version": image.built.snapshot,
            "title": title(image.root),
            "root_hash": root_hash,
            "salt": SALT,
            "data_blocks": root.stat().st_size // BLOCK,
            "kernel": kernel.version,
            "arguments": [*(one for one in UNATTENDED if one not in said), *said],
            "files": {part: f"{image.name}{suffix}" for part, suffix in PARTS.items()},
            "loader": {"file": loader.name, "architecture": found.stem[len("systemd-boot") :]},
        }
        write_json(target, about)

    def files(self, target: Path) -> Sequence[Path]:
        name = target.name[: -len(self.suffix)]
        return [target, *(target.with_name(f"{name}{suffix}") for suffix in (*PARTS.values(), ".loader.efi"))]
