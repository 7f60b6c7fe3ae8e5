# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sync beside `dnf reposync`, which verifies the same signatures, and curl, which verifies nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from integration.repo.nginx import serve

from bench.measure import Cost, Table, measure, medians
from bench.origin import Origin, drop_keyrings, origin
from bench.profile_groups import text

RUNS = 3
LIMIT = 600.0  # seconds that reposync has for one run; at 20,000 packages that may be too few
REPOSYNC = "dnf reposync --gpgcheck --download-metadata"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Bench:
    """One upstream on a loopback nginx, and its clients."""

    source: Origin
    work: Path
    url: str

    @property
    def _repo(self) -> Path:
        return self.work / "www" / "os"

    def sync(self, store: str, *, whole: bool) -> Cost:
        """Our own; into an empty store if `whole`."""
        path = self.work / store
        if whole:
            shutil.rmtree(path, ignore_errors=True)
        return self._module("repo_sync", path, repositories=[self._described])

    @property
    def _described(self) -> dict[str, object]:
        return {"name": "os", "baseurl": [f"{self.url}/os/"], "gpgkey": [str(self.source.key)]}

    def _module(self, name: str, store: Path, *python: str | Path, **options: object) -> Cost:
        arguments = {"store": str(store), **options, "_ansible_remote_tmp": str(self.work)}
        module = f"ansible_collections.osaas.fleet.plugins.modules.{name}"
        return measure(
            [sys.executable, *python, "-m", module, json.dumps({"ANSIBLE_MODULE_ARGS": arguments})],
            {"PYTHONPATH": str(ROOT / ".cache" / "collections")},
            self.work / "log",
        )

    def nothing(self) -> Cost:
        """What any module costs before it does anything."""
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_remote_tmp": str(self.work)}})
        return measure([sys.executable, "-m", "ansible.modules.ping", arguments], {}, self.work / "log")

    def profile(self) -> Path:
        """Of a cold sync."""
        profile, store = self.work / "profile", self.work / "profiled"
        self._module("repo_sync", store, "-m", "cProfile", "-o", profile, repositories=[self._described])
        return profile

    def again(self) -> Cost:
        """A sync into a copy of the store."""
        copy = self.work / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        subprocess.run(["cp", "-al", str(self.work / "store"), str(copy)], check=True)
        return self.sync("copy", whole=False)

    def least(self) -> Cost:
        """What nobody can do without for the second state; see bench.floor."""
        target = self.work / "floor"
        shutil.rmtree(target, ignore_errors=True)
        return self._floor(self._repo, self.source.root / "2", self.source.key, target)

    def start(self) -> Cost:
        """Of that program alone."""
        return self._floor()

    def _floor(self, *arguments: Path) -> Cost:
        return measure([sys.executable, "-m", "bench.floor", *arguments], {}, self.work / "log")

    def cut(self) -> Cost:
        """The first snapshot of the copy."""
        shutil.rmtree(self.work / "copy" / "snapshots", ignore_errors=True)
        return self._module("snapshot", self.work / "copy")

    def cut_again(self) -> Cost:
        """The same, which is there already."""
        return self._module("snapshot", self.work / "copy")

    def grown(self) -> str:
        """How many bytes the second state and its snapshot take, beside what upstream changed."""
        before, after = _disk(self.work / "store"), _disk(self.work / "copy")
        snapshots = _disk(self.work / "copy" / "snapshots")
        new = sum(path.stat().st_size for path in (self.source.root / "2").iterdir())
        metadata = sum(path.stat().st_size for path in (self._repo / "repodata").iterdir())
        return (
            f"2 % changed: upstream has {new} bytes of new packages and {metadata} of metadata;"
            f" the store grew by {after - before} bytes on disk, of which the snapshot has {snapshots}"
        )

    def prove(self) -> str:
        """That reposync as it is run here refuses what is not signed, and what was changed after that."""
        shutil.rmtree(self._repo, ignore_errors=True)
        (self._repo / "Packages").mkdir(parents=True)
        good, unsigned, changed, *_others = sorted((self.source.root / "1").iterdir())
        for rpm in (good, unsigned, changed):
            shutil.copy(rpm, self._repo / "Packages")
        self.source.forge.run("rpmsign", "--delsign", self._repo / "Packages" / unsigned.name)
        damaged = self._repo / "Packages" / changed.name
        content = bytearray(damaged.read_bytes())
        content[-20] ^= 1
        damaged.write_bytes(content)
        self.source.forge.index(self._repo, key="bench")
        environment = {**os.environ, "HOME": str(self._home())}
        subprocess.run(self._argv(whole=True), env=environment, capture_output=True, check=False)
        drop_keyrings(self.work / "dnf-cache")
        assert self._kept() == [good.name], self._kept()
        return f"reposync as it is run here kept {good.name}, and refused an unsigned and a changed package"

    def reposync(self, *, whole: bool) -> Cost:
        """Dnf's, with the key in the rpmdb that it verifies with."""
        try:
            cost = measure(self._argv(whole=whole), {"HOME": str(self._home())}, self.work / "log", LIMIT)
        finally:
            drop_keyrings(self.work / "dnf-cache")
        assert len(self._kept()) >= self.source.packages
        return cost

    def _kept(self) -> list[str]:
        return sorted(path.name for path in (self.work / "reposync").glob("os/Packages/*.rpm"))

    def _argv(self, *, whole: bool) -> list[str | Path]:
        target, cache = self.work / "reposync", self.work / "dnf-cache"
        if whole:
            shutil.rmtree(target, ignore_errors=True)
            shutil.rmtree(cache, ignore_errors=True)
        config = self.work / "dnf.conf"
        config.write_text(
            f"[main]\nreposdir=/nonexistent\n[os]\nname=os\nbaseurl={self.url}/os/\n"
            f"gpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://{self.source.key}\nmax_parallel_downloads=8\n"
        )
        argv: list[str | Path] = ["/usr/bin/dnf", "-y", "-c", config, f"--installroot={self._root()}"]
        argv += ["--releasever=1", f"--setopt=cachedir={cache}", "--refresh", "reposync"]
        return [*argv, "--repoid=os", "--gpgcheck", "--download-metadata", f"--download-path={target}"]

    def curl(self) -> Cost:
        """The floor: the same files over eight connections, to disk, and nothing else."""
        target = self.work / "curl"
        shutil.rmtree(target, ignore_errors=True)
        files = [path.relative_to(self._repo) for path in self._repo.rglob("*") if path.is_file()]
        lines = [f'url = "{self.url}/os/{file}"\noutput = "{target / file}"\n' for file in files]
        config = self.work / "curl.conf"
        config.write_text("".join(lines))
        argv: list[str | Path] = [
            "curl",
            "-s",
            "--parallel",
            "--parallel-max",
            "8",
            "--create-dirs",
            "-K",
            config,
        ]
        cost = measure(argv, {}, self.work / "log")
        sizes = {
            path.relative_to(target): path.stat().st_size for path in target.rglob("*") if path.is_file()
        }
        assert sizes == {file: (self._repo / file).stat().st_size for file in files}
        return cost

    def offer(self, *, changed: bool) -> None:
        """Let the upstream have its first or its second state."""
        self.source.offer(self._repo, changed=changed)

    def _home(self) -> Path:
        """Debian's rpm keeps its database elsewhere than dnf looks, unless it is told."""
        home = self.work / "home"
        home.mkdir(exist_ok=True)
        (home / ".rpmmacros").write_text("%_dbpath /var/lib/rpm\n")
        return home

    def _root(self) -> Path:
        root = self.work / "root"
        if not root.exists():
            root.mkdir()
            argv = ["rpmkeys", f"--root={root}", "--import", str(self.source.key)]
            subprocess.run(argv, env={**os.environ, "HOME": str(self._home())}, check=True)
        return root


