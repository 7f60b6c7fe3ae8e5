# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The program by which a host reports of itself: one line for the journal, figures for Prometheus.

It is run by the host's own Python, without a controller: `report.pyz [--metrics FILE] [REPO …]`. Repos that
are named may be enabled beside the pinned ones.
"""

from __future__ import annotations

import argparse
import sys
import time
import typing as t
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._host.facts import host_facts
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_facts import image_facts
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths
from ansible_collections.osaas.fleet.plugins.module_utils._host.spawn import WorkerRunner

# Each a gauge, with what it means; the figure is that of the fact of its name, or how many it lists.
METRICS = {
    "drift": "Whether the host is not as its pin says.",
    "package_changes": "Packages that were changed by somebody else.",
    "reboot_required": "Whether the host must be rebooted.",
    "services_to_restart": "Services that run replaced files.",
    "failed_units": "Failed systemd units.",
    "updaters": "Other updaters that may act.",
    "bad_releases": "Releases that failed on this host.",
}


def sentence(facts: Mapping[str, t.Any]) -> str:
    """What host_facts() found, in one line for a person."""
    pinned = f"pinned to {facts['pinned']}" if facts["pinned"] else "not pinned"
    words = [
        pinned,
        f"runs {facts['running'] or 'no release'}",
        f"package set {facts['package_set_digest'][:12]}",
    ]
    words += facts["drift_reasons"]
    words += [f"must be rebooted: {reason}" for reason in facts["reboot_reasons"]]
    words += [f"{unit} has failed" for unit in facts["failed_units"]]
    words += [f"{updater} may update it too" for updater in facts["updaters"]]
    return "; ".join(words)


def figures(facts: Mapping[str, t.Any], now: float) -> str:
    """The same in the text format that Prometheus' node exporter collects; `now` is seconds since 1970."""
    labels = {
        "pinned": facts["pinned"] or "",
        "running": facts["running"] or "",
        "package_set_digest": facts["package_set_digest"],
    }
    release = ",".join(f'{name}="{value}"' for name, value in labels.items())
    rows = [
        ("info", "What the host is pinned to and runs.", f"{{{release}}} 1"),
        ("report_timestamp_seconds", "When this was found.", f" {int(now)}"),
        *((name, meaning, f" {_figure(facts[name])}") for name, meaning in METRICS.items()),
    ]
    return "".join(
        f"# HELP osaas_host_{name} {meaning}\n# TYPE osaas_host_{name} gauge\nosaas_host_{name}{value}\n"
        for name, meaning, value in rows
    )


def _figure(fact: t.Any) -> int:
    return int(fact) if isinstance(fact, bool) else len(fact)


def main() -> None:
    """Report, or tell why not with exit status 1."""
    parser = argparse.ArgumentParser(prog="report.pyz")
    parser.add_argument("--metrics", type=Path)
    parser.add_argument("repository", nargs="*")
    options = parser.parse_args()
    try:
        facts = host_facts(WorkerRunner(), allowed=options.repository, reboot_packages=())
        facts |= image_facts(ImagePaths())
    except FleetError as error:
        raise SystemExit(str(error)) from error
    sys.stdout.write(f"{sentence(facts)}\n")
    if options.metrics:
        write_atomic(options.metrics, figures(facts, time.time()).encode())


if __name__ == "__main__":
    main()
