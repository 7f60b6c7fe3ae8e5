# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Leave a release: pin the one before, and remember the one left as bad when it failed here."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.bad_releases import mark_bad
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.pinning import (
    carry_out,
    current_pin,
    plan_repin,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.running import read_running
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import all_transactions


def target_of(pin: Pin | None, leave: str) -> Pin:
    """The pin that a host pinned to `pin` has to have without `leave`; the same one if it has left already.

    Raises HostError if there is none to go back to.
    """
    if pin is None:
        raise HostError("is not pinned", where="this host", way_out="Pin it with host_pin")
    if pin.release != leave:
        return pin
    if pin.previous is None:
        raise HostError(
            f"has no release before {leave} to go back to", where="this host", way_out="Pin one with host_pin"
        )
    return pin.previous


def nothing_to_leave(leave: str) -> bool:
    """Whether the host never set out for `leave`, and has no release to go back to: it is as it was found."""
    pin = current_pin()
    if pin is None:
        return True
    entered = any(one.job().release == leave for one in all_transactions())
    running = read_running()
    return pin.release == leave and pin.previous is None and not entered and running is None


def rollback_target(leave: str) -> Pin:
    """target_of() for this host."""
    return target_of(current_pin(), leave)


def pin_back(leave: str, bad_because: str | None) -> tuple[Pin, bool]:
    """Pin the release before `leave`, which is marked as bad if there is a reason for that.

    Also returns whether the pin changed.
    """
    target = rollback_target(leave)
    if bad_because is not None:
        mark_bad(leave, bad_because)
    changes = plan_repin(target)
    carry_out(changes)
    return target, paths.PIN_FILE in changes.changed()
