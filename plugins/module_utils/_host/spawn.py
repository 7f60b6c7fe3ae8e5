# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The runner of the worker, which has no Ansible module to run commands for it."""

from __future__ import annotations

import asyncio
import logging
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._errors import CommandError

_log = logging.getLogger("osaas")
_NOT_STARTED = 127  # what a shell says of a command that it cannot start


class WorkerRunner:
    """See _command.Runner. Warnings go to the log."""

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """See Runner.run."""
        done = asyncio.run(_run(argv, stdin, {**os.environ, "LC_ALL": "C", "LANGUAGE": "C", **(env or {})}))
        if check and done.status != 0:
            raise CommandError(argv, done.status, done.stdout, done.stderr)
        return done

    def warn(self, message: str) -> None:
        """See Runner.warn."""
        _log.warning("%s", message)


async def _run(argv: Sequence[str], stdin: str | None, env: Mapping[str, str]) -> Completed:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=DEVNULL if stdin is None else PIPE, stdout=PIPE, stderr=PIPE, env=env
        )
    except OSError as error:
        return Completed(_NOT_STARTED, "", f"{argv[0]}: {error.strerror}")
    stdout, stderr = await process.communicate(None if stdin is None else stdin.encode())
    status = await process.wait()  # it has ended: this only says how
    return Completed(status, stdout.decode(errors="replace"), stderr.decode(errors="replace"))
