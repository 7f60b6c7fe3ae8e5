# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import Entry
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject, Trial
from ansible_collections.osaas.fleet.plugins.module_utils._image.trials.golden import GoldenTrial
from ansible_collections.osaas.fleet.plugins.module_utils._image.trials.packages import PackagesTrial
from ansible_collections.osaas.fleet.plugins.module_utils._image.verdict import (
    Outcome,
    Verdict,
    check_tested,
    judge,
    read_verdict,
    record_verdict,
    verdict_key,
)

PLACE = Place("web.yml", 4)
NO_RUNNER = cast(Runner, SimpleNamespace())  # these tests run no command


def entry(path: str, content: str = "aa", mode: int = 0o644, time: int = 1) -> Entry:
    return Entry(path, stat.S_IFREG | mode, 0, 0, time, 1, content, ())


def subject(directory: Path) -> Subject:
    before = [entry("/a"), entry("/b"), entry("/c"), entry("/t")]
    after = [entry("/a", "bb"), entry("/c", mode=0o600), entry("/d"), entry("/x/d"), entry("/t", time=2)]
    return Subject(
        runner=NO_RUNNER,
        image=cast(Finished, SimpleNamespace()),
        scratch=directory,
        root=directory,
        epoch=1,
        sources=directory,
        entries={one.path: one for one in after},
        before={one.path: one for one in before},
        packages=["bash-0:2-1.x86_64", "jq-0:1-1.x86_64"],
        packages_before=["bash-0:1-1.x86_64", "jq-0:1-1.x86_64"],
    )


def test_a_difference_is_one_line_each_without_times(tmp_path: Path) -> None:
    golden = GoldenTrial(PLACE, "web.golden", ("/x",))

    assert golden.difference(subject(tmp_path)) == (
        "package bash-0:1-1.x86_64 (removed)\n"
        "package bash-0:2-1.x86_64 (added)\n"
        "/a (content) 100644 0:0 bb\n"
        "/b (removed)\n"
        "/c (mode) 100600 0:0 aa\n"
        "/d (added) 100644 0:0 aa\n"
    )


def test_a_golden_file_tells_what_came_and_what_went(tmp_path: Path) -> None:
    golden = GoldenTrial(PLACE, "web.golden", ("/x",))
    text = golden.difference(subject(tmp_path)).replace("/b (removed)", "/b (added)")
    (tmp_path / "web.golden").write_text(text)

    assert list(golden.faults(subject(tmp_path))) == ["-/b (added)", "+/b (removed)"]


def test_packages_are_there_by_name(tmp_path: Path) -> None:
    packages = PackagesTrial(PLACE, installed=("bash", "less"), missing=("jq", "vim"))

    assert list(packages.faults(subject(tmp_path))) == [
        "the package less is missing",
        "the package jq is there",
    ]


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    (tmp_path / "key").mkdir()
    return Layers(tmp_path, NO_RUNNER)


TRIALS: tuple[Trial, ...] = (PackagesTrial(PLACE, installed=("bash",)),)


def test_a_verdict_is_kept_beside_the_image(layers: Layers, tmp_path: Path) -> None:
    assert read_verdict(layers, "key") is None
    verdict = judge(TRIALS, subject(tmp_path))

    record_verdict(layers, "key", verdict)

    assert read_verdict(layers, "key") == verdict
    assert verdict.passed
    check_tested(layers, "key", TRIALS, tmp_path)


def test_an_image_that_failed_is_not_published(layers: Layers, tmp_path: Path) -> None:
    outcome = Outcome("packages (web.yml:4)", ("the package bash is missing",), 0.1)
    record_verdict(layers, "key", Verdict(verdict_key(TRIALS, tmp_path), (outcome,)))

    with pytest.raises(InputError) as refused:
        check_tested(layers, "key", TRIALS, tmp_path)

    assert str(refused.value) == (
        "web.yml: the image failed its tests: packages (web.yml:4): the package bash is missing"
    )


def test_an_image_that_was_tested_otherwise_is_not_published(layers: Layers, tmp_path: Path) -> None:
    record_verdict(layers, "key", Verdict("of other tests", ()))

    with pytest.raises(InputError) as refused:
        check_tested(layers, "key", TRIALS, tmp_path)

    assert str(refused.value) == "web.yml: the image has not been tested. Run image_test"
    check_tested(layers, "key", (), tmp_path)


def test_a_changed_file_of_a_test_is_another_test(tmp_path: Path) -> None:
    golden = GoldenTrial(PLACE, "web.golden")
    before = verdict_key([golden], tmp_path)

    (tmp_path / "web.golden").write_text("/a (added)\n")

    assert verdict_key([golden], tmp_path) != before
