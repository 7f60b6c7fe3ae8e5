# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's own program makes of a boot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import BootEntry
from ansible_collections.osaas.fleet.plugins.module_utils._host.host_program import (
    bless,
    health,
    unhealthy,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths

A, B = "a" * 64, "b" * 64


@dataclass
class Commands:
    """Answers by the first two words of a command; notes all."""

    answers: Mapping[str, Completed] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        self.ran.append(" ".join(argv))
        return self.answers.get(" ".join(argv[:2]), Completed(0, "[]", ""))

    def warn(self, message: str) -> None:
        raise AssertionError(message)


@pytest.fixture
def paths(tmp_path: Path) -> ImagePaths:
    found = ImagePaths(tmp_path)
    found.entries.mkdir(parents=True)
    found.runtime.parent.mkdir(parents=True)
    return found


def enter(paths: ImagePaths, number: int, digest: str, counters: str = "") -> str:
    """An entry; returns its name."""
    name = f"osaas-{number:06d}-{digest[:16]}"
    entry = BootEntry(name, sort_key="osaas", version=str(number), options=(f"osaas.digest={digest}",))
    (paths.entries / f"{name}{counters}.conf").write_text(entry.text())
    return name


def booted(paths: ImagePaths, digest: str, entry: str) -> None:
    paths.booted.write_text(json.dumps({"digest": digest, "root_hash": "", "entry": entry}))


def files(paths: ImagePaths) -> list[str]:
    return sorted(path.name for path in paths.entries.iterdir())


def test_a_host_without_checks_is_healthy(paths: ImagePaths, capsys: pytest.CaptureFixture[str]) -> None:
    assert health(paths, Commands()) == 0
    assert json.loads(paths.health.read_text())["failures"] == []
    assert capsys.readouterr().out == "healthy\n"


@pytest.mark.parametrize(
    ("config", "failures"),
    [
        (
            {"health_checks": [{"kind": "file", "path": "/nowhere"}]},
            ["file /nowhere: /nowhere does not exist"],
        ),
        ({"health_checks": [{"kind": "file", "path": "/nowhere", "severity": "warning"}]}, []),
        (
            {"health_checks": [{"kind": "file", "path": "/", "name": "x", "jmespath": "y"}]},
            ["x: jmespath needs a controller"],
        ),
        ({"health_checks": [{}]}, ["{runtime}: KeyError: 'kind'"]),
        ([], []),
        ([1], ["{runtime}: AttributeError: 'list' object has no attribute 'get'"]),
    ],
)
def test_checks_of_its_config_judge_it(config: object, failures: Sequence[str], paths: ImagePaths) -> None:
    paths.runtime.write_text(json.dumps(config))

    assert health(paths, Commands()) == (1 if failures else 0)

    seen = json.loads(paths.health.read_text())["failures"]
    assert seen == [line.replace("{runtime}", str(paths.runtime)) for line in failures]


@pytest.mark.parametrize(("status", "healthy"), [("verified", True), ("corrupted", False), ("", False)])
def test_a_rotten_root_is_not_healthy(status: str, healthy: bool, paths: ImagePaths) -> None:
    paths.verity.parent.mkdir(parents=True)
    paths.verity.touch()
    text = f"/dev/mapper/osaas-root is active.\n  type:    VERITY\n  status:  {status}\n" if status else ""

    seen = health(paths, Commands({"veritysetup status": Completed(0, text, "")}))

    assert (seen == 0) is healthy


def test_what_was_booted_is_blessed(paths: ImagePaths) -> None:
    enter(paths, 1, A)
    booted(paths, B, enter(paths, 2, B, "+2-1"))
    paths.reports.mkdir(parents=True)
    paths.report(B).write_text("{}")

    assert bless(paths, Commands()) == 0

    assert files(paths) == [f"osaas-000001-{A[:16]}.conf", f"osaas-000002-{B[:16]}.conf"]
    assert not paths.report(B).exists()


def test_what_is_known_to_be_good_is_left_alone(paths: ImagePaths) -> None:
    booted(paths, A, enter(paths, 1, A))
    commands = Commands()

    assert bless(paths, commands) == 0
    assert unhealthy(paths, commands) == 0

    assert files(paths) == [f"osaas-000001-{A[:16]}.conf"]
    assert commands.ran == []
    assert not paths.report(A).exists()


def test_a_boot_remembers_what_failed_before_it(paths: ImagePaths) -> None:
    booted(paths, A, enter(paths, 1, A))
    enter(paths, 2, B, "+0-3")

    assert bless(paths, Commands()) == 0

    remembered = json.loads(paths.bad.read_text())
    assert [(one["digest"], one["reason"]) for one in remembered] == [(B, "did not come up in 3 tries")]


def test_an_unhealthy_boot_leaves_a_report_and_ends(paths: ImagePaths) -> None:
    enter(paths, 1, A)
    booted(paths, B, enter(paths, 2, B, "+2-1"))
    paths.health.write_text(json.dumps({"failures": ["web: refused"], "when": "now"}))
    commands = Commands({"systemctl list-units": Completed(0, '[{"unit": "web.service"}]', "")})

    assert unhealthy(paths, commands) == 0

    report = json.loads(paths.report(B).read_text())
    assert (report["digest"], report["failures"], report["units"]) == (B, ["web: refused"], ["web.service"])
    assert commands.ran[-1] == "systemctl --no-block reboot"


@pytest.mark.parametrize("seen", [None, {"failures": [], "when": "now"}])
def test_a_boot_that_was_never_judged_has_failed_too(
    seen: Mapping[str, object] | None, paths: ImagePaths
) -> None:
    enter(paths, 1, A)
    booted(paths, B, enter(paths, 2, B, "+2-1"))
    if seen:
        paths.health.write_text(json.dumps(seen))
    commands = Commands({"systemctl list-units": Completed(0, '[{"unit": "web.service"}]', "")})

    assert unhealthy(paths, commands) == 0

    assert json.loads(paths.report(B).read_text())["failures"] == [
        "boot-complete.target was not reached; failed units: web.service"
    ]


def test_a_reboot_that_is_refused_is_forced(paths: ImagePaths) -> None:
    enter(paths, 1, A)
    booted(paths, B, enter(paths, 2, B, "+2-1"))
    commands = Commands({"systemctl --no-block": Completed(1, "", "Transaction is destructive")})

    assert unhealthy(paths, commands) == 0

    assert commands.ran[-1] == "systemctl --force reboot"


def test_a_full_esp_does_not_keep_a_bad_boot_up(
    paths: ImagePaths, capsys: pytest.CaptureFixture[str]
) -> None:
    enter(paths, 1, A)
    booted(paths, B, enter(paths, 2, B, "+0-3"))
    paths.kernels.write_text("no directory")  # nothing can be written below it
    commands = Commands()

    assert unhealthy(paths, commands) == 0

    assert capsys.readouterr().out.startswith("no report: ")
    assert commands.ran[-1] == "systemctl --no-block reboot"


def test_a_boot_with_nothing_to_fall_back_to_stays_up(
    paths: ImagePaths, capsys: pytest.CaptureFixture[str]
) -> None:
    name = enter(paths, 1, A, "+2-1")
    booted(paths, A, name)
    commands = Commands()

    assert unhealthy(paths, commands) == 0

    assert capsys.readouterr().out == (
        f"{name} stays up: it is known to be good, or there is nothing else to boot\n"
    )
    assert commands.ran == []
