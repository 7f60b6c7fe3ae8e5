# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps are atomic, remembered, and fail with one clear line."""

from __future__ import annotations

import fcntl
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from testbed.distro import deb
from testbed.distro.build import FLAVOURS, ensure_distro
from testbed.distro.cache import DistroError, digest, new_directory, sole_builder
from testbed.distro.command import run
from testbed.distro.keys import signing_key
from testbed.distro.parallel import in_parallel


def test_the_borders_of_a_digests_parts_count() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_a_directory_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    place = tmp_path / "place"
    with pytest.raises(RuntimeError, match="interrupted"), new_directory(place) as beside:
        (beside / "half").touch()
        raise RuntimeError("interrupted")
    assert not place.exists()
    with new_directory(place) as beside:
        (beside / "whole").touch()
    assert [path.name for path in place.iterdir()] == ["whole"]
    assert list(tmp_path.iterdir()) == [place]


def test_a_directory_is_replaced_as_a_whole(tmp_path: Path) -> None:
    place = tmp_path / "place"
    for name in ("old", "new"):
        with new_directory(place) as beside:
            (beside / name).touch()
    assert [path.name for path in place.iterdir()] == ["new"]


def test_a_second_builder_says_that_it_waits(tmp_path: Path) -> None:
    lines: list[str] = []
    with (tmp_path / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        release = threading.Timer(0.1, fcntl.flock, (held, fcntl.LOCK_UN))
        release.start()
        with sole_builder(tmp_path, lines.append):
            assert lines == [f"waiting for another process that builds in {tmp_path}"]
        release.join()


def test_nothing_is_begun_after_a_failure() -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 1:
            raise DistroError("item 1 is broken")
        threading.Event().wait(0.02)

    with pytest.raises(DistroError, match="item 1 is broken"):
        in_parallel(work, range(50))
    assert len(begun) < 10


def test_results_keep_the_order_of_items_and_progress_counts() -> None:
    lines: list[str] = []
    assert in_parallel(lambda item: item * 2, range(50), lines.append, "doubled") == list(range(0, 100, 2))
    assert lines == ["40/50 doubled", "50/50 doubled"]


def test_a_command_that_fails_is_one_line() -> None:
    with pytest.raises(
        DistroError, match=r"^dpkg-deb failed with status 2: .*'no\.deb': No such file or directory$"
    ) as caught:
        run(["dpkg-deb", "--field", "no.deb"])
    assert "\n" not in str(caught.value)


def test_a_command_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(DistroError, match=r"^createrepo-q: not found; install the testbed's packages first$"):
        run(["createrepo-q"])


def test_a_suite_that_cannot_be_read_is_named_with_its_mirror(tmp_path: Path) -> None:
    flavour = replace(FLAVOURS["testbed-9"], suite="no-such")
    line = (
        r"^cannot fetch the packages of testbed-9: cannot read the package list of Debian's suite no-such "
        r"from https?://\S+: is that mirror reachable, and has it this suite\? \(apt-get failed "
    )
    with pytest.raises(DistroError, match=line):
        deb.fetch(flavour, tmp_path, lambda line: None)
    assert not list(tmp_path.glob("*/complete"))


def test_an_unknown_flavour_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(
        DistroError,
        match=r"^flavour 'testbed-8' is not known; choose from testbed-9, testbed-10, testbed-next$",
    ):
        ensure_distro("testbed-8", cache=tmp_path, progress=lambda line: None)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "testbed-9").write_text("a file in the way")
    line = f"^cannot build testbed-9 in {re.escape(str(tmp_path))}/testbed-9: File exists$"
    with pytest.raises(DistroError, match=line):
        ensure_distro(cache=tmp_path, progress=lambda line: None)


def test_a_path_too_long_for_gpg_is_named(tmp_path: Path) -> None:
    line = r"/gnupg: too long a path for gpg's sockets; at most 85 bytes will do$"
    with pytest.raises(DistroError, match=line), signing_key(tmp_path / ("x" * 90)):
        pass
