# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a transaction that did not end well, on a directory that stands for a host.

`Systemd` stands for the host's: what it starts has ended, as it was told beforehand, before one can look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import activation, database, offline, paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.activation import Wish, debt, finish
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import Source
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import Package
from ansible_collections.osaas.fleet.plugins.module_utils._host.patience import Patience
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin, Repository
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Demand, Plan
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import (
    Job,
    Outcome,
    Transaction,
    all_transactions,
    installed_in,
    last_transaction,
    new_transaction,
    prune,
)

R1, R2 = "20261101T000000Z", "20261102T000000Z"
PLAN = Plan(upgrade=("bash-0:2-1.noarch",), install=("new-0:1-1.noarch",), remove=("old-0:1-1.noarch",))
PIN = Pin(R2, "d", "http://store", (Repository("baseos", ("key",)),))
WISH = Wish(Demand(), 5.0, "this call", Patience(1, 2))


@dataclass
class Systemd:
    """Runs nothing; every worker that it starts ends with the next of `ends`."""

    ends: list[Outcome] = field(default_factory=list)
    state: str = "inactive"
    started: list[str] = field(default_factory=list)

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        if argv[0] == "systemd-run":
            transaction = Transaction(Path(argv[-1]).name)
            self.started.append(transaction.id)
            transaction.end(self.ends.pop(0))
        return Completed(0, f"ActiveState={self.state}\n" if "show" in argv else "", "")

    def warn(self, message: str) -> None:
        raise AssertionError(message)


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in list(vars(paths).items()):
        if isinstance(value, Path):
            monkeypatch.setattr(paths, name, tmp_path / value.relative_to("/"))
    paths.UNITS.mkdir(parents=True)
    monkeypatch.setattr(activation, "installed_packages", lambda: ())
    monkeypatch.setattr(database, "database_directory", lambda: tmp_path)


def transaction(
    *, half_done: bool, end: Outcome | None = None, recovers: str = "", release: str = R2
) -> Transaction:
    new = new_transaction(release)
    job = Job(new.id, release, R1, Source(paths.CACHE / release, ()), PLAN, Demand(again=("earlier",)))
    new.record(replace(job, recovers=recovers))
    if half_done:
        new.begin_change()
    if end:
        new.end(end)
    return new


@pytest.mark.parametrize("end", [None, Outcome("no room", "", 1.0)])
def test_what_stopped_half_way_is_run_again_whole(end: Outcome | None) -> None:
    stopped = transaction(half_done=True, end=end)
    systemd = Systemd([Outcome("", "digest", 2.0, ("upgraded 1 packages",))])
    assert finish(systemd, WISH, PIN) == ("upgraded 1 packages",)
    recovery = last_transaction()
    assert recovery and systemd.started == [recovery.id] == [f"{R2}-2"]
    job = recovery.job()
    assert (job.recovers, job.request, job.patience) == (stopped.id, "this call", WISH.patience)
    assert job.demand.again == ("bash", "earlier", "new") and job.plan == PLAN
    ended = stopped.outcome()
    assert ended and ended.error == (end.error if end else f"interrupted; {recovery.id} goes on with it")
    assert finish(systemd, replace(WISH, request="next"), PIN) == ()


def test_what_had_not_begun_is_left() -> None:
    stopped = transaction(half_done=False)
    assert finish(Systemd(), WISH, PIN) == ()
    ended = stopped.outcome()
    assert ended and ended.error == "interrupted before it changed anything"


def test_what_failed_without_a_change_is_left() -> None:
    transaction(half_done=False, end=Outcome("hook x: ended with 1: no", "", 0.1))
    assert finish(Systemd(), WISH, PIN) == () and debt() == ()


def test_a_recovery_that_failed_leaves_a_debt() -> None:
    transaction(half_done=True)
    systemd = Systemd([Outcome("is not in the cache", "", 0.1)])
    with pytest.raises(HostError, match=f"transaction {R2}-2: is not in the cache"):
        finish(systemd, WISH, PIN)
    assert debt() == ("bash", "earlier", "new")
    assert finish(systemd, replace(WISH, request="next"), PIN) == ()


def test_another_release_may_be_given_up() -> None:
    transaction(half_done=True)
    assert finish(Systemd([Outcome("cannot be", "", 0.1)]), WISH, replace(PIN, release=R1)) == ()
    assert debt() == ("bash", "earlier", "new")


def test_the_same_call_gets_the_same_end() -> None:
    transaction(half_done=True)
    systemd = Systemd([Outcome("", "digest", 1.0, ("mended",))])
    assert finish(systemd, WISH, PIN) == finish(systemd, WISH, PIN) == ("mended",)
    assert len(systemd.started) == 1


