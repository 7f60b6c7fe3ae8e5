# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a commit writes and what goes, for all states that commits, boots and blessings bring a host into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import bad_images
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import boot_order
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import Deployment, ReleaseFile
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import (
    deployment_entry,
    digest_of,
    gives_up,
    named,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_plan import (
    expendable,
    garbage,
    make_room,
    plan_commit,
    spared,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployments import Standing
from hypothesis import given
from hypothesis import strategies as st

MIB = 1 << 20
FILE = ReleaseFile("x", "0" * 64, 1)


def deployment(letter: str) -> Deployment:
    digest = letter * 64
    files = dict.fromkeys(("root", "verity", "linux", "initrd"), FILE)
    return Deployment(
        f"web-{letter}", digest, "web", "1", letter, "0" * 64, "", 1, "6.1", ("panic=5",), files
    )


DEPLOYMENTS = {letter * 64: deployment(letter) for letter in "abcd"}
A, B, C, D = DEPLOYMENTS


def provisioned() -> Standing:
    entry = deployment_entry(DEPLOYMENTS[A])
    return Standing(A, entry.name, (entry,), {A: DEPLOYMENTS[A]}, {A: 1.0})


def stage(standing: Standing, digest: str) -> Standing:
    installed = {**standing.installed, digest: DEPLOYMENTS[digest]}
    since = {**standing.since, digest: max(standing.since.values()) + 1}
    return replace(standing, installed=installed, since=since)


def commit(standing: Standing, digest: str, arguments: Sequence[str] = ()) -> Standing:
    plan = plan_commit(standing, DEPLOYMENTS[digest], 2, arguments)
    entries = [one for one in standing.entries if one not in plan.remove]
    return replace(standing, entries=(*entries, *([plan.write] if plan.write else [])))


def boot(standing: Standing) -> Standing:
    chosen = boot_order(standing.entries)[0]
    entries = tuple(one.tried() if one is chosen else one for one in standing.entries)
    return look(replace(standing, booted=digest_of(chosen), booted_entry=chosen.name, entries=entries))


def bless(standing: Standing) -> Standing:
    entries = tuple(one.blessed() if one.name == standing.booted_entry else one for one in standing.entries)
    return replace(standing, entries=entries)


def look(standing: Standing) -> Standing:
    failed = bad_images.failures(standing.entries, {}, standing.booted_entry)
    return replace(standing, bad=bad_images.known_bad(standing.bad, failed, {}, "now"))


def collect(standing: Standing, keep: int) -> Standing:
    gone = set(garbage(standing, keep))
    return replace(
        standing,
        entries=tuple(one for one in standing.entries if digest_of(one) not in gone),
        installed={digest: one for digest, one in standing.installed.items() if digest not in gone},
    )


steps = st.one_of(
    st.tuples(st.just("stage"), st.sampled_from([A, B, C, D])),
    st.tuples(st.just("commit"), st.sampled_from([A, B, C, D])),
    st.tuples(st.just("boot"), st.booleans()),
    st.tuples(st.just("collect"), st.integers(1, 3)),
)


@given(st.lists(steps, max_size=25))
def test_whatever_is_done_there_is_something_good_to_boot(done: list[tuple[str, object]]) -> None:
    standing = provisioned()
    for step, detail in done:
        if step == "stage":
            standing = stage(standing, str(detail))
        elif step == "commit" and detail in standing.installed and detail not in standing.failed:
            standing = commit(standing, str(detail))
            assert standing.committed == detail
        elif step == "boot":
            standing = boot(standing)
            standing = bless(standing) if detail else standing
        elif step == "collect":
            before = standing
            standing = collect(standing, int(str(detail)))
            for needed in (before.booted, before.previous, before.committed, *before.staged[:1]):
                assert not needed or needed in standing.installed
        assert standing.good, "nothing that is known to be good is left"
        assert standing.booted in standing.installed
        assert {digest_of(one) for one in standing.entries} <= set(standing.installed)
        names = [one.name for one in standing.entries]
        assert len(names) == len(set(names))
    for _boot in range(20):  # nobody blesses: it comes to rest on what is good
        standing = boot(standing)
    assert standing.is_good


@given(st.lists(st.sampled_from([A, B, C, D]), max_size=8))
def test_to_commit_twice_changes_nothing(order: list[str]) -> None:
    standing = provisioned()
    for digest in order:
        standing = commit(stage(standing, digest), digest)

        again = plan_commit(standing, DEPLOYMENTS[digest], 2, ())

        assert (again.write, again.remove) == (None, ())


def test_a_spent_entry_gets_a_fresh_one() -> None:
    standing = boot(boot(boot(commit(stage(provisioned(), B), B))))
    assert standing.booted == A
    assert standing.failed == {B}

    again = commit(standing, B)

    assert [one.file_name for one in boot_order(again.entries)] == [
        f"osaas-000003-{B[:16]}+2.conf",
        f"osaas-000001-{A[:16]}.conf",
    ]


def test_what_is_on_trial_keeps_its_entry() -> None:
    standing = boot(commit(stage(provisioned(), B), B))

    other = commit(standing, B, ["nosmt"])

    assert named(other.entries, standing.booted_entry) is not None
    assert bless(other).is_good


def test_failed_ones_go_first_then_the_oldest() -> None:
    standing = bless(boot(commit(stage(provisioned(), B), B)))
    standing = boot(boot(boot(commit(stage(standing, C), C))))
    standing = bless(boot(commit(stage(standing, D), D)))

    assert expendable(standing) == [C, A]
    assert spared(standing) == {B, D}
    assert garbage(standing, 3) == [C]


@pytest.mark.parametrize(
    ("tries", "blessed", "gives"),
    [(2, False, True), (1, False, True), (2, True, False)],
)
def test_an_unhealthy_boot_gives_up_if_there_is_something_else(
    tries: int, blessed: bool, gives: bool
) -> None:
    entry = deployment_entry(DEPLOYMENTS[B], 2, tries)
    standing = provisioned()
    standing = boot(replace(standing, entries=(*standing.entries, entry)))
    standing = bless(standing) if blessed else standing

    assert gives_up(standing.entries, standing.booted_entry) is gives


def test_an_unhealthy_boot_stays_up_if_there_is_nothing_else() -> None:
    entry = deployment_entry(DEPLOYMENTS[A], 1, 3).tried()

    assert not gives_up([entry], entry.name)


def test_room_is_made_in_order_and_no_more_than_needed() -> None:
    sizes = {A: 3 * MIB, B: 0, C: 4 * MIB, D: 4 * MIB}

    assert make_room(5 * MIB, 3 * MIB, [A, B, C, D], sizes, where="/efi") == [A]
    assert make_room(6 * MIB, 3 * MIB, [B, A, C, D], sizes, where="/efi") == [A, C]
    assert make_room(2 * MIB, 3 * MIB, [A], sizes, where="/efi") == []
    with pytest.raises(HostError) as refused:
        make_room(9 * MIB, 3 * MIB, [A], sizes, where="/efi")
    assert str(refused.value) == (
        "/efi: 9.0 MiB and 1.0 MiB to spare are needed, 3.0 MiB are free,"
        " and 3.0 MiB of deployments may go: 4.0 MiB too little."
        " Remove what else lies there, or use a larger disk"
    )
