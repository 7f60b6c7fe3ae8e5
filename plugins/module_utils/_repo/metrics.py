# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Figures about the mirrors, in the text format that Prometheus' node exporter collects from files."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._names import SNAPSHOT_ID
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.sync import Synced

LINE = re.compile(r"^(osaas_\w+(?:\{[^}]*\})?) (\d+)$", re.MULTILINE)
METRICS = {
    "osaas_repo_last_good_sync_timestamp_seconds": "gauge When the mirror was last as its upstream.",
    "osaas_repo_bytes": "gauge Size of all files of the mirrored state.",
    "osaas_repo_packages": "gauge Packages of the mirrored state.",
    "osaas_snapshots": "gauge Snapshots in the store.",
    "osaas_sync_errors_total": "counter Syncs that failed.",
}


def write_metrics(path: Path, store: Store, synced: Sequence[Synced] | None) -> None:
    """Renew the file after a sync; `synced` is None if it failed. Other repos keep the figures they have."""
    values = dict(LINE.findall(path.read_text(encoding="utf-8"))) if path.exists() else {}
    for one in synced or ():
        figures = {"last_good_sync_timestamp_seconds": int(time.time()), "bytes": one.bytes}
        for name, value in {**figures, "packages": one.packages}.items():
            values[f'osaas_repo_{name}{{repo="{one.name}"}}'] = str(value)
    found = store.snapshots.glob("*")
    values["osaas_snapshots"] = str(sum(bool(SNAPSHOT_ID.fullmatch(each.name)) for each in found))
    errors = int(values.get("osaas_sync_errors_total", "0")) + (synced is None)
    values["osaas_sync_errors_total"] = str(errors)
    lines = []
    for metric, words in METRICS.items():
        kind, _space, meaning = words.partition(" ")
        lines += [f"# HELP {metric} {meaning}", f"# TYPE {metric} {kind}"]
        lines += [f"{name} {values[name]}" for name in sorted(values) if name.partition("{")[0] == metric]
    write_atomic(path, "".join(f"{line}\n" for line in lines).encode())
