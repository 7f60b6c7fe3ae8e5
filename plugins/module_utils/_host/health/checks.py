# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""One function per kind of health check. Each looks once and says in a few words what it saw."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.size import missing_space
from ansible_collections.osaas.fleet.plugins.module_utils._host.processes import boot_id
from ansible_collections.osaas.fleet.plugins.module_utils._host.systemd import active_state, failed_units

_TIMED_OUT = 124  # timeout(1)


@dataclass(frozen=True)
class Check:
    """One check: `options` are those of its kind, `name` what it is called in results."""

    name: str
    kind: str
    options: Mapping[str, t.Any]
    retries: int = 0
    delay: float = 1.0
    timeout: float = 10.0


@dataclass(frozen=True)
class Seen:
    """What a look showed. `state` is kept as a baseline for a later look; what it holds is up to the kind."""

    ok: bool
    message: str
    state: Mapping[str, t.Any] = field(default_factory=dict)


State = Mapping[str, t.Any]
Look = Callable[[Runner, Check, State], Seen]


def _units(runner: Runner, check: Check, before: State) -> Seen:
    failed = failed_units(runner)
    new = [unit for unit in failed if unit not in before.get("failed_units", ())]
    verb = "is" if len(new) == 1 else "are"
    return Seen(
        not new, f"{', '.join(new)} {verb} failed" if new else "no failed units", {"failed_units": failed}
    )


def _unit(runner: Runner, check: Check, before: State) -> Seen:
    state = active_state(runner, check.options["unit"])
    return Seen(state == "active", f"unit {check.options['unit']} is {state}")


def _tcp(runner: Runner, check: Check, before: State) -> Seen:
    with socket.create_connection((check.options["host"], check.options["port"]), timeout=check.timeout):
        return Seen(True, "connected")


def _http(runner: Runner, check: Check, before: State) -> Seen:
    url = urlsplit(check.options["url"])
    if url.scheme == "https":
        context = ssl.create_default_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            url.netloc, timeout=check.timeout, context=context
        )
    else:
        connection = http.client.HTTPConnection(url.netloc, timeout=check.timeout)
    try:
        connection.request("GET", f"{url.path or '/'}{'?' if url.query else ''}{url.query}")
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", errors="replace")
    finally:
        connection.close()
    if answer.status != check.options["status"]:
        return Seen(False, f"status {answer.status}, not {check.options['status']}")
    wanted = check.options.get("contains")
    return Seen(
        not wanted or wanted in body, f"body lacks {wanted!r}" if wanted not in (None, "") else "answers"
    )


def _command(runner: Runner, check: Check, before: State) -> Seen:
    limit = ["timeout", "--kill-after=5", f"{check.timeout:g}"]
    done = runner.run([*limit, *check.options["argv"]], check=False)
    if done.status == _TIMED_OUT:
        return Seen(False, f"{check.options['argv'][0]} ran longer than {check.timeout:g} s")
    last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
    return Seen(done.status == 0, f"{check.options['argv'][0]} ended with {done.status}: {last}")


def _boot_id(runner: Runner, check: Check, before: State) -> Seen:
    now = boot_id()
    changed = now != before.get("boot_id", "")
    return Seen(changed, "rebooted" if changed else "the host was not rebooted", {"boot_id": now})


def _free_space(runner: Runner, check: Check, before: State) -> Seen:
    stats = os.statvfs(check.options["path"])
    free, total = stats.f_bavail * stats.f_frsize, stats.f_blocks * stats.f_frsize
    complaint = missing_space(check.options["minimum"], free=free, total=total)
    return Seen(not complaint, f"{check.options['path']}: {complaint or 'enough free space'}")


KINDS: Mapping[str, Look] = {
    "units": _units,
    "unit": _unit,
    "tcp": _tcp,
    "http": _http,
    "command": _command,
    "boot_id": _boot_id,
    "free_space": _free_space,
}
# What tells apart checks of one kind that have no name.
_TARGETS = {"unit": ("unit",), "tcp": ("host", "port"), "http": ("url",), "free_space": ("path",)}


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
