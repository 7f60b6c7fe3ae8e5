# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The states of a rollout, and of a host in it."""

from __future__ import annotations

# A rollout that may still change. Only while it is running hosts are started.
PLANNED = "planned"
RUNNING = "running"
UNFINISHED = (PLANNED, RUNNING, "paused", "halted")

ELIGIBLE = "eligible"
CLAIMED = "claimed"
DONE = "done"
ROLLED_BACK = "rolled back"
QUARANTINED = "quarantined"
UNREACHABLE = "unreachable"

# A host does not serve from when it is changed until it is known to be well.
DISRUPTED = ("activating", "rebooting", "verifying", "rolling back")
SERVING = (DONE, ROLLED_BACK)
# What counts against the error budget. An unreachable host may still be finished when it answers again.
FAILED = (ROLLED_BACK, QUARANTINED, UNREACHABLE)
FINAL = (DONE, ROLLED_BACK, QUARANTINED)
# Left out of its wave while somebody's exemption lasts.
EXEMPT = "exempt"
# What a run may record of a host that it has claimed.
RECORDED = ("staged", *DISRUPTED, *FINAL)
