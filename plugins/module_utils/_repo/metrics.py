# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Figures about the store, in the text format that Prometheus' node exporter collects from files."""

from __future__ import annotations

import re
import time
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._names import SNAPSHOT_ID
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store

if t.TYPE_CHECKING:
    from ansible_collections.osaas.fleet.plugins.module_utils._repo.sync import Synced

LINE = re.compile(r"^(osaas_\w+(?:\{[^}]*\})?) (\d+)$", re.MULTILINE)
ERRORS = "osaas_sync_errors_total"
METRICS = {
    "osaas_repo_last_good_sync_timestamp_seconds": "gauge When the mirror was last as its upstream.",
    "osaas_repo_bytes": "gauge Size of all files of the mirrored state.",
    "osaas_repo_packages": "gauge Packages of the mirrored state.",
    "osaas_snapshots": "gauge Snapshots in the store.",
    ERRORS: "counter Syncs that failed.",
}


def tell_sync(path: Path, store: Store, synced: Sequence[Synced] | None) -> None:
    """Renew the file after a sync; `synced` is None if it failed. Other repos keep the figures they have."""
    values = _read(path)
    for one in synced or ():
        figures = {"last_good_sync_timestamp_seconds": int(time.time()), "bytes": one.bytes}
        for name, value in {**figures, "packages": one.packages}.items():
            values[f'osaas_repo_{name}{{repo="{one.name}"}}'] = str(value)
    values[ERRORS] = str(int(values.get(ERRORS, "0")) + (synced is None))
    _write(path, store, values)


def tell_snapshots(path: Path, store: Store) -> None:
    """Renew the file after snapshots came or went."""
    _write(path, store, _read(path))


def _read(path: Path) -> dict[str, str]:
    return dict(LINE.findall(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _write(path: Path, store: Store, values: Mapping[str, str]) -> None:
    count = sum(bool(SNAPSHOT_ID.fullmatch(each.name)) for each in store.snapshots.glob("*"))
    values = {**values, "osaas_snapshots": str(count)}
    lines = []
    for metric, words in METRICS.items():
        kind, _space, meaning = words.partition(" ")
        lines += [f"# HELP {metric} {meaning}", f"# TYPE {metric} {kind}"]
        lines += [f"{name} {values[name]}" for name in sorted(values) if name.partition("{")[0] == metric]
    write_atomic(path, "".join(f"{line}\n" for line in lines).encode())
