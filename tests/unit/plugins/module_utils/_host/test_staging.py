# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was staged is used for just what it was staged for, and a host that is not whole is not staged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths, staging
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import source_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.patience import Patience
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin, Repository
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Demand, Plan, Resolution
from ansible_collections.osaas.fleet.plugins.module_utils._host.staging import (
    Want,
    predict,
    read_staged,
    stage,
)

PIN = Pin("20261102T000000Z", "d", "http://store", (Repository("baseos", ("key",)),))
PLAN = Plan(upgrade=("bash-0:2-1.noarch",), download_bytes=10, install_bytes=20)
PATIENCE = Patience(1, 1)


@dataclass
class Session:
    """A package manager that has just this to say; `done` is what was asked of it."""

    resolution: Resolution = field(default=Resolution(PLAN))
    doubles: tuple[str, ...] = ()
    absent: tuple[str, ...] = ("bash.rpm",)
    done: list[str] = field(default_factory=list)

    def resolve(self, demand: Demand) -> Resolution:
        return self.resolution

    def missing(self) -> tuple[str, ...]:
        return self.absent

    def download(self) -> None:
        self.done.append("download")

    def files(self) -> Mapping[str, tuple[str, ...]]:
        return {}

    def rehearse(self) -> None:
        self.done.append("rehearse")

    def transact(self) -> None:
        raise AssertionError

    def duplicates(self) -> tuple[str, ...]:
        return self.doubles

    def close(self) -> None:
        self.done.append("close")


class Nobody:
    """A runner that is asked for rpmkeys alone."""

    def run(self, argv: list[str], **_more: object) -> Completed:
        assert argv[0] == "rpmkeys"
        return Completed(0, "", "")

    def warn(self, message: str) -> None:
        raise AssertionError(message)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    session = Session()
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    monkeypatch.setattr(staging, "open_session", lambda source, offline: session)
    monkeypatch.setattr(staging, "installed_packages", lambda: ())
    monkeypatch.setattr(staging, "wait_for_database", lambda patience: session.done.append("wait"))
    return session


def test_it_is_downloaded_and_rehearsed_before_it_is_told(session: Session) -> None:
    staged, downloaded = stage(Nobody(), Want(PIN), PATIENCE)  # type: ignore[arg-type]
    assert downloaded and staged.plan == PLAN
    assert session.done == ["download", "wait", "rehearse", "close"]
    assert read_staged(source_of(PIN)) == staged


def test_it_fits_only_what_it_was_staged_for(session: Session) -> None:
    staged, _downloaded = stage(Nobody(), Want(PIN), PATIENCE)  # type: ignore[arg-type]
    assert staged.fits(Want(PIN), staged.base_digest)
    assert not staged.fits(Want(PIN), "another host")
    assert not staged.fits(Want(PIN, Demand(allow_removals=("bash",))), staged.base_digest)
    assert not staged.fits(Want(PIN, Demand(drop=("new-0:1-1.noarch",))), staged.base_digest)
    assert not staged.fits(Want(replace(PIN, url="http://elsewhere")), staged.base_digest)


def test_nothing_to_do_asks_for_nothing(session: Session) -> None:
    session.resolution, session.absent = Resolution(Plan()), ()
    staged, downloaded = stage(Nobody(), Want(PIN), PATIENCE)  # type: ignore[arg-type]
    assert staged.plan.empty and not downloaded and session.done == ["close"]


def test_a_plan_alone_downloads_nothing(session: Session) -> None:
    assert predict(Want(PIN), source_of(PIN)) == PLAN
    assert session.done == ["close"]


def test_too_little_room_is_seen_before_the_download(session: Session) -> None:
    session.resolution = Resolution(replace(PLAN, install_bytes=1 << 60))
    with pytest.raises(HostError, match=r"/usr: needs \d{13} MiB, \d+ MiB are free. Make room"):
        stage(Nobody(), Want(PIN), PATIENCE)  # type: ignore[arg-type]
    assert session.done == ["close"]


def test_duplicates_are_named(session: Session) -> None:
    session.doubles = ("bash-0:1-1.noarch", "bash-0:2-1.noarch")
    with pytest.raises(HostError, match=r"in several versions.*: bash-0:1-1.noarch, bash-0:2-1.noarch. Run"):
        predict(Want(PIN), source_of(PIN))


def test_a_clock_that_cannot_be_right_is_named(session: Session) -> None:
    session.doubles = ("bash-0:1-1.noarch", "bash-0:2-1.noarch")
    later = replace(PIN, release="29991231T235959Z")
    with pytest.raises(HostError) as caught:
        predict(Want(later), source_of(later))
    now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    assert str(caught.value) == (
        "this host: has packages in several versions, left by an interrupted transaction: "
        f"bash-0:1-1.noarch, bash-0:2-1.noarch; the clock of this host shows {now} UTC, "
        "before 29991231T235959Z was made. Set its clock"
    )


def test_what_a_person_wanted_stays(session: Session) -> None:
    session.resolution = Resolution(PLAN, ("tool",))
    with pytest.raises(HostError, match=f"release {PIN.release}: would remove tool, installed by a person"):
        stage(Nobody(), Want(PIN), PATIENCE)  # type: ignore[arg-type]
    assert session.done == ["close"]
    assert stage(Nobody(), Want(PIN, Demand(("tool",))), PATIENCE)[1]  # type: ignore[arg-type]
