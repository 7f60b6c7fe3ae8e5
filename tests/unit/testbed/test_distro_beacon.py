# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service of the testbed, as a host runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from testbed.distro import packages
from testbed.distro.releases import FAULTY_BEACON, RELEASES, Release


def program(version: str, tmp_path: Path, config: str) -> Path:
    """The program of a version that reads its configuration from here."""
    build = packages.beacon(replace(RELEASES[0], beacon=version), tmp_path / "trees")
    (tmp_path / "beacon.conf").write_text(config)
    text = (build.tree.root / "usr/bin/beacon").read_text()
    script = tmp_path / "beacon.py"
    script.write_text(text.replace("/etc/beacon.conf", str(tmp_path / "beacon.conf")))
    return script


def test_a_good_version_answers(tmp_path: Path) -> None:
    script = program("1.1", tmp_path, "[beacon]\naddress = 127.0.0.1\nport = 0\n")
    with subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True) as service:
        try:
            assert service.stderr is not None
            started = re.fullmatch(r"beacon 1\.1: listening on port (\d+)\n", service.stderr.readline())
            assert started
            with urllib.request.urlopen(f"http://127.0.0.1:{started[1]}/", timeout=5) as answer:
                state = json.load(answer)
        finally:
            service.terminate()
    assert (state["service"], state["version"], state["healthy"]) == ("beacon", "1.1", True)
    assert state["release"]


def test_the_faulty_version_says_why_it_does_not_start(tmp_path: Path) -> None:
    script = program(FAULTY_BEACON, tmp_path, "[beacon]\nport = 0\n")
    done = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True, timeout=5)
    assert done.returncode == 1
    assert re.fullmatch(
        r"beacon 1\.2: .*beacon\.conf: \[beacon\] has no address; cannot start\n", done.stderr
    )


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_every_release_has_its_version(release: Release, tmp_path: Path) -> None:
    assert str(packages.beacon(release, tmp_path).spec.evr) == f"{release.beacon}-1"
