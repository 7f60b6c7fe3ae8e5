# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian versions and dependencies in RPM's words."""

from __future__ import annotations

import subprocess

import pytest
from testbed.distro.cache import DistroError
from testbed.distro.versions import Clause, Evr, Relation, clauses, evr, provision, requirement


@pytest.mark.parametrize(
    ("debian", "rpm"),
    [
        ("1.2-3", "1.2-3"),
        ("1:9.2p1-2+deb12u10", "1:9.2p1-2+deb12u10"),
        ("0:1.2-3", "1.2-3"),
        ("252.39-1~deb12u2", "252.39-1~deb12u2"),
        ("20250419~deb12u2", "20250419~deb12u2-0"),
        ("2026f-0+deb12u1", "2026f-0+deb12u1"),
        ("1.6-2.1-4", "1.6.2.1-4"),
    ],
)
def test_version(debian: str, rpm: str) -> None:
    assert str(evr(debian)) == rpm


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0~rc1-1", "1.0-1"),
        ("1.2-3", "1.2-3+b1"),
        ("1.2-9", "1.2-10"),
        ("9:1.0-1", "10:0.1-1"),
        ("1.2", "1.2-1"),
    ],
)
def test_the_order_of_versions_stays(older: str, newer: str) -> None:
    assert subprocess.run(["dpkg", "--compare-versions", older, "lt", newer], check=False).returncode == 0
    verdict = f"%{{lua:print(rpm.vercmp('{evr(older)}', '{evr(newer)}'))}}"
    assert subprocess.run(["rpm", "--eval", verdict], check=True, capture_output=True).stdout.strip() == b"-1"


def test_a_newer_build_of_the_same_version_is_newer() -> None:
    assert str(evr("1.2-3").bumped("r2")) == "1.2-3.r2"
    assert evr("1.2-3").bumped("") == evr("1.2-3")


def test_clauses_of_a_field() -> None:
    assert clauses("libc6 (>= 2.36), python3:any (<< 3.12~) | python3-old,\n mawk") == [
        (Relation("libc6", ">=", "2.36"),),
        (Relation("python3", "<", "3.12~"), Relation("python3-old")),
        (Relation("mawk"),),
    ]


def test_a_clause_that_cannot_be_read() -> None:
    with pytest.raises(
        DistroError, match=r"^dependency 'libc6 \(>= 2' is not in the form `name \[\(operator"
    ):
        clauses("libc6 (>= 2")


BUILT = {"libc6": ("2.36-9", evr("2.36-9")), "systemd": ("252-1", evr("252-1").bumped("r2"))}
KNOWN = {*BUILT, "awk"}


@pytest.mark.parametrize(
    ("field", "requires"),
    [
        ("libc6", "libc6"),
        ("libc6 (>= 2.36-1)", "libc6 >= 2.36-1"),
        ("libc6 (>= 2.36)", "libc6 >= 2.36"),
        ("libc6 (<< 2.37~)", "libc6 < 2.37~"),
        ("libc6 (>> 2.36-1)", "libc6 > 2.36-1"),
        # dpkg: 2.36-9 is later than 2.36; rpm would compare without the release
        ("libc6 (>> 2.36)", "libc6 >= 2.36"),
        ("libc6 (>= 1:2.36)", "libc6 >= 1:2.36"),
        # what belongs to the same build follows it
        ("systemd (= 252-1)", "systemd = 252-1.r2"),
        ("systemd (= 251-1)", "systemd = 251-1"),
        ("libc6 | awk", "(libc6 or awk)"),
        ("nothing | awk", "awk"),
        # a clause that names what is left out is left out as a whole
        ("dpkg (>= 1) | libc6", ""),
    ],
)
def test_requirement(field: str, requires: str) -> None:
    assert requirement(clauses(field)[0], {"dpkg"}, KNOWN, BUILT) == requires


def test_a_requirement_that_nothing_meets() -> None:
    with pytest.raises(DistroError, match=r"^nothing provides mail-transport-agent \| exim4$"):
        requirement(clauses("mail-transport-agent | exim4")[0], {"dpkg"}, KNOWN, BUILT)


@pytest.mark.parametrize(
    ("clause", "provides"),
    [((Relation("awk"),), "awk"), ((Relation("libfoo", "=", "1:2-3"),), "libfoo = 1:2-3")],
)
def test_provision(clause: Clause, provides: str) -> None:
    assert provision(clause) == provides


def test_an_evr_without_epoch_shows_none() -> None:
    assert str(Evr("0", "9.2", "1")) == "9.2-1"
