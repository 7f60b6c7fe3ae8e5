# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Checks of units, commands, the kernel and the clock."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.check import Check, Seen, State
from ansible_collections.osaas.fleet.plugins.module_utils._host.kernels import installed_kernels
from ansible_collections.osaas.fleet.plugins.module_utils._host.processes import boot_id as current_boot_id
from ansible_collections.osaas.fleet.plugins.module_utils._host.systemd import active_state, failed_units

_TIMED_OUT = 124  # timeout(1)
_LONGEST_LIST = 500  # lines of the journal that are kept as a baseline


def units(runner: Runner, check: Check, before: State) -> Seen:
    """No unit has failed that had not before."""
    failed = failed_units(runner)
    new = [unit for unit in failed if unit not in before.get("failed_units", ())]
    verb = "is" if len(new) == 1 else "are"
    message = f"{', '.join(new)} {verb} failed" if new else "no failed units"
    return Seen(not new, message, {"failed_units": failed})


def unit(runner: Runner, check: Check, before: State) -> Seen:
    """Its unit is active."""
    state = active_state(runner, check.options["unit"])
    return Seen(state == "active", f"unit {check.options['unit']} is {state}")


def command(runner: Runner, check: Check, before: State) -> Seen:
    """Its command ends with status 0."""
    argv = check.options["argv"]
    done = runner.run(["timeout", "--kill-after=5", f"{check.timeout:g}", *argv], check=False)
    if done.status == _TIMED_OUT:
        return Seen(False, f"{argv[0]} ran longer than {check.timeout:g} s")
    last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
    return Seen(done.status == 0, f"{argv[0]} ended with {done.status}: {last}")


def boot_id(runner: Runner, check: Check, before: State) -> Seen:
    """The host was rebooted since the baseline."""
    now = current_boot_id()
    changed = now != before.get("boot_id", "")
    return Seen(changed, "rebooted" if changed else "the host was not rebooted", {"boot_id": now})


def kernel(runner: Runner, check: Check, before: State) -> Seen:
    """The kernel asked for runs, else the newest installed; containers have none, and are well."""
    running, wanted = os.uname().release, check.options.get("release")
    if wanted:
        return Seen(fnmatchcase(running, wanted), f"kernel {running} runs, wanted is {wanted}")
    newest = (installed_kernels() or [running])[-1]
    return Seen(running == newest, f"kernel {running} runs, {newest} is the newest installed")


def clock(runner: Runner, check: Check, before: State) -> Seen:
    """The clock is in sync, as the kernel says, and is that of whoever asks, if that was told."""
    ahead = check.options.get("ahead") or 0.0
    if abs(ahead) > check.options["maximum"]:
        how = "ahead of" if ahead > 0 else "behind"
        return Seen(False, f"the clock is {abs(ahead):.0f} s {how} the controller's")
    done = runner.run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], check=False)
    if done.status != 0:
        return Seen(False, f"timedatectl: {(done.stderr.strip() or 'no answer').splitlines()[-1]}")
    synced = done.stdout.strip() == "yes"
    return Seen(synced, "the clock is in sync" if synced else "the clock is not in sync")


def load(runner: Runner, check: Check, before: State) -> Seen:
    """The load average of the last minute, per CPU, is not above its maximum."""
    now, most = os.getloadavg()[0] / (os.cpu_count() or 1), check.options["maximum"]
    return Seen(now <= most, f"load {now:.2f} per CPU, at most {most:g}")


def journal(runner: Runner, check: Check, before: State) -> Seen:
    """The journal since the boot has no errors that it had not before; numbers in them do not count."""
    limit = ["timeout", f"{check.timeout:g}"]
    listing = ["journalctl", "--boot", "--priority=err", "--output=cat", "--no-pager", "--quiet"]
    done = runner.run([*limit, *listing], check=False)
    if done.status not in (0, 1):  # 1: no entries
        return Seen(False, f"journalctl ended with {done.status}", {"errors": before.get("errors", [])})
    pattern = re.compile(check.options.get("matching") or "")
    lines = {re.sub(r"\d+", "#", line): line for line in done.stdout.splitlines() if pattern.search(line)}
    new = [line for shape, line in lines.items() if shape not in before.get("errors", ())]
    message = f"{len(new)} new errors, the last: {new[-1]}" if new else "no new errors"
    return Seen(not new, message, {"errors": sorted(lines)[:_LONGEST_LIST]})
