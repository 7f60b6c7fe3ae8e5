# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Install the packages of a plan into a root: one transaction of rpm, without network, signatures checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import CommandError, VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.package_files import package_files
from ansible_collections.osaas.fleet.plugins.module_utils._image.rpm_plan import RpmPlan
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher

DATABASE = "/usr/lib/sysimage/rpm"  # where Fedora and its kin have it; a builder's own rpm may look elsewhere
MOUNTED = ("dev", "proc")


def install(sandbox: Sandbox, plan: RpmPlan, trees: Mapping[str, Path], keys: Sequence[Path]) -> None:
    """Do what the plan says. Raises VerificationError, or CommandError with rpm's words."""
    for name in (*MOUNTED, DATABASE[1:]):
        (sandbox.root / name).mkdir(parents=True, exist_ok=True)
    files = [_verified(trees[package.repository] / package.href, package.sha256) for package in plan.install]
    common = ["--root", str(sandbox.root), "--define", f"_dbpath {DATABASE}"]
    sandbox.run_around(["rpmkeys", *common, "--import", *map(str, keys)])
    verify = ["--define", "_pkgverify_level all", "--define", "_minimize_writes 1"]
    coming = {_name(package.nevra) for package in plan.install}
    if gone := [package for package in plan.remove if _name(package) not in coming]:
        # What comes next may provide what these do: the plan has seen to it that nothing is missing then.
        argv = ["rpm", *common, *_used(sandbox), "--erase", "--nodeps"]
        sandbox.run_around([*argv, *map(_without_epoch, gone)])
    if files:
        argv = ["rpm", *common, *verify, *_used(sandbox), "--upgrade", "--oldpackage", *map(str, files)]
        done = sandbox.run_around(argv)
        if faults := [line for line in done.stderr.splitlines() if "scriptlet failed" in line]:
            raise CommandError(argv[:1], 1, "", faults[-1])
        _set_modes(sandbox, files)


def _set_modes(sandbox: Sandbox, files: Sequence[Path]) -> None:
    """Give the directories that were mounted over the modes that packages say."""
    for known in package_files(sandbox.runner, files):
        if known.item.key.name.lstrip("/") in MOUNTED and isinstance(known.item, PathItem):
            (sandbox.root / known.item.path[1:]).chmod(known.item.mode or 0)


def _verified(path: Path, sha256: str) -> Path:
    hasher = Hasher("sha256")
    hasher.feed_file(path)
    if hasher.sha256 != sha256:
        what = f"its sha256 is {hasher.sha256}, the plan says {sha256}"
        raise VerificationError(what, where=str(path), way_out="Verify the store")
    return path


def _used(sandbox: Sandbox) -> list[str]:
    """Debian's rpm installs nothing unless it is told that this is meant."""
    done = sandbox.runner.run(["rpm", "--help"], check=False)
    return ["--force-debian"] if "--force-debian" in done.stdout else []


def _name(nevra: str) -> str:
    return parse_nevra(nevra, where=nevra).name


def _without_epoch(nevra: str) -> str:
    """rpm names an installed package without the epoch 0."""
    return nevra.replace("-0:", "-", 1)
