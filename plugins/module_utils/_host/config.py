# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The config of a host in three tiers, by when each may change: provisioning, boot, runtime."""

from __future__ import annotations

import copy
import hashlib
import typing as t
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, HostError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._host.config_schema import config_schema
from ansible_collections.osaas.fleet.plugins.module_utils._host.schema_check import errors_of

Config = Mapping[str, t.Mapping[str, t.Any]]

TIERS = ("provisioning", "boot", "runtime")
_MODES = {"provisioning": 0o600}  # it may have the hash of root's password
_MASK = "$sha256$"  # no method of crypt(5) has this name
_WAY_OUT = {
    "provisioning": "Provision the host anew, by osaas.fleet.provision, or leave the field as it is",
    "boot": "Allow changes of boot, which take effect with the next deployment, or leave the field as it is",
    "runtime": "Allow changes of runtime, or leave the field as it is",
}


def check_config(config: t.Any, *, where: str = "config") -> None:
    """Raises AllErrors with every field that breaks a rule, and services that are there twice."""
    errors = list(errors_of(config, config_schema(), where))
    if not errors:
        names = [one["name"] for one in config.get("runtime", {}).get("services", ())]
        errors += [
            InputError(f"{name} is there twice", where=f"{where}.runtime.services")
            for name in sorted(set(names))
            if names.count(name) > 1
        ]
    if errors:
        raise AllErrors(errors)


def masked(config: Config) -> dict[str, t.Any]:
    """The config with a digest in place of root's password hash: enough to tell whether that differs."""
    shown = copy.deepcopy(dict(config))
    root = shown.get("provisioning", {}).get("root", {})
    secret = root.get("password_hash", _MASK)
    if not secret.startswith(_MASK):
        root["password_hash"] = f"{_MASK}{hashlib.sha256(secret.encode()).hexdigest()}"
    return shown


def read_config(directory: Path) -> dict[str, dict[str, t.Any]]:
    """The tiers that the host has; `directory` need not be there."""
    found = {tier: read_json(directory / f"{tier}.json") for tier in TIERS}
    return {tier: value for tier, value in found.items() if value is not None}


def write_config(directory: Path, config: Config) -> bool:
    """Write these tiers, and leave others alone; returns whether anything changed."""
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    written = [
        write_json(directory / f"{tier}.json", config[tier], mode=_MODES.get(tier, 0o644))
        for tier in TIERS
        if tier in config
    ]
    return any(written)


def changed_fields(before: t.Any, after: t.Any, where: str) -> Iterator[str]:
    """The fields that differ, for example `boot.tries`; lists are compared as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from changed_fields(before.get(name), after.get(name), f"{where}.{name}")
    elif before != after:
        yield where


def refuse_changes(before: Config, after: Config, allow: Collection[str]) -> None:
    """Raises AllErrors naming the fields of each tier that may not change; provisioning never may."""
    errors = []
    for tier, value in after.items():
        fields = list(changed_fields(before.get(tier, {}), value, tier))
        if fields and (tier == "provisioning" or tier not in allow):
            errors.append(HostError("may not change now", where=", ".join(fields), way_out=_WAY_OUT[tier]))
    if errors:
        raise AllErrors(errors)
