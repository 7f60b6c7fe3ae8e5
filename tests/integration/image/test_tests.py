# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of images: what they find, what they leave alone, and what is kept of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import listing
from integration.image.conftest import Workshop
from unit.harness import ModuleResult, run

PACKAGES = (
    "bash, coreutils, dbus, libc-bin, login, mount, passwd, procps, systemd, systemd-sysv, testbed-release"
)
BOOTED = f"SNAPSHOT\nfeatures:\n  - rpms: {{install: [{PACKAGES}, rpm, tzdata, udev, util-linux]}}\n"
GOOD = """parent: booted
features:
  - file: {path: /etc/motd, content: hello}
tests:
  - command: {argv: [/usr/bin/id, -u], output: "^0$"}
  - command: {argv: [/usr/bin/touch, /etc/motd], status: 1}
  - packages: {installed: [bash], missing: [nginx]}
  - integrity: {}
  - units: {verify: [dbus.service]}
  - golden: {file: web.golden}
  - testinfra: {files: [good.py]}
  - boot: {}
"""
BAD = """parent: booted
features:
  - file: {path: /usr/bin/yes, content: "no", replace: true}
  - systemd: {install: [stuck.service, sick.service], enable: [stuck.service, sick.service]}
tests:
  - command: {argv: [/usr/bin/id, -u], output: "^1$"}
  - command: {argv: [/usr/bin/ls, /nowhere]}
  - packages: {installed: [nginx], missing: [bash]}
  - integrity: {}
  - units: {verify: [sick.service]}
  - golden: {file: bad.golden}
  - testinfra: {files: [bad.py]}
  - boot: {seconds: 6}
  - boot: {target: basic.target, seconds: 60}
"""
SOURCES = {
    "good.py": "def test_os(host):\n    assert host.package('bash').is_installed\n",
    "bad.py": "def test_os(host):\n    assert host.file('/nowhere').exists\n",
    "stuck.service": "[Unit]\nBefore=multi-user.target\n[Service]\nType=oneshot\n"
    "ExecStart=/usr/bin/sleep 600\n[Install]\nWantedBy=multi-user.target\n",
    "sick.service": "[Service]\nType=oneshot\nExecStart=/usr/bin/nothing\n[Install]\nWantedBy=basic.target\n",
    "web.golden": "/etc/motd (added) 100644 0:0 "
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n",
    "bad.golden": "/etc/motd (added) 100644 0:0\n",
}
CGROUPS = Path("/sys/fs/cgroup")


@pytest.fixture(scope="module")
def workshop(shop: Workshop) -> Workshop:
    for name, text in SOURCES.items():
        (shop.definitions / name).write_text(text)
    shop.define("booted", BOOTED)
    shop.define("web", GOOD)
    shop.define("bad", BAD)
    for name in ("web", "bad"):
        built = shop.build(name)
        assert not built.failed, built.msg
    return shop


def options(workshop: Workshop, name: str) -> dict[str, Any]:
    return {
        "store": str(workshop.released.store),
        "definitions": str(workshop.definitions),
        "name": name,
        "layers": str(workshop.directory / "here/layers"),
        "gpgkey": [str(workshop.released.distro.key)],
    }


def judge(workshop: Workshop, name: str, *, check: bool = False, **more: Any) -> ModuleResult:
    given = {**options(workshop, name), **more}
    return run("image_test", given, check=check, diff=False, tmp=workshop.directory)


def faults(result: ModuleResult) -> Mapping[str, list[str]]:
    return {test["test"]: test["faults"] for test in result.data["tests"]}


def left_behind() -> list[str]:
    """Groups and mounts of a boot."""
    groups = [str(path) for path in CGROUPS.glob("*/osaas-boot-*")]
    return groups + [
        line for line in Path("/proc/self/mounts").read_text().splitlines() if "osaas-boot" in line
    ]


