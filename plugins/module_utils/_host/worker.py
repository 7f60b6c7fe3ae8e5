# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The program in the transient unit: carry one job out, whoever started it and whatever became of them.

It is run as `python3 -m … DIRECTORY` from a copy of this code inside that directory, and uses nothing but the
host's Python, dnf and rpm. What it prints goes to the transaction's log.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._host.execution import execute
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import set_digest
from ansible_collections.osaas.fleet.plugins.module_utils._host.rpmdb import installed_packages
from ansible_collections.osaas.fleet.plugins.module_utils._host.spawn import WorkerRunner
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import Outcome, Transaction

_log = logging.getLogger("osaas")


def main(directory: str) -> None:
    """Carry out the job in `directory`; its result is written whatever happens, short of a crash."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        # a transaction is never stopped half way; a shutdown waits for it
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(asctime)s %(name)s: %(message)s")
    transaction = Transaction(Path(directory).name)
    begun = time.monotonic()
    error = ""
    repairs: tuple[str, ...] = ()
    try:
        repairs = execute(WorkerRunner(), transaction)
    except FleetError as problem:
        error = str(problem)
        _log.error("%s", error)
    except Exception as problem:  # whatever it is, the caller must be told, not left to guess
        _log.exception("unexpected")
        error = f"{type(problem).__name__}: {problem}"
    digest = set_digest(installed_packages())
    transaction.end(Outcome(error, digest, round(time.monotonic() - begun, 1), repairs))


if __name__ == "__main__":
    main(sys.argv[1])
    os._exit(0)  # the result is on disk; destructors of the dnf bindings have nothing left to say
