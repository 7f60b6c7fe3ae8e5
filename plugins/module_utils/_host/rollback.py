# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Leave a release: pin the one before, and remember the one left as bad when it failed here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths, restore_point, unit
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import source_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.bad_releases import mark_bad
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import name_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.pinning import (
    carry_out,
    current_pin,
    plan_repin,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Demand, Plan
from ansible_collections.osaas.fleet.plugins.module_utils._host.running import read_running
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import (
    Job,
    Outcome,
    all_transactions,
    last_transaction,
    new_transaction,
)

# What the host knows of itself, to take along when its root is as it was before.
_CARRIED = (
    paths.PIN_FILE,
    paths.BAD_RELEASES_FILE,
    paths.REPO_FILE,
    paths.RELEASE_VAR,
    paths.TRANSACTIONS,
)


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


@dataclass(frozen=True)
class Stay:
    """The last time that a host was brought from one release to another: every try of it, oldest first.

    It is `over` when the host has been brought back.
    """

    jobs: tuple[Job, ...] = field(default=())
    over: bool = False

    @property
    def before(self) -> str:
        """The package-set digest of the host before it, empty if there was none."""
        return self.jobs[0].before if self.jobs else ""

    def undone(self, demand: Demand) -> Demand:
        """`demand`, and that what was installed anew goes, and what was removed comes back."""
        if self.over:
            return demand
        drop = {nevra for job in self.jobs for nevra in job.plan.install}
        bring = {nevra for job in self.jobs for nevra in job.plan.remove}
        return replace(demand, drop=tuple(sorted(drop - bring)), bring=tuple(sorted(bring - drop)))


def last_stay(leave: str, target: str) -> Stay:
    """The host's last stay on `leave`, from where it is to go, or has gone, to `target`."""
    stay = Stay()
    for transaction in reversed(all_transactions()):
        job, outcome = transaction.job(), transaction.outcome()
        if job.tidies:
            continue
        if job.release == leave:
            stay = replace(stay, jobs=(job, *stay.jobs))
        elif stay.jobs or job.release != target:
            break
        elif outcome and not outcome.error:
            stay = replace(stay, over=True)
    return stay


def back_by_restore_point(runner: Runner, pin: Pin, stay: Stay, timeout: float) -> str:
    """Have the next boot bring the host back to `pin`, if what was done since then can be taken back so.

    Returns the id of the transaction that stands for it, empty if this way is barred: packages are the other.
    """
    last, jobs = last_transaction(), stay.jobs
    if not jobs or last is None or last.job().release != jobs[-1].release or not jobs[0].restore_point:
        return ""
    if last.outcome() is None and unit.is_running(runner, last):
        unit.follow(runner, last, timeout=timeout)
    barrier = restore_point.outside({name_of(nevra) for job in jobs for nevra in job.plan.incoming()})
    if barrier:
        runner.warn(f"{barrier} is on another file system than /: the way back is by packages")
        return ""
    new = new_transaction(pin.release)
    job = Job(new.id, pin.release, jobs[-1].release, source_of(pin), Plan(), offline=True)
    new.record(job)
    new.end(Outcome("", stay.before, 0.0))
    done = restore_point.change_places(runner, jobs[-1].release, _CARRIED)
    return new.id if done else ""


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
