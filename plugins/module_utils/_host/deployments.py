# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What stands on an image host: its deployments, its boot entries, and what it booted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError, VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json
from ansible_collections.osaas.fleet.plugins.module_utils._host import bad_images
from ansible_collections.osaas.fleet.plugins.module_utils._host.bad_images import BadImage
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import BootEntry
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import (
    DESCRIPTION,
    MANIFEST,
    RELEASE,
    ROLES,
    Deployment,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import (
    digest_of,
    first,
    named,
    sequence_of,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.esp import read_entries
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths

LEAVING = 0  # time of the directory of a deployment whose removal has begun


@dataclass(frozen=True)
class Standing:
    """`booted` is the digest of what runs, `booted_entry` the name of the entry that it came from.

    `installed` are whole deployments by digest, `since` when each was staged (seconds since 1970). `bad` are
    deployments that failed here, remembered or not yet.
    """

    booted: str
    booted_entry: str
    entries: tuple[BootEntry, ...]
    installed: Mapping[str, Deployment]
    since: Mapping[str, float]
    bad: tuple[BadImage, ...] = ()

    @property
    def good(self) -> tuple[str, ...]:
        """Deployments that came up healthy here, what was committed last first."""
        found = [entry for entry in self.entries if digest_of(entry) and entry.tries_left is None]
        return tuple(dict.fromkeys(map(digest_of, sorted(found, key=sequence_of, reverse=True))))

    @property
    def is_good(self) -> bool:
        """Whether what runs is known to be good; its entry may have got another number since."""
        entry = named(self.entries, self.booted_entry)
        return self.booted in self.good if entry is None else entry.tries_left is None

    @property
    def current(self) -> str:
        """What runs, once it is known to be good; else empty."""
        return self.booted if self.is_good else ""

    @property
    def previous(self) -> str:
        """What it would go back to: good, here, and not what runs; empty if there is none."""
        return next((one for one in self.good if one != self.booted and one in self.installed), "")

    @property
    def committed(self) -> str:
        """What the next boot boots; empty if that is nothing of ours."""
        entry = first(self.entries)
        return digest_of(entry) if entry else ""

    @property
    def staged(self) -> tuple[str, ...]:
        """What is here and was never committed, the newest first."""
        entered = {digest_of(entry) for entry in self.entries}
        found = [digest for digest in self.installed if digest not in entered and digest != self.booted]
        return tuple(sorted(found, key=lambda digest: (self.since[digest], digest), reverse=True))

    @property
    def failed(self) -> frozenset[str]:
        """Digests of what failed here."""
        return frozenset(one.digest for one in self.bad)


def read_standing(paths: ImagePaths) -> Standing:
    """Look at the host; nothing is changed. Raises HostError on a host that is no image host."""
    booted = read_json(paths.booted)
    if booted is None:
        raise HostError(
            "is not there: this host was not booted from a deployment",
            where=str(paths.booted),
            way_out="Deployments need an image host; see the playbook provision",
        )
    entries = read_entries(paths)
    installed, since = {}, {}
    for directory in sorted(paths.deployments.glob("*")):
        deployment, staged = _read(directory), directory.stat().st_mtime
        if deployment is not None and staged != LEAVING:
            installed[directory.name] = deployment
            since[directory.name] = staged
    failed = bad_images.failures(entries, bad_images.read_reports(paths, entries), booted["entry"])
    releases = {digest: one.release for digest, one in installed.items()}
    bad = bad_images.known_bad(bad_images.read_bad(paths), failed, releases, bad_images.now())
    return Standing(booted["digest"], booted["entry"], entries, installed, since, bad)


def _read(directory: Path) -> Deployment | None:
    """The deployment in a directory, None if it was damaged: it is as good as not there."""
    try:
        release = str(read_json(directory / RELEASE)["release"])
        manifest, description = ((directory / name).read_bytes() for name in (MANIFEST, DESCRIPTION))
        found = Deployment.read(release, manifest, description)
        whole = all(
            (directory / ROLES[role]).stat().st_size == file.size for role, file in found.files.items()
        )
    except (OSError, ValueError, KeyError, TypeError, VerificationError):
        return None
    return found if whole and found.digest == directory.name else None


def remember_failures(paths: ImagePaths, standing: Standing) -> None:
    """Keep what was found to have failed: entries and reports go, this stays."""
    if standing.bad != bad_images.read_bad(paths):
        bad_images.remember(paths, standing.bad)
