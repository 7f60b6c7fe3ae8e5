# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Where services that are images, and their units, lie on a host; and what is there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._files import sync_directory, write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths
from ansible_collections.osaas.fleet.plugins.module_utils._host.services import Service, service_of

_WANTED_BY = "multi-user.target.wants"
_VENDOR_UNITS = ("usr/lib/systemd/system", "lib/systemd/system", "run/systemd/system")


@dataclass(frozen=True)
class ServicePaths:
    """All paths, below `root`."""

    root: Path = Path("/")

    @property
    def images(self) -> Path:
        """A directory per image, named by its digest: whole, or not there."""
        return self.root / "var/lib/osaas/services/images"

    def tree(self, digest: str) -> Path:
        """The root of a service."""
        return self.images / digest / "tree"

    @property
    def pending(self) -> Path:
        """What was there before the change that is under way; there is no such file at other times."""
        return self.root / "var/lib/osaas/services/pending.json"

    @property
    def config(self) -> Path:
        """The host's config; on an image host it lies beside the deployments."""
        image_host = ImagePaths(self.root)
        return image_host.data / "config" if self.is_image_host else self.root / "var/lib/osaas/config"

    @property
    def is_image_host(self) -> bool:
        """Whether the host was booted from a deployment."""
        return ImagePaths(self.root).booted.exists()

    @property
    def units(self) -> tuple[Path, ...]:
        """Directories that have the units: that of this boot, and what an image host's next boots get."""
        kept = (ImagePaths(self.root).identity / "systemd/system",) if self.is_image_host else ()
        return (self.root / "etc/systemd/system", *kept)


@dataclass(frozen=True)
class UnitFiles:
    """The units of services on a host."""

    paths: ServicePaths

    def current(self) -> dict[str, Service]:
        """The services that are there, by name."""
        found = {unit: service_of(unit, text) for unit, text in self._all()}
        return {one.name: one for one in found.values() if one is not None}

    def text(self, unit: str) -> str | None:
        """What a unit of a service is; None if there is none."""
        path = self.paths.units[0] / unit
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def refuse_stranger(self, unit: str) -> None:
        """Raises HostError if the host has a unit of this name that is no service of ours."""
        text = self.text(unit)
        known = [self.paths.root / place / unit for place in _VENDOR_UNITS]
        if (text is not None and service_of(unit, text) is None) or any(path.exists() for path in known):
            raise HostError(
                "is a unit that the host has already",
                where=unit,
                way_out="Give the service another name, or remove what brings that unit",
            )

    def put(self, units: Mapping[str, str | None]) -> None:
        """Write these units and have them start at boot; None removes one."""
        for directory in self.paths.units:
            wants = directory / _WANTED_BY
            wants.mkdir(parents=True, exist_ok=True)
            for unit, text in units.items():
                link = wants / unit
                if text is None:
                    link.unlink(missing_ok=True)
                    (directory / unit).unlink(missing_ok=True)
                    continue
                write_atomic(directory / unit, text.encode())
                if not link.is_symlink():
                    link.symlink_to(f"../{unit}")
            sync_directory(wants)
            sync_directory(directory)

    def _all(self) -> Iterator[tuple[str, str]]:
        for path in sorted(self.paths.units[0].glob("*.service")):
            if path.is_file() and not path.is_symlink():
                yield path.name, path.read_text(encoding="utf-8", errors="replace")
