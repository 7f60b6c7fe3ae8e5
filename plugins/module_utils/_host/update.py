# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What the module os_update does in each of its states."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import restore_point
from ansible_collections.osaas.fleet.plugins.module_utils._host.activation import (
    Activated,
    Wish,
    activate,
    debt,
    finish,
    report,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import Source, source_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.lock import exclusive
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.pinning import (
    carry_out,
    current_pin,
    plan_unpin,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Plan
from ansible_collections.osaas.fleet.plugins.module_utils._host.preview import Preview
from ansible_collections.osaas.fleet.plugins.module_utils._host.rollback import (
    Stay,
    back_by_restore_point,
    last_stay,
    nothing_to_leave,
    pin_back,
    rollback_target,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.running import read_running
from ansible_collections.osaas.fleet.plugins.module_utils._host.settling import settle
from ansible_collections.osaas.fleet.plugins.module_utils._host.staging import Want, predict, stage
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import last_transaction

Result = dict[str, t.Any]


@dataclass(frozen=True)
class Request:
    """The options of os_update; `release` is the one to be on, or to leave when rolling back.

    `bad_because` is why the release that is left must never come again, None if it may. `preview` stands in
    for the pin in check mode, where nothing was pinned.
    """

    release: str
    wish: Wish
    restart: bool
    reboot_packages: tuple[str, ...]
    bad_because: str | None
    check: bool
    preview: Preview | None = None


def staged(runner: Runner, request: Request) -> Result:
    """Download what the pinned release needs. Changed if anything was downloaded, or mended first."""
    if request.check:
        pin, source = _preview(request)
        plan = predict(Want(pin, request.wish.demand), source)
        found = {"release": pin.release, "plan": plan.as_json(), "repairs": []}
        return {"changed": plan.download_bytes > 0, **found}
    pin = _pinned(request.release)
    repairs = finish(runner, request.wish, pin)
    with exclusive():
        want = Want(pin, replace(request.wish.demand, again=debt()))
        done, downloaded = stage(runner, want, request.wish.patience)
    return {
        "changed": downloaded or bool(repairs),
        "release": pin.release,
        "plan": done.plan.as_json(),
        "repairs": list(repairs),
    }


def active(runner: Runner, request: Request) -> Result:
    """Bring the host to the pinned release."""
    if request.check:
        pin, source = _preview(request)
        return _prediction(runner, request, pin, source, repinned=False)
    done = activate(runner, _pinned(request.release), request.wish)
    return _settled(runner, request, done, repinned=False)


def rolled_back(runner: Runner, request: Request) -> Result:
    """Bring the host back to the release before. One that never left what it was found with is let go."""
    if nothing_to_leave(request.release):
        return _let_go(runner, request)
    target = rollback_target(request.release)
    stay = last_stay(request.release, target.release)
    undo = replace(request, wish=replace(request.wish, demand=stay.undone(request.wish.demand)))
    if request.check:
        repinned = target != current_pin()
        return _prediction(runner, undo, target, source_of(target), repinned=repinned)
    target, repinned = pin_back(request.release, request.bad_because)
    done = _by_restore_point(runner, request, target, stay) or activate(runner, target, undo.wish)
    result = _settled(runner, request, done, repinned=repinned, revive=True)
    known = stay.before and not done.waits
    return {**result, "restored": result["package_set_digest"] == stay.before if known else None}


def _by_restore_point(runner: Runner, request: Request, target: Pin, stay: Stay) -> Activated | None:
    """What the next boot will do; None if that is nothing."""
    with exclusive():
        last, waits = last_transaction(), restore_point.left() == request.release
        if waits and last:
            transaction = last.id
        elif request.wish.restore_point:
            transaction = back_by_restore_point(runner, target, stay, request.wish.timeout)
        else:
            transaction = ""
    if not transaction:
        return None
    release = request.release
    return Activated(not waits, target.release, release, Plan(), transaction, (), False, 0.0, waits=True)


def _let_go(runner: Runner, request: Request) -> Result:
    changes = plan_unpin()
    if not request.check:
        carry_out(changes)
    now = settle(runner, restart=False, reboot_packages=request.reboot_packages)
    done = Activated(False, None, None, Plan(), "", (), False, 0.0)
    return {"changed": bool(changes.changed()), **report(done), **now}


STATES: Mapping[str, Callable[[Runner, Request], Result]] = {
    "staged": staged,
    "active": active,
    "rolled_back": rolled_back,
}


def _pinned(release: str) -> Pin:
    """The pin of this host. Raises HostError if it is another, or if the next boot leaves all this behind."""
    restore_point.refuse_if_left()
    pin = current_pin()
    if pin is None or pin.release != release:
        raise HostError(
            f"is pinned to {pin.release}, not to {release}" if pin else "is not pinned",
            where="this host",
            way_out=f"Pin it to {release} with host_pin first",
        )
    return pin


def _preview(request: Request) -> tuple[Pin, Source]:
    """The pin to plan for and its repos, whether the host is pinned already or only would be."""
    pin = current_pin()
    if request.preview and (pin is None or pin.release != request.release):
        return request.preview.pin, request.preview.source()
    pin = _pinned(request.release)
    return pin, source_of(pin)


def _settled(
    runner: Runner, request: Request, done: Activated, *, repinned: bool, revive: bool = False
) -> Result:
    now = settle(
        runner,
        restart=request.restart and not done.waits,
        revive=revive,
        reboot_packages=request.reboot_packages,
    )
    if done.waits:
        now["reboot_required"] = True
        now["reboot_reasons"].insert(0, f"the next boot brings the host to {done.release}")
    return {"changed": done.changed or repinned or bool(now["services_restarted"]), **report(done), **now}


def _prediction(runner: Runner, request: Request, pin: Pin, source: Source, *, repinned: bool) -> Result:
    plan = predict(Want(pin, request.wish.demand), source)
    running = read_running()
    from_release = running.release if running else None
    done = Activated(not plan.empty, pin.release, from_release, plan, "", (), False, 0.0)
    now = settle(runner, restart=False, reboot_packages=request.reboot_packages)
    return {"changed": done.changed or repinned, **report(done), **now}
