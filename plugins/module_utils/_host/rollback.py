# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Leave a release that failed: remember it as bad and pin the one before."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.bad_releases import (
    mark_bad,
    read_bad_releases,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.pinning import (
    carry_out,
    current_pin,
    plan_repin,
)


def target_of(pin: Pin, leave: str, bad: Collection[str]) -> Pin:
    """The pin to go back to from release `leave`; `pin` itself if that has begun. Raises HostError."""
    if pin.release == leave:
        if pin.previous is None:
            raise HostError(
                f"has no release before {leave} to go back to",
                where="this host",
                way_out="Pin one with host_pin",
            )
        return pin.previous
    if leave in bad:
        return pin
    raise HostError(
        f"is pinned to {pin.release}, not to {leave}",
        where="this host",
        way_out="Name the release to leave, or pin another one with host_pin",
    )


def rollback_target(leave: str) -> Pin:
    """target_of() for this host."""
    pin = current_pin()
    if pin is None:
        raise HostError("is not pinned", where="this host", way_out="Pin it with host_pin")
    return target_of(pin, leave, [one.release for one in read_bad_releases()])


def pin_back(leave: str, reason: str) -> tuple[Pin, bool]:
    """Mark `leave` as bad and pin the release before; also returns whether the pin changed."""
    target = rollback_target(leave)
    mark_bad(leave, reason)
    changes = plan_repin(target)
    carry_out(changes)
    return target, paths.PIN_FILE in changes.changed()
