# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin and unpin a directory that stands for a host, with real files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths, pinning
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin, Repository, Trust, name_of_ca

PIN = Pin("20261101T000000Z", "d", "http://store", (Repository("baseos", ("one",)),))
TRUST = Trust({"one": "KEY"})
VENDOR = "[vendor]\nbaseurl=http://v\n"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in list(vars(paths).items()):
        if isinstance(value, Path):
            monkeypatch.setattr(paths, name, tmp_path / value.relative_to("/"))
    paths.REPO_DIR.mkdir(parents=True)
    (paths.REPO_DIR / "vendor.repo").write_text(VENDOR)
    return tmp_path


def files(host: Path) -> dict[str, str]:
    return {str(path.relative_to(host)): path.read_text() for path in host.rglob("*") if path.is_file()}


def test_certificates_come_and_go_with_the_pins_that_need_them(host: Path) -> None:
    first, second = Trust(TRUST.keys, "CERTIFICATE 1"), Trust(TRUST.keys, "CERTIFICATE 2")
    own = replace(PIN, ca=name_of_ca(first.ca_cert))
    pinning.carry_out(pinning.plan_pin(own, first, ()))
    (file,) = paths.CA_DIR.iterdir()
    assert file.read_text() == "CERTIFICATE 1" and f"\nsslcacert={file}\n" in paths.REPO_FILE.read_text()
    after = replace(PIN, release="20261102T000000Z", ca=name_of_ca(second.ca_cert), previous=own)
    pinning.carry_out(pinning.plan_pin(after, second, ()))
    assert pinning.current_pin() == after and len([*paths.CA_DIR.iterdir()]) == 2
    pinning.carry_out(pinning.plan_repin(own))
    assert [*paths.CA_DIR.iterdir()] == [file]
    pinning.carry_out(pinning.plan_unpin())
    assert not [*paths.CA_DIR.iterdir()]


def test_pin_and_unpin(host: Path) -> None:
    before = files(host)
    changes = pinning.plan_pin(PIN, TRUST, ())
    assert files(host) == before, "a plan changes nothing"
    pinning.carry_out(changes)
    assert changes.disabled == ("vendor",)
    assert files(host)["etc/yum.repos.d/vendor.repo"] == "[vendor]\nenabled=0\nbaseurl=http://v\n"
    assert files(host)["etc/osaas/repos.saved/vendor.repo"] == VENDOR
    assert files(host)["etc/dnf/vars/osaas_release"] == "20261101T000000Z\n"
    assert json.loads(files(host)["etc/osaas/release.json"]) == PIN.as_json()
    assert pinning.current_pin() == PIN
    again = pinning.plan_pin(PIN, TRUST, ())
    assert (again.changed(), again.disabled) == ((), ("vendor",))
    pinning.carry_out(pinning.plan_unpin())
    assert files(host) == before
    assert pinning.plan_unpin().changed() == ()


def test_the_pin_is_written_after_what_it_names(host: Path) -> None:
    names = [path.name for path in pinning.plan_pin(PIN, TRUST, ()).changed()]
    assert names == [
        "RPM-GPG-KEY-osaas-one",
        "vendor.repo",
        "vendor.repo",
        "osaas.repo",
        "osaas_release",
        "release.json",
    ]


def cut_off(changes: pinning.Changes, after: int) -> None:
    """carry_out() by a process that is killed after so many files; each of them is whole or not there."""
    done = {path: changes.after[path] for path in changes.changed()[:after]}
    pinning.carry_out(replace(changes, after=done))


@pytest.mark.parametrize("after", range(7))
def test_a_pin_that_was_cut_off_is_finished_or_undone(host: Path, after: int) -> None:
    before = files(host)
    cut_off(pinning.plan_pin(PIN, TRUST, ()), after)
    pinning.carry_out(pinning.plan_unpin())
    assert files(host) == before
    cut_off(pinning.plan_pin(PIN, TRUST, ()), after)
    pinning.carry_out(pinning.plan_pin(PIN, TRUST, ()))
    pinned = files(host)
    cut_off(pinning.plan_unpin(), after)
    pinning.carry_out(pinning.plan_pin(PIN, TRUST, ()))
    assert files(host) == pinned
    cut_off(pinning.plan_unpin(), after)
    pinning.carry_out(pinning.plan_unpin())
    assert files(host) == before


def test_a_repo_allowed_later_is_enabled_again(host: Path) -> None:
    pinning.carry_out(pinning.plan_pin(PIN, TRUST, ()))
    pinning.carry_out(pinning.plan_pin(PIN, TRUST, ("vendor",)))
    assert files(host)["etc/yum.repos.d/vendor.repo"] == VENDOR
    assert "etc/osaas/repos.saved/vendor.repo" not in files(host)


def test_a_package_that_brings_its_repo_back_is_disabled_again(host: Path) -> None:
    pinning.carry_out(pinning.plan_pin(PIN, TRUST, ()))
    newer = VENDOR.replace("http://v", "http://w")
    (paths.REPO_DIR / "vendor.repo").write_text(newer)
    assert pinning.other_repositories() == ("vendor",)
    pinning.carry_out(pinning.plan_pin(PIN, TRUST, ()))
    assert pinning.other_repositories() == ()
    pinning.carry_out(pinning.plan_unpin())
    assert files(host)["etc/yum.repos.d/vendor.repo"] == newer


def test_keys_that_no_pin_needs_go(host: Path) -> None:
    pinning.carry_out(pinning.plan_pin(PIN, Trust({"one": "KEY", "old": "KEY"}), ()))
    assert [path.name for path in paths.KEY_DIR.iterdir()] == ["RPM-GPG-KEY-osaas-one"]


def test_diff(host: Path) -> None:
    diff = pinning.plan_pin(PIN, TRUST, ()).diff()
    assert diff[0]["after_header"].endswith("/etc/pki/rpm-gpg/RPM-GPG-KEY-osaas-one")
    assert (diff[0]["before"], diff[0]["after"]) == ("", "KEY")
