# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Make a deployment what the next boot boots; take deployments away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import bad_images
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import BootEntry
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import ROLES, Deployment
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import digest_of, first
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_plan import (
    Commit,
    expendable,
    garbage,
    make_room,
    plan_commit,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_remove import (
    kernel_bytes,
    remove,
    tidy,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployments import (
    Standing,
    read_standing,
    remember_failures,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.esp import (
    copy_file,
    file_digest,
    free_bytes,
    remove_entry,
    write_entry,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths


@dataclass(frozen=True)
class Order:
    """Which deployment to commit. `tries` is how often it may fail, `arguments` are the host's own.

    `force` takes one that failed here before.
    """

    digest: str
    tries: int = 3
    arguments: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True)
class Committed:
    """`entry` is what the next boot boots, `entries` are all that there are then.

    `removed` are deployments that made room.
    """

    deployment: Deployment
    changed: bool
    entry: BootEntry
    entries: tuple[BootEntry, ...]
    removed: tuple[str, ...] = ()


def commit(paths: ImagePaths, order: Order, *, check: bool = False) -> Committed:
    """Write kernel and initrd, then the entry. Raises HostError; what boots is then as it was.

    What boots now stays bootable, and is what the loader falls back to.
    """
    standing = read_standing(paths)
    deployment = at_hand(standing, order.digest)
    if not check:
        remember_failures(paths, standing)
    if not order.force:
        bad_images.refuse_bad(standing.bad, order.digest)
    plan = plan_commit(standing, deployment, order.tries, order.arguments)
    stale = _stale(paths, deployment)
    needed = sum(deployment.files[role].size for role in stale)
    may_go = expendable(standing, [order.digest])
    room: Sequence[str] = ()
    if stale:
        esp = str(paths.esp)
        room = make_room(needed, free_bytes(paths.esp), may_go, kernel_bytes(paths, may_go), where=esp)
    changed = bool(plan.write or plan.remove or stale)
    if changed and not check:
        _carry_out(paths, standing, deployment, plan, stale, room)
        if order.force:
            bad_images.forget(paths, order.digest)
    entry = plan.write or _first(standing)
    stay = [one for one in standing.entries if one not in plan.remove and digest_of(one) not in room]
    entries = (*stay, *([plan.write] if plan.write else []))
    return Committed(deployment, changed, entry, entries, tuple(room))


def collect(paths: ImagePaths, keep: int, staging: str = "") -> tuple[str, ...]:
    """Remove what is beyond `keep` deployments, and what kills left; returns the digests removed.

    What there is of the digest `staging` stays.
    """
    standing = read_standing(paths)
    remember_failures(paths, standing)
    gone = garbage(standing, keep, [staging])
    for digest in gone:
        remove(paths, standing, digest)
    tidy(paths, read_standing(paths), staging)
    return tuple(gone)


def withdraw(paths: ImagePaths, digest: str, *, force: bool = False, check: bool = False) -> bool:
    """Remove a deployment and its entries; whether there was one.

    Raises HostError for what runs; and, without `force`, for what the host would fall back to.
    """
    standing = read_standing(paths)
    if digest == standing.booted:
        raise HostError("runs now", where=f"deployment {digest}", way_out="Commit and boot another one first")
    if digest == standing.previous and not force:
        raise HostError(
            "is what this host falls back to",
            where=f"deployment {digest}",
            way_out="Set force to do without",
        )
    places = (paths.deployments / digest, paths.staging / digest, paths.kernel(digest))
    there = any(place.exists() for place in places)
    if there and not check:
        remember_failures(paths, standing)
        remove(paths, standing, digest)
        tidy(paths, read_standing(paths))
    return there


def at_hand(standing: Standing, digest: str) -> Deployment:
    """The deployment of that very digest. Raises HostError if it is not here."""
    found = standing.installed.get(digest)
    if found is None:
        here = ", ".join(sorted(one.release for one in standing.installed.values())) or "nothing"
        raise HostError(
            f"is not here; here is {here}", where=f"deployment {digest}", way_out="Stage it first"
        )
    return found


def _stale(paths: ImagePaths, deployment: Deployment) -> list[str]:
    """What the loader would load, and is not on the ESP as it must be."""
    found = []
    for role in ("linux", "initrd"):
        path = paths.kernel(deployment.digest) / ROLES[role]
        if not path.exists() or file_digest(path) != deployment.files[role].sha256:
            found.append(role)
    return found


def _carry_out(
    paths: ImagePaths,
    standing: Standing,
    deployment: Deployment,
    plan: Commit,
    stale: Sequence[str],
    room: Sequence[str],
) -> None:
    for digest in room:
        remove(paths, standing, digest)
    for role in stale:
        source = paths.deployments / deployment.digest / ROLES[role]
        copy_file(source, paths.kernel(deployment.digest) / ROLES[role], deployment.files[role].sha256)
    if plan.write is not None:
        write_entry(paths, plan.write)
    for entry in plan.remove:
        remove_entry(paths, entry)


def _first(standing: Standing) -> BootEntry:
    found = first(standing.entries)
    if found is None:
        raise HostError("there is no boot entry", where="the ESP")
    return found
