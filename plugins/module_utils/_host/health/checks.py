# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The kinds of health checks."""

from __future__ import annotations

import http.client
import typing as t
from collections.abc import Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._host.health import network, storage, system
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.check import Check, Look, Seen, State

KINDS: Mapping[str, Look] = {
    "units": system.units,
    "unit": system.unit,
    "tcp": network.tcp,
    "outbound": network.tcp,
    "http": network.web,
    "dns": network.dns,
    "command": system.command,
    "file": storage.file,
    "mount": storage.mount,
    "free_space": storage.free_space,
    "kernel": system.kernel,
    "boot_id": system.boot_id,
    "clock": system.clock,
    "load": system.load,
    "journal": system.journal,
}
# What tells apart checks of one kind that have no name.
_TARGETS = {
    "unit": ("unit",),
    "tcp": ("host", "port"),
    "outbound": ("host", "port"),
    "http": ("url",),
    "dns": ("host",),
    "file": ("path",),
    "mount": ("path",),
    "free_space": ("path",),
}


def default_name(kind: str, options: Mapping[str, t.Any]) -> str:
    """For example `http http://127.0.0.1:8000/`."""
    target = [str(options[name]) for name in _TARGETS.get(kind, ())]
    words = [kind, ":".join(target), *(options["argv"] if kind == "command" else ())]
    return " ".join(word for word in words if word)


def look(runner: Runner, check: Check, before: State) -> Seen:
    """Look once; a refused connection, an unknown host or path, a broken answer is a failed check."""
    try:
        return KINDS[check.kind](runner, check, before)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Seen(False, reason[:1].lower() + reason[1:])
