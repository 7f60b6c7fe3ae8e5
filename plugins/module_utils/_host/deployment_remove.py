# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Take deployments away, in an order in which a kill never leaves an entry that boots nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import sync_directory
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import digest_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployments import LEAVING, Standing
from ansible_collections.osaas.fleet.plugins.module_utils._host.esp import remove_entry
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import SHORT, ImagePaths


def remove(paths: ImagePaths, standing: Standing, digest: str) -> None:
    """Entries first, then what they load, then the rest; each is durable before the next begins.

    It is marked before: without entries, it would be taken for one that was staged.
    """
    directory = paths.deployments / digest
    if directory.exists():
        os.utime(directory, (LEAVING, LEAVING))
        sync_directory(directory)
    for entry in standing.entries:
        if digest_of(entry) == digest:
            remove_entry(paths, entry)
    _remove_kernel(paths, digest[:SHORT])
    if directory.exists():
        # Out of the way first: half a deployment would be taken for a whole one.
        paths.staging.mkdir(parents=True, exist_ok=True)
        gone = paths.staging / f"{digest}.gone"
        _remove_tree(gone)
        directory.replace(gone)
        sync_directory(paths.deployments)
        _remove_tree(gone)


def tidy(paths: ImagePaths, standing: Standing, staging: str = "") -> None:
    """Clear up after kills: halves of files, kernels without an entry, downloads that nobody goes on with.

    The download of the digest `staging` stays.
    """
    for half in paths.entries.glob("*.new"):
        half.unlink()
    if paths.staging.is_dir():
        for one in paths.staging.iterdir():
            if one.name != staging:
                _remove_tree(one)
    if paths.deployments.is_dir():
        for one in paths.deployments.iterdir():
            if one.name not in standing.installed and one.name != standing.booted:
                remove(paths, standing, one.name)  # it is damaged: nobody can boot it
    used = {digest_of(entry)[:SHORT] for entry in standing.entries}
    if paths.kernels.is_dir():
        for one in paths.kernels.iterdir():
            if one.name not in (*used, paths.reports.name):
                _remove_kernel(paths, one.name)
    if paths.reports.is_dir():
        for report in paths.reports.iterdir():
            if report.stem not in used:  # it is remembered, and nothing can fail anew
                report.unlink()


def kernel_bytes(paths: ImagePaths, digests: Collection[str]) -> dict[str, int]:
    """What each of these deployments takes of the ESP."""
    return {digest: tree_bytes(paths.kernel(digest)) for digest in digests}


def data_bytes(paths: ImagePaths, digests: Collection[str]) -> dict[str, int]:
    """What each of these deployments takes of the data partition."""
    return {digest: tree_bytes(paths.deployments / digest) for digest in digests}


def tree_bytes(directory: Path) -> int:
    """What the files in a directory take on the disk; holes take nothing."""
    if not directory.is_dir():
        return 0
    return sum(path.stat().st_blocks * 512 for path in directory.iterdir())


def _remove_kernel(paths: ImagePaths, short: str) -> None:
    _remove_tree(paths.kernels / short)
    with contextlib.suppress(FileNotFoundError):
        sync_directory(paths.kernels)


def _remove_tree(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
