# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the whole distribution: fetch, unpack, convert, build, sign, publish; each step once."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import deb, packages, rpm, tree
from .cache import DistroError, Progress, code, digest, sole_builder, write_atomic
from .flavour import Amendment, Flavour
from .keys import KEY_NAME, Key, signing_key
from .plan import Build, Unpacked, converted
from .publish import Notice, Package, publish
from .releases import RELEASES
from .testbed_9 import TESTBED_9

FLAVOURS = {flavour.name: flavour for flavour in (TESTBED_9,)}
_WORKERS = 2


@dataclass(frozen=True)
class Distro:
    """A built distribution. `key` is the armored public key, `fingerprint` that of the key."""

    root: Path
    flavour: str
    key: Path
    fingerprint: str

    def release(self, name: str) -> Path:
        """The directory of a release ("r1" …), which holds the repos baseos and appstream."""
        return self.root / "upstream" / name


def ensure_distro(flavour: str = "testbed-9", *, cache: Path, progress: Progress) -> Distro:
    """Build what is missing of the flavour below `cache` and return it; nothing is done twice.

    Raises DistroError with one line for a person.
    """
    if flavour not in FLAVOURS:
        raise DistroError(f"flavour {flavour!r} is not known; choose from {', '.join(FLAVOURS)}")
    root = cache.resolve() / flavour
    root.mkdir(parents=True, exist_ok=True)
    stamp = root / "complete"
    state = digest(*(code(path.name) for path in sorted(Path(__file__).parent.glob("*.py"))),
                   *(code(f"beacon/{path.name}") for path in sorted((Path(__file__).parent / "beacon").iterdir())))
    with sole_builder(root, progress):
        complete = stamp.read_text().split() if stamp.exists() else []
        if complete[:1] != [state]:
            with signing_key(root) as key:
                _build(FLAVOURS[flavour], root, key, progress)
            complete = [state, key.fingerprint]
            write_atomic(stamp, " ".join(complete))
    return Distro(root, flavour, root / KEY_NAME, complete[1])


def _build(flavour: Flavour, root: Path, key: Key, progress: Progress) -> None:
    progress("fetching Debian packages with apt")
    files = deb.fetch((*flavour.core, *flavour.tools), root / "debs")
    unpacked = _unpack(flavour, files, root / "trees", progress)
    plans = _plans(flavour, unpacked, root / "trees", key)
    signed = _signed(plans, root / "rpms", key, progress)
    notices: list[Notice] = []
    before: dict[str, Build] = {}
    for release, plan in zip(RELEASES, plans, strict=True):
        if release.advisory:
            newer = tuple(build.spec for name, build in plan.items() if build != before.get(name))
            issued = datetime.fromtimestamp(release.issued, UTC).strftime("%Y-%m-%d %H:%M:%S")
            notices.append(Notice(release.advisory, issued, newer))
        contents = [Package(build.spec, signed[_key(build, key)]) for build in plan.values()]
        publish(flavour, release, contents, notices, key, root / "upstream" / release.name)
        progress(f"published {release.name}: {len(contents)} packages")
        before = plan


def _unpack(flavour: Flavour, files: Iterable[Path], trees: Path, progress: Progress) -> list[Unpacked]:
    with ThreadPoolExecutor(_WORKERS) as pool:
        known = {one.name: one for one in pool.map(deb.read, files) if one.name not in flavour.dropped}
        kept = deb.closure((*flavour.core, *flavour.tools), known)

        def unpack(one: deb.Deb) -> Unpacked:
            amendment = flavour.amendments.get(one.name, Amendment())
            return Unpacked(one, tree.unpack(one, amendment, flavour.python, trees))

        jobs = [pool.submit(unpack, one) for one in kept]
        for count, job in enumerate(as_completed(jobs), 1):
            job.result()
            if count % 40 == 0 or count == len(jobs):
                progress(f"{count}/{len(jobs)} Debian packages unpacked")
    return [job.result() for job in jobs]


def _plans(flavour: Flavour, unpacked: Sequence[Unpacked], trees: Path, key: Key) -> list[dict[str, Build]]:
    """For each release, the build of every package by name."""
    shared = tree.shared_directories((one.tree for one in unpacked), packages.STANDARD_DIRECTORIES)
    contents = {one.deb.name: one.tree for one in unpacked}
    first = RELEASES[0].issued
    steady = [packages.filesystem(flavour, shared, trees),
              packages.setup(flavour, contents["base-passwd"], contents["base-files"], trees)]
    plans = converted(flavour, unpacked, shared, RELEASES)
    for release, plan in zip(RELEASES, plans, strict=True):
        moving = [packages.release(flavour, release.minor, key.public.read_text(), trees),
                  packages.beacon(release.beacon, trees)]
        plan.update({spec.name: Build(spec, content, first) for spec, content in steady})
        plan.update({spec.name: Build(spec, content, release.issued) for spec, content in moving})
    return plans


def _key(build: Build, key: Key) -> str:
    return digest(rpm.spec_text(build.spec), build.tree.key, str(build.epoch), key.fingerprint, code("rpm.py"))


def _signed(plans: Iterable[dict[str, Build]], shelf: Path, key: Key, progress: Progress) -> dict[str, Path]:
    """Build and sign what is not on the `shelf` yet; return all RPM files by key, and sweep off the others."""
    builds = {_key(build, key): build for plan in plans for build in plan.values()}
    unsigned = shelf.with_name("unsigned")
    for place in (shelf, unsigned):
        place.mkdir(exist_ok=True)
    target = {name: shelf / f"{name}.rpm" for name in builds}
    missing = [name for name in builds if not target[name].exists()]
    todo = [name for name in missing if not (unsigned / f"{name}.rpm").exists()]
    with ThreadPoolExecutor(_WORKERS) as pool:
        jobs = [pool.submit(_build_one, builds[name], unsigned / f"{name}.rpm") for name in todo]
        for count, job in enumerate(as_completed(jobs), 1):
            job.result()
            if count % 40 == 0 or count == len(jobs):
                progress(f"{count}/{len(jobs)} RPMs built")
    if missing:
        progress(f"signing {len(missing)} RPMs")
        rpm.sign([unsigned / f"{name}.rpm" for name in missing], key, _WORKERS)
        for name in missing:
            (unsigned / f"{name}.rpm").rename(target[name])
    shutil.rmtree(unsigned)
    for file in set(shelf.iterdir()) - set(target.values()):
        file.unlink()
    return target


def _build_one(build: Build, target: Path) -> None:
    try:
        rpm.build(rpm.spec_text(build.spec), build.tree.root, target, build.epoch)
    except DistroError as error:
        raise DistroError(f"{build.spec.name}: {error}") from error
