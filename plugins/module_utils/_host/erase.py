# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Remove packages from a host that a transaction left half done, without a resolver.

A resolver would take along what still requires them, until the rest of the transaction brings its like.
"""

from __future__ import annotations

import logging
import typing as t
from collections.abc import Collection

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import nevra

try:
    import rpm  # type: ignore[import-not-found]
except ImportError:
    rpm = None

_log = logging.getLogger("osaas.rpm")


def erase(nevras: Collection[str]) -> None:
    """Remove exactly these packages, as one transaction of rpm's. Raises HostError if rpm refuses."""
    transaction = rpm.TransactionSet()
    for head in transaction.dbMatch():
        name = nevra(head["name"], head["epochnum"], head["version"], head["release"], head["arch"] or "none")
        if name in nevras:
            transaction.addErase(head)
            _log.info("removing %s", name)
    transaction.order()
    problems = transaction.run(_no_callback, "")
    if problems:
        raise HostError("; ".join(str(problem[0]) for problem in problems), where="rpm")


def _no_callback(*_progress: t.Any) -> None:
    """rpm wants one."""
