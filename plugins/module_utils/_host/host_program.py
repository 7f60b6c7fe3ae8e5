# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The program that an image carries: whether this boot is healthy, and what becomes of its boot entry.

`host.pyz health` looks, `bless` makes the entry known to be good, `unhealthy` leaves a report and reboots.
The three are run by units of the image, with no controller; what they do is told in the journal.
"""

from __future__ import annotations

import json
import os
import sys
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text, read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._host import bad_images
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import gives_up, named
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployments import (
    read_standing,
    remember_failures,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.esp import (
    read_entries,
    rename_entry,
    write_file,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.options import check_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.verdict import failures, run_checks
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths
from ansible_collections.osaas.fleet.plugins.module_utils._host.spawn import WorkerRunner


def health(paths: ImagePaths, runner: Runner) -> int:
    """Run the checks of the host's config; 0 if no failure of one matters. What was seen is kept."""
    failed = look(paths, runner)
    paths.health.parent.mkdir(parents=True, exist_ok=True)
    write_json(paths.health, {"failures": failed, "when": bad_images.now()})
    say("healthy" if not failed else f"unhealthy: {'; '.join(failed)}")
    return 1 if failed else 0


def look(paths: ImagePaths, runner: Runner) -> list[str]:
    """One line per check that failed. A config that cannot be read is a failure: unknown is failed."""
    try:
        config: Mapping[str, t.Any] = read_json(paths.runtime) or {}
        checks = [check_of(given) for given in config.get("health_checks") or ()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"{paths.runtime}: {type(error).__name__}: {error}"]
    unjudged = [f"{check.name}: jmespath needs a controller" for check in checks if check.options["jmespath"]]
    verdicts, _state = run_checks(runner, checks, {})
    return [*failures(verdicts), *unjudged, *_rot(paths, runner)]


def _rot(paths: ImagePaths, runner: Runner) -> list[str]:
    """Whether dm-verity met a block of the root that is not the image's: who read it had an error."""
    if not paths.verity.exists():
        return []
    done = runner.run(["veritysetup", "status", paths.verity.name], check=False)
    words = {key.strip(): value.strip() for key, _colon, value in _pairs(done.stdout)}
    status = words.get("status", "unknown")
    return [] if status == "verified" else [f"root: dm-verity says that it is {status}"]


def _pairs(text: str) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in text.splitlines()]


def bless(paths: ImagePaths, _runner: Runner) -> int:
    """Make the entry of this boot known to be good, and remember what failed before it."""
    entries = read_entries(paths)
    booted = read_json(paths.booted)
    entry = named(entries, booted["entry"])
    if entry is None or entry.tries_left is None:
        say(f"{booted['entry']} is not counted: there is nothing to bless")
    else:
        rename_entry(paths, entry, entry.blessed())
        bad_images.forget(paths, booted["digest"])
        say(f"{entry.file_name} is {entry.blessed().file_name} now")
    standing = read_standing(paths)
    remember_failures(paths, standing)
    for one in standing.bad:
        say(f"{one.release or one.digest} failed here at {one.when}: {one.reason}")
    return 0


def unhealthy(paths: ImagePaths, runner: Runner) -> int:
    """Leave a report of this boot where the next one finds it, and reboot, if that may help."""
    entries = read_entries(paths)
    booted = read_json(paths.booted)
    if not gives_up(entries, booted["entry"]):
        say(f"{booted['entry']} stays up: it is known to be good, or there is nothing else to boot")
        return 0
    seen, units = read_json(paths.health) or {}, failed_units(runner)
    unreached = f"boot-complete.target was not reached; failed units: {', '.join(units) or 'none'}"
    failed = seen.get("failures") or [unreached]
    report = {"digest": booted["digest"], "failures": failed, "units": units, "when": bad_images.now()}
    try:
        write_file(paths.report(booted["digest"]), json_text(report).encode())
    except (OSError, FleetError) as error:
        say(f"no report: {error}")  # a full ESP must not keep a bad boot up
    os.sync()
    say(f"rebooting: {'; '.join(failed)}")
    if runner.run(["systemctl", "--no-block", "reboot"], check=False).status != 0:
        runner.run(["systemctl", "--force", "reboot"])  # it does not ask, and needs no job
    return 0


def failed_units(runner: Runner) -> list[str]:
    """The failed units, empty if systemd does not answer."""
    done = runner.run(["systemctl", "list-units", "--failed", "--output=json"], check=False)
    try:
        return sorted(unit["unit"] for unit in json.loads(done.stdout))
    except (ValueError, KeyError, TypeError):
        return []


COMMANDS: Mapping[str, Callable[[ImagePaths, Runner], int]] = {
    "health": health,
    "bless": bless,
    "unhealthy": unhealthy,
}


def say(line: str) -> None:
    """To the journal."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run one command; `python3 host.pyz COMMAND`."""
    command = COMMANDS.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if command is None:
        raise SystemExit(f"Usage: host.pyz {'|'.join(COMMANDS)}")
    try:
        status = command(ImagePaths(), WorkerRunner())
    except FleetError as error:
        raise SystemExit(str(error)) from error
    raise SystemExit(status)


if __name__ == "__main__":
    main()
