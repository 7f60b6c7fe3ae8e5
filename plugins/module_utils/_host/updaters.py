# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Other updaters: what besides this collection would change packages of a host by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.updaters_table import (
    CLOUD_OPTION,
    KNOWN_UNITS,
    UPDATES,
)

CLOUD_INIT = "cloud-init"
_IDLE = ("disabled", "masked", "masked-runtime", "bad", "not-found")
_TRUE = ("true", "yes", "on", "1")


def find_updaters(runner: Runner) -> list[str]:
    """Names of all that may act: units of systemd, and `cloud-init` if it upgrades packages at a boot."""
    found = [CLOUD_INIT] if cloud_init_upgrades(_cloud_files()) else []
    if paths.BOOTED.is_dir():
        states = _unit_files(runner)
        found += known_updaters(states)
        timers = [name for name, state in states.items() if name.endswith(".timer") and state == "enabled"]
        found += _updating_timers(runner, [name for name in timers if name not in found])
    return sorted(found)


def known_updaters(states: Mapping[str, str]) -> list[str]:
    """Those of the unit files, given with their states, that are known to update packages."""
    return [
        name
        for name, state in states.items()
        if state not in _IDLE and any(fnmatchcase(name, pattern) for pattern in KNOWN_UNITS)
    ]


def cloud_init_upgrades(texts: Collection[str]) -> bool:
    """Whether cloud-init upgrades packages, by its configuration files in their order."""
    values = [match["value"].strip("\"'").lower() for text in texts for match in CLOUD_OPTION.finditer(text)]
    return bool(values) and values[-1] in _TRUE


def _cloud_files() -> list[str]:
    if not paths.CLOUD_CONFIG.exists() or (paths.CLOUD_CONFIG.parent / "cloud-init.disabled").exists():
        return []
    files = [paths.CLOUD_CONFIG, *sorted(paths.CLOUD_DROP_IN.parent.glob("*.cfg"))]
    return [path.read_text(encoding="utf-8", errors="replace") for path in files]


def _unit_files(runner: Runner) -> dict[str, str]:
    listing = [
        "systemctl",
        "list-unit-files",
        "--no-legend",
        "--plain",
        "--full",
        "--type=service,timer,socket",
    ]
    lines = (line.split() for line in runner.run(listing).stdout.splitlines())
    return {words[0]: words[1] for words in lines if len(words) > 1}


def _updating_timers(runner: Runner, timers: Collection[str]) -> list[str]:
    """The timers whose service runs a package manager to update."""
    service = {name: one["Unit"] for name, one in _show(runner, timers, "Unit").items() if one.get("Unit")}
    commands = _show(runner, sorted(set(service.values())), "ExecStart")
    return [
        timer
        for timer, unit in service.items()
        if UPDATES.search(commands.get(unit, {}).get("ExecStart", ""))
    ]


def _show(runner: Runner, units: Collection[str], name: str) -> dict[str, dict[str, str]]:
    """One property of several units, with their Id, by that."""
    if not units:
        return {}
    done = runner.run(["systemctl", "show", f"--property=Id,{name}", "--", *units])
    found: dict[str, dict[str, str]] = {}
    for block in done.stdout.split("\n\n"):
        one = dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line)
        if "Id" in one:
            found[one["Id"]] = one
    return found


def is_own_file(unit: str) -> bool:
    """Whether the unit's file is the administrator's own, in the place that masking needs."""
    path: Path = paths.UNITS / unit
    return path.is_file() and not path.is_symlink()
