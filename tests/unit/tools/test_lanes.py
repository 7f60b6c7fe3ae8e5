# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner behind `make test` runs two sections at once, tells the truth, and ends what it began."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import lanes
from tools.counts import Counts
from tools.lanes import Lanes, Outcome
from tools.sections import Part, Section
from tools.test import summary
from tools.venv import ROOT

UNTIL = "until [ -e {} ]; do sleep 0.01; done"
Maker = Callable[[str, Part, str], Section]


@pytest.fixture
def section(tmp_path: Path) -> Maker:
    """A section by its name, its part and a shell script, which runs in the test's directory."""

    def made(name: str, part: Part, script: str) -> Section:
        file = tmp_path / f"{name}.sh"
        file.write_text(f"cd {tmp_path}\n{script}\n")
        return Section(name, part, (f"timeout 20 sh {file}",))

    return made


def run(reports: Path, *sections: Section) -> list[Outcome]:
    return asyncio.run(Lanes(sections, reports).run())


@pytest.mark.parametrize("part", ["e2e", "unit"])
def test_two_run_at_once_of_both_lanes_or_of_one(tmp_path: Path, section: Maker, part: Part) -> None:
    one = section("one", "unit", f"touch one; {UNTIL.format('two')}")
    two = section("two", part, f"touch two; {UNTIL.format('one')}")

    outcomes = run(tmp_path, one, two)

    assert [outcome.result for outcome in outcomes] == ["passed", "passed"]


def test_each_lane_keeps_to_its_order(tmp_path: Path, section: Maker) -> None:
    sections = [
        section(name, "unit" if name in "ab" else "e2e", f"echo {name} >> order") for name in "axbycz"
    ]

    run(tmp_path, *sections)

    order = (tmp_path / "order").read_text().split()
    assert sorted(order) == ["a", "b", "c", "x", "y", "z"]
    assert [name for name in order if name in "ab"] == ["a", "b"]
    assert order.index("x") < order.index("y") < order.index("z")


def test_after_a_failure_what_runs_is_finished_and_no_more_begun(tmp_path: Path, section: Maker) -> None:
    bad = section("bad", "unit", "touch failed; exit 1")
    slow = section("slow", "e2e", f"{UNTIL.format('failed')}; sleep 0.3")
    later = [section(f"later-{part}", part, "true") for part in ("unit", "e2e")]

    outcomes = run(tmp_path, bad, slow, *later)

    assert [outcome.result for outcome in outcomes] == ["failed", "passed", "not run", "not run"]


def test_a_section_ends_at_the_first_command_that_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (outcome,) = run(tmp_path, Section("two", "lint", ("echo one", "false", "echo three")))

    assert outcome.result == "failed"
    told = capfd.readouterr().out
    assert "==> two: echo one\none\n==> two: false\n<== two: failed after " in told


def test_a_section_without_its_python_is_skipped(tmp_path: Path, section: Maker) -> None:
    outcomes = run(tmp_path, section("nowhere", "unit", "exit 77"), section("last", "unit", "true"))

    assert [outcome.result for outcome in outcomes] == ["skipped", "passed"]


def test_long_work_says_how_far_it_is(
    tmp_path: Path, section: Maker, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lanes, "NEWS", 0.1)

    run(tmp_path, section("long", "e2e", "printf '\\033[1mhalf way\\033[0m\\n ***\\n'; sleep 0.5"))

    assert "... long, 0 s: half way\n" in capfd.readouterr().out


def test_tests_are_counted_from_a_real_run_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_three.py").write_text(
        "import pytest\n"
        "def test_one(): pass\n"
        "def test_two(): pass\n"
        "def test_three(): pytest.skip('not today')\n"
    )
    command = f"python -m pytest -q -p no:cacheprovider --rootdir {tmp_path} {tmp_path}"

    (outcome,) = run(tmp_path, Section("three", "unit", (command,)))

    assert (outcome.result, outcome.tests) == ("passed", Counts(passed=2, skipped=1))


RUN = """
import asyncio, sys
from pathlib import Path
from tools import commands
from tools.lanes import Lanes
from tools.sections import Section
commands.PATIENCE = 2
sections = [Section(name, "unit", (f"sh {sys.argv[1]}/{name}.sh",)) for name in ("one", "two")]
asyncio.run(Lanes(sections, Path(sys.argv[1])).run())
"""
STRAY = "setsid sh -c 'touch begun-$$; sleep 60; true' &"  # not reached by Ctrl-C
HEIR = "setsid sh -c 'touch begun-$$; tail -f /dev/null --pid $PPID; sleep 0.5; echo heir is tidy' &"
TIDY = "trap 'echo tidy; exit 1' INT; touch begun-$$; sleep 60"


def test_an_interrupted_run_ends_all_that_it_began(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.sh").write_text(f"cd {tmp_path}; {STRAY} {HEIR} {TIDY}")
    argv = [sys.executable, "-c", RUN, str(tmp_path)]
    runner = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: len(list(tmp_path.glob("begun-*"))) == 6)

    runner.send_signal(signal.SIGINT)
    told, error = runner.communicate(timeout=20)

    assert "KeyboardInterrupt" in error
    assert (told.count("\ntidy"), told.count("heir is tidy")) == (2, 2)
    pids = [path.name.removeprefix("begun-") for path in tmp_path.glob("begun-*")]
    until(lambda: not any(map(lives, pids)))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lives(pid: str) -> bool:
    """One that ended may still wait for its parent to take note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_the_last_line_sums_up() -> None:
    sections = [Section(name, "unit", ()) for name in ("good", "a longer name", "left")]
    outcomes = [
        Outcome(sections[0], "passed", seconds=1.2),
        Outcome(sections[1], "failed", seconds=2.0, tests=Counts(passed=7, skipped=1)),
        Outcome(sections[2], "not run"),
    ]

    lines = summary(outcomes, seconds=2.1).splitlines()

    assert lines[-1] == "7 passed, 1 failed, 1 skipped in 2s"
    assert lines[-5:-3] == [
        "a longer name failed        2.0      7",
        "left          not run       0.0       ",
    ]