class Doubles:
    """A package manager that finds these in several versions, and is asked for nothing else."""

    def __init__(self, *doubles: str) -> None:
        self.doubles = doubles

    def duplicates(self) -> tuple[str, ...]:
        return self.doubles

    def close(self) -> None:
        """Nothing to give back."""


def double(monkeypatch: pytest.MonkeyPatch, *, counts: bool = True) -> None:
    """Two versions of bash; of a package that may be there so if it does not count."""
    nevras = ("bash-0:1-1.noarch", "bash-0:2-1.noarch")
    found = [Package(nevra, "bash", 1) for nevra in nevras]
    monkeypatch.setattr(activation, "installed_packages", lambda: found)
    monkeypatch.setattr(activation, "many_versions_are_meant", lambda name: False)
    session = Doubles(*(nevras if counts else ()))
    monkeypatch.setattr(activation, "open_session", lambda source, offline: session)


def test_what_is_there_twice_is_tidied_and_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    double(monkeypatch)
    gone = "removed bash-0:1-1.noarch, installed beside another version"
    systemd = Systemd([Outcome("", "digest", 1.0, (gone,))])
    assert finish(systemd, WISH, PIN) == (gone,)
    last = last_transaction()
    assert last and (last.job().tidies, last.job().plan, last.job().release) == (True, Plan(), R2)
    monkeypatch.setattr(activation, "installed_packages", lambda: ())
    assert debt() == ("bash",)
    assert finish(systemd, WISH, PIN) == () and len(systemd.started) == 1


def test_a_tidying_that_was_cut_off_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    double(monkeypatch)
    cut_off = transaction(half_done=True)
    cut_off.record(replace(cut_off.job(), tidies=True, plan=Plan()))
    systemd = Systemd([Outcome("", "digest", 1.0)])
    assert finish(systemd, WISH, PIN) == ()
    ended = cut_off.outcome()
    assert ended and ended.error == "interrupted" and systemd.started == [f"{R2}-2"]
    assert debt() == ("bash", "earlier")


def test_kernels_may_be_there_in_several_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    double(monkeypatch, counts=False)
    assert finish(Systemd(), WISH, PIN) == () and all_transactions() == []
    double(monkeypatch)  # dnf would say so, but is not asked
    monkeypatch.setattr(activation, "many_versions_are_meant", lambda name: name == "bash")
    assert finish(Systemd(), WISH, PIN) == () and all_transactions() == []


def test_what_was_brought_in_this_boot_is_known() -> None:
    for number, boot, end, half in ((1, "a", "", False), (2, "b", "", False), (3, "b", "no room", True)):
        one = transaction(half_done=half, end=Outcome(end, "", 1.0))
        plan = Plan(upgrade=(f"bash-0:{number}-1.noarch",), remove=("old-0:1-1.noarch",))
        one.record(replace(one.job(), boot=boot, plan=plan))
    untouched = transaction(half_done=False, end=Outcome("a hook said no", "", 1.0))
    untouched.record(replace(untouched.job(), boot="b"))
    assert installed_in("a") == {"bash-0:1-1.noarch"}
    assert installed_in("b") == {"bash-0:2-1.noarch", "bash-0:3-1.noarch"}


def test_what_runs_is_followed_and_never_for_too_long() -> None:
    running = transaction(half_done=True)
    with pytest.raises(HostError, match=f"osaas-transaction-{running.id}.service: still runs after 0 s"):
        finish(Systemd(state="active"), replace(WISH, timeout=0.2), PIN)


def test_an_offline_one_waits_and_leaves_nothing() -> None:
    waiting = transaction(half_done=False)
    offline.prepare(Systemd(), waiting)
    assert offline.is_waiting(waiting) and finish(Systemd(), WISH, PIN) == ()
    text = (paths.UNITS / "osaas-offline-update.service").read_text()
    assert "ConditionPathExists=/system-update/job.json\nSuccessAction=reboot\nFailureAction=reboot\n" in text
    assert f"ExecStartPre=/bin/rm -f {paths.SYSTEM_UPDATE}\n" in text and str(waiting.directory) in text
    offline.clear()
    assert not offline.is_waiting(waiting)
    assert [path for path in paths.UNITS.rglob("*") if not path.is_dir()] == []


def test_old_transactions_go() -> None:
    for _number in range(4):
        transaction(half_done=False, end=Outcome("", "", 0.0))
    paths.TRANSACTIONS.joinpath(f"{R2}-5").mkdir()  # killed before its job was written down
    assert [one.id for one in all_transactions()] == [f"{R2}-{number}" for number in (1, 2, 3, 4)]
    prune(keep=2)
    assert [one.id for one in all_transactions()] == [f"{R2}-4"]
    assert new_transaction(R1).id == f"{R1}-6"
