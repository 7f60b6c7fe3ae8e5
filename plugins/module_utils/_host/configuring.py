# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Bring this host to its config: refuse first, then the services, then what is recorded."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._host import service_images, service_swap
from ansible_collections.osaas.fleet.plugins.module_utils._host.config import (
    changed_fields,
    check_config,
    masked,
    read_config,
    refuse_changes,
    write_config,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.check import Check
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.options import check_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.lock import exclusive
from ansible_collections.osaas.fleet.plugins.module_utils._host.origin import open_origin
from ansible_collections.osaas.fleet.plugins.module_utils._host.service_files import ServicePaths, UnitFiles
from ansible_collections.osaas.fleet.plugins.module_utils._host.services import Service, Steps, steps_to


@dataclass(frozen=True)
class Source:
    """Where images of services come from, the keys that may have signed them (by name), and authorities."""

    url: str
    keys: Mapping[str, str]
    ca_cert: str


@dataclass(frozen=True)
class Configured:
    """What was, or would be, done; `before` and `after` are the tiers that were given."""

    fields: tuple[str, ...]
    steps: Steps
    recovered: bool
    before: Mapping[str, t.Any]
    after: Mapping[str, t.Any]

    @property
    def changed(self) -> bool:
        """Whether anything was."""
        return bool(self.fields or self.steps.touched or self.recovered)


def configure(
    runner: Runner,
    config: Mapping[str, t.Any],
    allow: Collection[str],
    source: Source,
    *,
    pretend: bool,
    root: Path = Path("/"),
) -> Configured:
    """Bring the host to `config`, or only tell what that would do. Raises FleetError."""
    check_config(config)
    if pretend:
        return _configure(runner, config, allow, source, ServicePaths(root), pretend=True)
    with exclusive():
        return _configure(runner, config, allow, source, ServicePaths(root), pretend=False)


def _configure(
    runner: Runner,
    config: Mapping[str, t.Any],
    allow: Collection[str],
    source: Source,
    paths: ServicePaths,
    *,
    pretend: bool,
) -> Configured:
    stored, after = masked(read_config(paths.config)), masked(config)
    refuse_changes(stored, after, allow)
    files = UnitFiles(paths)
    recovered = not pretend and service_swap.finish(runner, files)
    runtime = config.get("runtime", stored.get("runtime", {}))
    wanted = [Service(**one) for one in runtime.get("services", ())]
    current = files.current()
    done = Configured(
        fields=tuple(
            field for tier in after for field in changed_fields(stored.get(tier, {}), after[tier], tier)
        ),
        steps=steps_to(current, wanted),
        recovered=recovered,
        before={tier: stored.get(tier, {}) for tier in after},
        after=after,
    )
    if not pretend and done.changed:
        _stage(runner, paths, done.steps, source)
        if done.steps.touched:
            known = _checks(stored.get("runtime", {}))
            service_swap.commit(runner, files, done.steps, _checks(runtime), known)
        write_config(paths.config, {tier: config[tier] for tier in ("boot", "runtime") if tier in config})
        service_swap.settle(files)
        service_images.remove_others(paths, [*current.values(), *wanted])
    return done


def _checks(runtime: Mapping[str, t.Any]) -> list[Check]:
    return [check_of(one) for one in runtime.get("health_checks", ())]


def _stage(runner: Runner, paths: ServicePaths, steps: Steps, source: Source) -> None:
    missing = [one for one in steps.comes if not service_images.is_staged(paths, one)]
    if not missing:
        return
    if not (source.url and source.keys):
        raise InputError(
            f"{missing[0].release} is not on this host yet",
            where="services",
            way_out="Give the url of the store, and the gpgkeys that may have signed the image",
        )
    origin = open_origin(source.url, source.ca_cert)
    for one in missing:
        service_images.stage(runner, origin, paths, one, source.keys)