def run(work: Path, packages: int) -> list[Table | str]:
    """Cold, unchanged, and with two percent changed; a cut; and where the time of a cold sync goes."""
    source = origin(packages)
    (work / "www").mkdir()
    with serve(work / "www", work / "nginx") as nginx:
        bench = Bench(source, work, nginx.url)
        proof = bench.prove()
        bench.offer(changed=False)
        cold = medians(
            RUNS,
            {
                REPOSYNC: lambda: bench.reposync(whole=True),
                "repo_sync": lambda: bench.sync("store", whole=True),
                "curl --parallel (nothing verified)": bench.curl,
            },
        )
        # A mirror that reposync did not finish is none to compare with.
        peer = {"dnf reposync": lambda: bench.reposync(whole=False)} if REPOSYNC in cold else {}
        warm = medians(
            RUNS,
            {
                **peer,
                "repo_sync": lambda: bench.sync("store", whole=False),
                "a module that does nothing": bench.nothing,
            },
        )
        profile = bench.profile()
        bench.offer(changed=True)
        # The mirror moves once: each run begins with a copy of the first state.
        seconds = medians(RUNS, {"two": bench.again, "least": bench.least, "start": bench.start})
        two, least = seconds["two"], seconds["least"].over(seconds["start"])
        once = medians(1, {"dnf reposync, 2 % changed (one run)": peer["dnf reposync"]} if peer else {})
        cuts = medians(RUNS, {"snapshot": bench.cut, "snapshot of what is cut already": bench.cut_again})
        grown = bench.grown()
    size = f"{packages} packages"
    changed = share(cold["repo_sync"], warm["repo_sync"], two)
    changed |= {"the least: metadata, links, new packages": least, **once}
    late = "" if peer else f"\n({REPOSYNC} did not end within {LIMIT:.0f} s, so it is left out)"
    return [
        f"{proof}{late}",
        Table(f"Cold sync, {size}, medians of {RUNS}", next(iter(cold)), cold),
        Table(f"Unchanged upstream, {size}, medians of {RUNS}", next(iter(warm)), warm),
        Table(f"2 % changed, {size}, beside a cold sync", "repo_sync, cold", changed),
        Table(f"Cut, {size}, medians of {RUNS}", "snapshot", cuts),
        grown,
        text(f"A cold sync of {size} under cProfile, which slows Python down", profile),
    ]


def share(cold: Cost, unchanged: Cost, two: Cost) -> dict[str, Cost]:
    """What two percent cost beside all, as they are and without what any sync costs."""
    return {
        "repo_sync, cold": cold,
        "repo_sync, 2 % changed": two,
        "repo_sync, cold, over one without changes": cold.over(unchanged),
        "repo_sync, 2 % changed, over the same": two.over(unchanged),
    }


def _disk(path: Path) -> int:
    """Bytes on disk below `path`."""
    done = subprocess.run(["du", "-s", "-B1", str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])