def test_a_good_image_passes_and_stays_as_it_is(workshop: Workshop) -> None:
    root = workshop.root(workshop.build("web"))
    before = list(listing(root))

    assert judge(workshop, "web", check=True).changed
    tested = judge(workshop, "web")

    assert not tested.failed, tested.msg
    assert tested.changed
    assert [test["test"].split()[0] for test in tested.data["tests"]] == [
        "command",
        "command",
        "packages",
        "integrity",
        "units",
        "golden",
        "testinfra",
        "boot",
    ]
    assert list(listing(root)) == before
    assert not judge(workshop, "web").changed
    assert not judge(workshop, "web", check=True).changed
    assert left_behind() == []


def test_every_fault_is_told(workshop: Workshop) -> None:
    tested = judge(workshop, "bad")

    found = faults(tested)
    assert tested.msg.startswith("bad: 9 of 9 tests failed: command (bad.yml:7): /usr/bin/id wrote no '^1$'")
    assert found["command (bad.yml:7)"] == ["/usr/bin/id wrote no '^1$', but '0'"]
    assert found["command (bad.yml:8)"] == [
        "/usr/bin/ls ended with status 2, not 0: /usr/bin/ls: cannot access '/nowhere':"
        " No such file or directory"
    ]
    assert found["packages (bad.yml:9)"] == ["the package nginx is missing", "the package bash is there"]
    assert found["integrity (bad.yml:10)"] == ["/usr/bin/yes is not as its package has it: SM5......"]
    assert any("/usr/bin/nothing" in fault for fault in found["units (bad.yml:11)"])
    assert "-/etc/motd (added) 100644 0:0" in found["golden (bad.yml:12)"]
    assert "+/usr/bin/yes (mode, time, size, content)" in "\n".join(found["golden (bad.yml:12)"])
    (told,) = found["testinfra (bad.yml:13)"]
    assert "bad.py::test_os" in told
    late = "the boot to multi-user.target was not over within 6 s; the last"
    assert found["boot (bad.yml:14)"][0].startswith(late)
    assert found["boot (bad.yml:15)"] == ["sick.service failed"]
    assert left_behind() == []


def test_a_difference_is_accepted_by_writing_it_down(workshop: Workshop) -> None:
    golden = workshop.definitions / "bad.golden"
    before = golden.read_text()

    previewed = judge(workshop, "bad", check=True, accept=True)

    assert previewed.changed
    assert golden.read_text() == before
    assert "/usr/bin/yes (mode, time, size, content) 100644 0:0 " in previewed.data["diff"][0]["after"]


def test_an_image_that_was_not_built_is_not_tested(workshop: Workshop) -> None:
    workshop.define("late", "parent: booted\nfeatures:\n  - file: {path: /etc/late, content: late}\n")

    assert judge(workshop, "late").msg == (
        "late: the image is not there as its definition has it now. Build it"
    )


def test_a_builder_that_is_killed_takes_the_booted_image_along(workshop: Workshop) -> None:
    workshop.define("slow", BAD.partition("tests:")[0] + "tests:\n  - boot: {seconds: 300}\n")
    assert not workshop.build("slow").failed
    with subprocess.Popen(
        [sys.executable, "-m", "ansible_collections.osaas.fleet.plugins.modules.image_test"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    ) as module:
        assert module.stdin is not None
        module.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": options(workshop, "slow")}))
        module.stdin.close()
        group = f"osaas-boot-{module.pid}"
        wait_for(lambda: len(processes(group)) > 5)
        os.kill(module.pid, signal.SIGKILL)

    wait_for(lambda: not processes(group))
    judge(workshop, "web")
    workshop.define("web", GOOD + "  - boot: {seconds: 90}\n")
    assert not judge(workshop, "web").failed
    assert left_behind() == []


def processes(group: str) -> list[str]:
    """Numbers of all processes in a group and below."""
    return [
        number
        for listed in CGROUPS.glob(f"*/{group}/**/cgroup.procs")
        for number in listed.read_text().split()
    ]


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
