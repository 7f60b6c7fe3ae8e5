# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What came of the tests of an image, kept beside it: who publishes asks here."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers, layer_key
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject, Trial
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher

RECORD = "tests.json"


@dataclass(frozen=True)
class Outcome:
    """One test: its kind, its place in the definition, and what it found; it passed if that is nothing."""

    test: str
    faults: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Verdict:
    """All tests of an image. `key` is a digest of what they were, with the files that they read."""

    key: str
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether no test found anything."""
        return not any(outcome.faults for outcome in self.outcomes)

    def faults(self) -> Iterator[str]:
        """All that was found, with the test that found it."""
        for outcome in self.outcomes:
            for fault in outcome.faults:
                yield f"{outcome.test}: {fault}"


def verdict_key(trials: Sequence[Trial], sources: Path) -> str:
    """The digest of tests, and of the files that they read."""
    names = sorted({name for trial in trials for name in trial.inputs()})
    return layer_key(
        tests=[trial.told() for trial in trials],
        inputs={name: _digest(sources / name) for name in names},
    )


def judge(trials: Sequence[Trial], subject: Subject) -> Verdict:
    """Run all tests, also after one has found something."""
    return Verdict(verdict_key(trials, subject.sources), tuple(_outcome(trial, subject) for trial in trials))


def record_verdict(layers: Layers, key: str, verdict: Verdict) -> None:
    """Keep it beside the layer with this key, which is the image."""
    write_json(layers.directory / key / RECORD, asdict(verdict))


def read_verdict(layers: Layers, key: str) -> Verdict | None:
    """The verdict that was kept, None if the image was not tested."""
    raw: t.Any = read_json(layers.directory / key / RECORD)
    if raw is None:
        return None
    outcomes = (Outcome(one["test"], tuple(one["faults"]), one["seconds"]) for one in raw["outcomes"])
    return Verdict(raw["key"], tuple(outcomes))


def check_tested(layers: Layers, key: str, trials: Sequence[Trial], sources: Path) -> None:
    """Raises InputError unless the image passed the tests that its definition has now."""
    if not trials:
        return
    verdict = read_verdict(layers, key)
    where = str(trials[0].place.file)
    if verdict is None or verdict.key != verdict_key(trials, sources):
        raise InputError("the image has not been tested", where=where, way_out="Run image_test")
    if not verdict.passed:
        raise InputError(f"the image failed its tests: {'; '.join(verdict.faults())}", where=where)


def _outcome(trial: Trial, subject: Subject) -> Outcome:
    started = time.monotonic()
    faults = tuple(trial.faults(subject))
    return Outcome(str(trial), faults, round(time.monotonic() - started, 3))


def _digest(path: Path) -> str:
    if not path.is_file():
        return ""
    hasher = Hasher("sha256")
    hasher.feed_file(path)
    return hasher.sha256
