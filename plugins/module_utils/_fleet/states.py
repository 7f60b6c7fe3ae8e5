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
# Failed in a way that its policy tries again: waits for its time, then is as if eligible.
RETRY = "retry"
CLAIMED = "claimed"
DONE = "done"
ROLLED_BACK = "rolled back"
ROLLING_BACK = "rolling back"
QUARANTINED = "quarantined"
# Failed before it was changed, and is not tried again: it still runs what it had.
HELD = "held"
# Failed, but an operator has taken the charge from it; in this rollout it stays out.
WAIVED = "waived"
UNREACHABLE = "unreachable"

WAITING = (ELIGIBLE, RETRY)
# From here on a host may be another one than before.
CHANGED = ("activating", "rebooting", "verifying", ROLLING_BACK)
# A host does not serve from when it is drained or changed until it is known to be well.
DISRUPTED = ("draining", *CHANGED)
SERVING = (DONE, ROLLED_BACK)
# Serves, as far as anybody knows, though some of these stay charged.
UNDISTURBED = (*SERVING, RETRY, HELD)
# What counts against the error budget. An unreachable host may still be finished when it answers again.
FAILED = (ROLLED_BACK, QUARANTINED, HELD, UNREACHABLE)
FINAL = (DONE, ROLLED_BACK, QUARANTINED, HELD, WAIVED)
# Left out of its wave while somebody's exemption lasts.
EXEMPT = "exempt"
# No part of their wave: neither waited for nor counted.
LEFT_OUT = (EXEMPT, WAIVED)
# What a run may record of a host that it has claimed.
RECORDED = ("staged", *DISRUPTED, DONE, ROLLED_BACK, QUARANTINED)
# What a run may report besides: that a step failed. The ledger decides what the host's state is then.
STEP_FAILED = "failed"
