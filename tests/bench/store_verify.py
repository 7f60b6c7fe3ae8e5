# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a whole store again, beside `sha256sum` over the same files in one process per CPU."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store

from bench.measure import Cost, Table, measure, medians
from bench.origin import origin

RUNS = 3
ROOT = Path(__file__).parents[2]
LARGE, LARGE_BYTES = 24, 16 << 20
FLOOR = "sha256sum"


def run(work: Path, packages: int) -> list[Table]:
    """A store of many small packages, with metadata to hold them against, and one of a few large files."""
    small, large = work / "small", work / "large"
    source = origin(packages)
    source.offer(work / "os", changed=False)
    described = {"name": "os", "baseurl": [f"file://{work}/os/"], "gpgkey": [str(source.key)]}
    _module("repo_sync", work, small, repositories=[described])
    _module("snapshot", work, small)
    _fill(large)
    return [_table(work, store) for store in (small, large)]


def _fill(path: Path) -> None:
    store = Store(path)
    store.mirrors.mkdir(parents=True)
    with store.lock():
        for _number in range(LARGE):
            content = os.urandom(LARGE_BYTES)
            file = store.scratch / "file"
            file.write_bytes(content)
            store.adopt(file, sha256(content))
    (path / "at.map").touch()


def _table(work: Path, store: Path) -> Table:
    """The files are in memory for both, so that neither waits for the disk."""
    files = list(store.glob("objects/sha256/*/*"))
    size = sum(path.stat().st_size for path in files)
    rows = medians(
        RUNS,
        {
            FLOOR: lambda: _floor(work, store),
            "store_verify": lambda: _module("store_verify", work, store),
        },
    )
    rates = ", ".join(f"{name} {size / 1e6 / cost.wall:.0f} MB/s" for name, cost in rows.items())
    return Table(f"{len(files)} files of {size / 1e6:.0f} MB: {rates}", FLOOR, rows)


def _floor(work: Path, store: Path) -> Cost:
    names = work / "names"
    names.write_bytes(b"\0".join(bytes(path) for path in sorted(store.glob("objects/sha256/*/*"))))
    argv = ["xargs", "--null", f"--arg-file={names}", f"--max-procs={os.cpu_count()}", "--max-args=250"]
    return measure([*argv, FLOOR], {}, work / "log")


def _module(name: str, work: Path, store: Path, **options: object) -> Cost:
    arguments = {"store": str(store), **options, "_ansible_remote_tmp": str(work)}
    module = f"ansible_collections.osaas.fleet.plugins.modules.{name}"
    argv = [sys.executable, "-m", module, json.dumps({"ANSIBLE_MODULE_ARGS": arguments})]
    return measure(argv, {"PYTHONPATH": str(ROOT / ".cache" / "collections")}, work / "log")
