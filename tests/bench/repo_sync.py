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

RUNS = 3
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
        repository = {"name": "os", "baseurl": [f"{self.url}/os/"], "gpgkey": [str(self.source.key)]}
        arguments = {"store": str(path), "repositories": [repository], "_ansible_remote_tmp": str(self.work)}
        module = "ansible_collections.osaas.fleet.plugins.modules.repo_sync"
        return measure(
            [sys.executable, "-m", module, json.dumps({"ANSIBLE_MODULE_ARGS": arguments})],
            {"PYTHONPATH": str(ROOT / ".cache" / "collections")},
            self.work / "log",
        )

    def reposync(self, *, whole: bool) -> Cost:
        """Dnf's, with the key in the rpmdb that it verifies with."""
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
        argv += ["--repoid=os", "--gpgcheck", "--download-metadata", f"--download-path={target}"]
        cost = measure(argv, {"HOME": str(self._home())}, self.work / "log")
        drop_keyrings(cache)
        assert len(list(target.glob("os/Packages/*.rpm"))) >= self.source.packages
        return cost

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
        assert len([path for path in target.rglob("*") if path.is_file()]) == len(files)
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


def run(work: Path, packages: int) -> list[Table]:
    """Cold, unchanged, and with two percent changed."""
    source = origin(packages)
    (work / "www").mkdir()
    with serve(work / "www", work / "nginx") as nginx:
        bench = Bench(source, work, nginx.url)
        bench.offer(changed=False)
        cold = {
            "dnf reposync --gpgcheck --download-metadata": medians(RUNS, lambda: bench.reposync(whole=True)),
            "repo_sync": medians(RUNS, lambda: bench.sync("store", whole=True)),
            "curl --parallel (nothing verified)": medians(RUNS, bench.curl),
        }
        warm = {
            "dnf reposync": medians(RUNS, lambda: bench.reposync(whole=False)),
            "repo_sync": medians(RUNS, lambda: bench.sync("store", whole=False)),
        }
        bench.offer(changed=True)
        # The mirror moves once: each run begins with a copy of the first state.
        changed = {
            "repo_sync, cold": cold["repo_sync"],
            "dnf reposync, 2 % changed": bench.reposync(whole=False),
            "repo_sync, 2 % changed": medians(RUNS, lambda: _again(bench, work)),
        }
    size = f"{packages} packages"
    return [
        Table(f"Cold sync, {size}, medians of {RUNS}", "dnf reposync --gpgcheck --download-metadata", cold),
        Table(f"Unchanged upstream, {size}, medians of {RUNS}", "dnf reposync", warm),
        Table(f"2 % changed, {size}, beside a cold sync", "repo_sync, cold", changed),
    ]


def _again(bench: Bench, work: Path) -> Cost:
    copy = work / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["cp", "-al", str(work / "store"), str(copy)], check=True)
    return bench.sync("copy", whole=False)
