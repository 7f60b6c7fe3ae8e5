# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Make this collection the sole updater of a host, and give the others back later."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_atomic, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.systemd import active_state
from ansible_collections.osaas.fleet.plugins.module_utils._host.updaters import (
    CLOUD_INIT,
    find_updaters,
    is_own_file,
)

Policy = t.Literal["report", "mask", "refuse"]
_CLOUD_TEXT = "# Written by osaas.fleet.host_pin\npackage_update: false\npackage_upgrade: false\n"


@dataclass(frozen=True)
class Quiet:
    """Updaters to mute, and those muted earlier to give back. Those `found` act by themselves."""

    found: tuple[str, ...]
    mute: tuple[str, ...]
    restore: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.mute or self.restore)

    def diff(self) -> list[dict[str, str]]:
        """One before/after pair per updater."""
        return [*(_pair(name, "may act", "muted") for name in self.mute)] + [
            _pair(name, "muted", "may act") for name in self.restore
        ]


def plan_quiet(runner: Runner, policy: Policy, allowed: Collection[str]) -> Quiet:
    """What `policy` asks for. Raises HostError if it is to refuse and there is another updater."""
    found = tuple(name for name in find_updaters(runner) if name not in allowed)
    if policy == "refuse" and found:
        raise HostError(
            f"is updated by {', '.join(found)} too",
            where="this host",
            way_out="Disable it, name it in allow_updaters, or set updaters to mask",
        )
    muted = _muted()
    if policy != "mask":
        return Quiet(found, (), tuple(muted))
    return Quiet(found, found, tuple(name for name in muted if name in allowed))


def plan_restore() -> Quiet:
    """Give all back."""
    return Quiet((), (), tuple(_muted()))


def carry_out(runner: Runner, quiet: Quiet) -> None:
    """Mute and give back. What a unit was like is remembered before it is touched."""
    saved = _muted()
    for name in quiet.mute:
        saved[name] = {"active": _is_active(runner, name), "own_file": is_own_file(name)}
        _save(saved)
        _mute(runner, name, saved[name])
    for name in quiet.restore:
        _give_back(runner, name, saved.pop(name))
        _save(saved)


def _mute(runner: Runner, name: str, was: Mapping[str, t.Any]) -> None:
    if name == CLOUD_INIT:
        write_atomic(paths.CLOUD_DROP_IN, _CLOUD_TEXT.encode())
    else:  # systemd cannot mask what has its file in /etc
        runner.run(["systemctl", "--quiet", "disable" if was["own_file"] else "mask", "--now", name])


def _give_back(runner: Runner, name: str, was: Mapping[str, t.Any]) -> None:
    if name == CLOUD_INIT:
        paths.CLOUD_DROP_IN.unlink(missing_ok=True)
        return
    runner.run(["systemctl", "--quiet", "enable" if was["own_file"] else "unmask", name])
    if was["active"]:
        runner.run(["systemctl", "start", name])


def _is_active(runner: Runner, name: str) -> bool:
    return name != CLOUD_INIT and active_state(runner, name) == "active"


def _muted() -> dict[str, dict[str, t.Any]]:
    return dict(read_json(paths.UPDATERS_FILE) or {})


def _save(muted: Mapping[str, t.Any]) -> None:
    if muted:
        paths.ETC.mkdir(parents=True, exist_ok=True)
        write_json(paths.UPDATERS_FILE, muted)
    else:
        paths.UPDATERS_FILE.unlink(missing_ok=True)


def _pair(name: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": name, "after_header": name, "before": f"{before}\n", "after": f"{after}\n"}
