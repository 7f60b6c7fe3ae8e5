# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Put a pin on this host, or take it off: one plan of all files, computed before anything is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import (
    json_text,
    read_json,
    sync_directory,
    write_atomic,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin, Trust, pin_from_json
from ansible_collections.osaas.fleet.plugins.module_utils._host.repofiles import (
    disable,
    enabled_ids,
    original,
    render,
)


@dataclass(frozen=True)
class Changes:
    """Files to write (in this order) and to delete; None stands for no file. `disabled` are repo ids."""

    before: Mapping[Path, str | None]
    after: Mapping[Path, str | None]
    disabled: tuple[str, ...] = field(default=())

    def changed(self) -> tuple[Path, ...]:
        """The files whose content differs."""
        return tuple(path for path in self.after if self.before[path] != self.after[path])

    def diff(self) -> list[dict[str, str]]:
        """One before/after pair per changed file, as Ansible shows it."""
        return [
            {
                "before_header": str(path),
                "after_header": str(path),
                "before": self.before[path] or "",
                "after": self.after[path] or "",
            }
            for path in self.changed()
        ]


def next_pin(wanted: Pin, current: Pin | None, running: str | None) -> Pin:
    """`wanted` with the pin to go back to: the last that this host really ran (`running` is its release)."""
    if current is None:
        return wanted
    if current.release == wanted.release or (running != current.release and current.previous):
        before = current.previous
    else:
        before = current.alone()
    return replace(wanted, previous=before if before and before.release != wanted.release else None)


def current_pin() -> Pin | None:
    """The pin of this host. Raises HostError if its file is damaged."""
    return pin_from_json(read_json(paths.PIN_FILE))


def other_repositories() -> tuple[str, ...]:
    """Ids of the repos enabled beside those of the pin."""
    return tuple(repo for path in _other_files() for repo in enabled_ids(_read(path) or ""))


def plan_pin(pin: Pin, trust: Trust, allowed: Collection[str]) -> Changes:
    """What it takes to pin this host; `allowed`: repo ids left alone."""
    needed = sorted(pin.key_names().intersection(trust.keys))
    after: dict[Path, str | None] = {paths.key_file(name): trust.keys[name] for name in needed}
    if pin.ca:
        after[paths.ca_file(pin.ca)] = trust.ca_cert
    disabled: list[str] = []
    for path in _other_files():
        before = original(_read(_saved(path)), _read(path) or "")
        now = disable(before, allowed)
        disabled += sorted(set(enabled_ids(before)) - set(enabled_ids(now)))
        after[_saved(path)] = before if now != before else None
        after[path] = now
    after.update(_orphaned_copies())
    return _changes({**after, **_own_files(pin)}, disabled)


def plan_repin(pin: Pin) -> Changes:
    """What it takes to pin another release whose keys are here already; other repos stay as they are."""
    return _changes(_own_files(pin), ())


def plan_unpin() -> Changes:
    """What it takes to have this host as it was before it was pinned; the pin itself goes last."""
    after: dict[Path, str | None] = {paths.REPO_FILE: None, paths.RELEASE_VAR: None, **_unneeded_keys(None)}
    for path in _other_files():
        after[path] = original(_read(_saved(path)), _read(path) or "")
        after[_saved(path)] = None
    after.update(_orphaned_copies())
    after[paths.PIN_FILE] = None
    return _changes(after, ())


def carry_out(changes: Changes) -> None:
    """Write and delete the changed files, in their order, each atomically."""
    for path in changes.changed():
        content = changes.after[path]
        if content is None:
            path.unlink()
            sync_directory(path.parent)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, content.encode())


def _own_files(pin: Pin) -> dict[Path, str | None]:
    """The pin itself comes after what it names, and keys that nothing names any more go after that."""
    return {
        paths.REPO_FILE: render(pin),
        paths.RELEASE_VAR: f"{pin.release}\n",
        paths.PIN_FILE: json_text(pin.as_json()),
        **_unneeded_keys(pin),
    }


def _changes(after: Mapping[Path, str | None], disabled: Collection[str]) -> Changes:
    return Changes({path: _read(path) for path in after}, after, tuple(disabled))


def _unneeded_keys(pin: Pin | None) -> dict[Path, str | None]:
    needed = {paths.key_file(name) for name in pin.key_names()} if pin else set()
    needed |= {paths.ca_file(name) for name in pin.ca_names()} if pin else set()
    there = [*paths.KEY_DIR.glob(f"{paths.KEY_PREFIX}*"), *paths.CA_DIR.glob("*.pem")]
    return {path: None for path in sorted(there) if path not in needed}


def _other_files() -> list[Path]:
    return [path for path in sorted(paths.REPO_DIR.glob("*.repo")) if path != paths.REPO_FILE]


def _orphaned_copies() -> dict[Path, str | None]:
    """Saved originals of .repo files that are gone, for example with the package that owned them."""
    return {
        path: None for path in paths.SAVED_REPOS.glob("*.repo") if not (paths.REPO_DIR / path.name).exists()
    }


def _saved(path: Path) -> Path:
    return paths.SAVED_REPOS / path.name


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
