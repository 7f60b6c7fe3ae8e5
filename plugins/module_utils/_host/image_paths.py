# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Where things lie on an image host: the ESP, the data partition, and what the initrd tells of this boot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SHORT = 16  # digits of a digest that name files on the ESP


@dataclass(frozen=True)
class ImagePaths:
    """All paths, below `root`."""

    root: Path = Path("/")

    @property
    def esp(self) -> Path:
        """The EFI system partition."""
        return self.root / "efi"

    @property
    def entries(self) -> Path:
        """Boot entries, as systemd-boot reads them."""
        return self.esp / "loader/entries"

    @property
    def kernels(self) -> Path:
        """A directory per deployment with what the loader loads."""
        return self.esp / "osaas"

    @property
    def reports(self) -> Path:
        """What failed boots left, a file per deployment: nothing else of such a boot is kept."""
        return self.kernels / "failed"

    def kernel(self, digest: str) -> Path:
        """Kernel and initrd of a deployment."""
        return self.kernels / digest[:SHORT]

    def report(self, digest: str) -> Path:
        """What a failed boot of a deployment left."""
        return self.reports / f"{digest[:SHORT]}.json"

    @property
    def data(self) -> Path:
        """The data partition."""
        return self.root / "run/osaas/data"

    @property
    def deployments(self) -> Path:
        """A directory per deployment, named by its digest: whole, or not there."""
        return self.data / "deployments"

    @property
    def staging(self) -> Path:
        """A directory per download in progress, named by its digest; and what is being removed."""
        return self.data / "staging"

    @property
    def identity(self) -> Path:
        """The tree that every boot copies into /etc."""
        return self.data / "identity"

    @property
    def runtime(self) -> Path:
        """The part of the host's config that may change at any time; has the health checks."""
        return self.data / "config/runtime.json"

    @property
    def keys(self) -> Path:
        """Public keys that may have signed what is booted here, one ASCII-armored file each."""
        return self.data / "config/keys"

    @property
    def persistent(self) -> Path:
        """What an image keeps beside /var, at the same paths."""
        return self.data / "persistent"

    @property
    def verity(self) -> Path:
        """The device of the root, if dm-verity vouches for it."""
        return self.root / "dev/mapper/osaas-root"

    @property
    def state(self) -> Path:
        """What this library remembers between boots."""
        return self.data / "state"

    @property
    def lock(self) -> Path:
        """Held by who changes deployments."""
        return self.state / "lock"

    @property
    def bad(self) -> Path:
        """Deployments that failed here."""
        return self.state / "bad.json"

    @property
    def booted(self) -> Path:
        """What the initrd booted."""
        return self.root / "run/osaas/booted.json"

    @property
    def health(self) -> Path:
        """What the health program saw in this boot."""
        return self.root / "run/osaas/health.json"

    @property
    def upper(self) -> Path:
        """What this boot wrote over its root."""
        return self.root / "run/osaas/upper"

    @property
    def lower(self) -> Path:
        """The root as it was published."""
        return self.root / "run/osaas/root"
