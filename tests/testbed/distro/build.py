# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the whole distribution: fetch, unpack, convert, build, sign, publish; each step once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import deb, packages, rpm, tree
from .bytecode import compiler
from .cache import DistroError, Progress, code, digest, sole_builder, sweep, write_atomic
from .flavour import Flavour
from .keys import KEY_NAME, Key, signing_key
from .parallel import in_parallel
from .plan import Build, Unpacked, converted
from .publish import Notice, Package, publish
from .releases import RELEASES
from .testbed_9 import TESTBED_9
from .testbed_10 import TESTBED_10
from .testbed_next import TESTBED_NEXT

FLAVOURS = {flavour.name: flavour for flavour in (TESTBED_9, TESTBED_10, TESTBED_NEXT)}

Plan = dict[str, Build]  # what a release consists of, by name of the package


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
    try:
        root.mkdir(parents=True, exist_ok=True)
        with sole_builder(root, progress):
            fingerprint = _built(root) or _build(FLAVOURS[flavour], root, progress)
    except OSError as error:
        raise DistroError(f"cannot build {flavour} in {root}: {error.strerror or error}") from error
    return Distro(root, flavour, root / KEY_NAME, fingerprint)


def _state() -> str:
    """The digest of everything in this package: what was built by the same state is complete."""
    here = Path(__file__).parent
    sources = sorted([*here.glob("*.py"), *(here / "beacon").glob("beacon.*"), *(here / "initrd").iterdir()])
    return digest(*(path.read_text() for path in sources))


def _built(root: Path) -> str:
    """The key's fingerprint if the distribution is complete, else nothing."""
    stamp = root / "complete"
    state, _, fingerprint = stamp.read_text().partition(" ") if stamp.exists() else ("", "", "")
    there = all((root / "upstream" / release.name).is_dir() for release in RELEASES)
    return fingerprint if there and state == _state() else ""


def _build(flavour: Flavour, root: Path, progress: Progress) -> str:
    with signing_key(root) as key:
        files = deb.fetch(flavour, root / "debs", progress)
        unpacked = _unpack(flavour, files, root / "trees", progress)
        plans = _plans(flavour, unpacked, root / "trees", key)
        signed = _signed(plans, root / "rpms", key, progress)
        _publish(flavour, plans, signed, root / "upstream", key, progress)
        sweep(root / "trees", {build.tree.root.parent for plan in plans for build in plan.values()})
        sweep(root / "rpms", signed.values())
    write_atomic(root / "complete", f"{_state()} {key.fingerprint}")
    return key.fingerprint


def _unpack(flavour: Flavour, files: Iterable[Path], trees: Path, progress: Progress) -> list[Unpacked]:
    known = {one.name: one for one in in_parallel(deb.read, files) if one.name not in flavour.dropped}
    for name in flavour.demanding:
        known[name] = deb.demanding(known[name])
    python = compiler(known, trees)

    def unpack(one: deb.Deb) -> Unpacked:
        return Unpacked(one, tree.unpack(one, flavour.amendment(one.name), python, trees))

    kept = deb.closure(flavour.named, known)
    return in_parallel(unpack, kept, progress, "Debian packages unpacked")


def _plans(flavour: Flavour, unpacked: Sequence[Unpacked], trees: Path, key: Key) -> list[Plan]:
    shared = tree.shared_directories((one.tree for one in unpacked), packages.STANDARD_DIRECTORIES)
    contents = {one.deb.name: one.tree for one in unpacked}
    own = [
        packages.filesystem(flavour, RELEASES[0], shared, trees),
        packages.setup(flavour, RELEASES[0], contents, trees),
    ]
    plans = converted(flavour, unpacked, shared, RELEASES)
    for release, plan in zip(RELEASES, plans, strict=True):
        moving = [
            packages.testbed_release(flavour, release, key.public.read_text(), trees),
            packages.beacon(release, trees),
        ]
        plan.update({build.spec.name: build for build in (*own, *moving)})
    return plans


def _digest(build: Build, key: Key) -> str:
    spec = rpm.spec_text(build.spec)
    return digest(spec, build.tree.key, str(build.epoch), key.fingerprint, code("rpm.py"))


def _signed(plans: Iterable[Plan], shelf: Path, key: Key, progress: Progress) -> dict[str, Path]:
    """Build and sign what is not on the `shelf` yet; return all RPM files by digest."""
    builds = {_digest(build, key): build for plan in plans for build in plan.values()}
    files = {name: shelf / f"{name}.rpm" for name in builds}
    missing = [name for name in builds if not files[name].exists()]
    unsigned = shelf.with_name("unsigned")
    for place in (shelf, unsigned):
        place.mkdir(exist_ok=True)

    def build_one(name: str) -> None:
        build, target = builds[name], unsigned / files[name].name
        if not target.exists():
            rpm.build(build.spec, build.tree.root, target, build.epoch)

    if missing:
        in_parallel(build_one, missing, progress, "RPMs built")
        progress(f"signing {len(missing)} RPMs")
        rpm.sign([unsigned / files[name].name for name in missing], key)
        for name in missing:
            built = unsigned / files[name].name
            os.utime(built, (builds[name].epoch, builds[name].epoch))  # primary.xml has it
            built.rename(files[name])
    sweep(unsigned, ())
    return files


def _publish(
    flavour: Flavour,
    plans: Sequence[Plan],
    signed: dict[str, Path],
    upstream: Path,
    key: Key,
    progress: Progress,
) -> None:
    """Publish each release, with the advisories of all releases until then."""
    notices: list[Notice] = []
    before: Plan = {}
    for release, plan in zip(RELEASES, plans, strict=True):
        if release.advisory:
            newer = tuple(build.spec for name, build in plan.items() if build != before.get(name))
            issued = datetime.fromtimestamp(release.issued, UTC).strftime("%Y-%m-%d %H:%M:%S")
            notices.append(Notice(release.advisory, issued, newer))
        contents = [Package(build.spec, signed[_digest(build, key)]) for build in plan.values()]
        if publish(flavour, release, contents, notices, key, upstream / release.name):
            progress(f"published {release.name}: {len(contents)} packages")
        before = plan
