# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.features.image_host import ImageHostFeature
from ansible_collections.osaas.fleet.plugins.module_utils._image.host_identity import (
    IdentityFile,
    check_identity,
    identity_files,
    write_identity,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_host.dracut import FILES
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_host.root_script import SCRIPT
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_host.unit_files import unit_files
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place

SCRIPTS = {"osaas-root": SCRIPT, **FILES}
SMALL = {"hostname": "web-01", "machine_id": "0" * 32}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_what_shells_read(name: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(SCRIPTS[name])
    argv = ["shellcheck", "--exclude=SC2013,SC2154", str(script)]

    checked = subprocess.run(argv, check=False, capture_output=True, text=True)

    assert (checked.returncode, checked.stdout) == (0, "")


def test_units_are_what_systemd_reads(tmp_path: Path) -> None:
    for path, text in unit_files(600).items():
        place = tmp_path / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    units = [str(path) for path in sorted(tmp_path.rglob("osaas-*.service"))]

    argv = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units]
    checked = subprocess.run(argv, check=False, capture_output=True, text=True)

    told = [line for line in checked.stderr.splitlines() if "is not executable" not in line]
    assert (len(units), told) == (4, [])


def test_another_collection_makes_another_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    feature = ImageHostFeature(Place("web.yml", 1))
    before = feature.told()
    assert before == feature.told()
    module = "ansible_collections.osaas.fleet.plugins.module_utils._image.features.image_host"

    monkeypatch.setattr(f"{module}.SCRIPT", f"{SCRIPT}\n")

    assert feature.told()["brings"] != before["brings"]


def test_an_initramfs_is_all_that_it_changes_beside_its_files() -> None:
    feature = ImageHostFeature(Place("web.yml", 1))

    assert feature.may_change("/boot/initramfs-6.12.0.img")
    assert feature.may_change("/usr/lib/modules/6.12.0/initramfs.img")
    assert feature.may_change("/usr/lib/osaas/osaas-root")
    assert not feature.may_change("/boot/vmlinuz")
    assert not feature.may_change("/usr/lib/modules/6.12.0/a/initramfs.img")


def test_a_small_identity() -> None:
    assert list(identity_files(SMALL)) == [
        IdentityFile("hostname", "web-01\n", "hostname"),
        IdentityFile("machine-id", f"{'0' * 32}\n", "machine-id", 0o444),
    ]


def test_interfaces_in_their_order() -> None:
    network = {
        "interfaces": [{"mac": "52:54:00:00:00:01", "dhcp": True}, {"name": "eth1"}],
        "dns": ["192.0.2.1", "192.0.2.2"],
        "search": ["example.com", "example.net"],
    }

    files = [one for one in identity_files({**SMALL, "network": network}) if one.generator == "network"]

    assert [(one.path, one.content) for one in files] == [
        (
            "systemd/network/10-osaas.network",
            "[Match]\nMACAddress=52:54:00:00:00:01\n\n[Network]\nDHCP=yes\nDNS=192.0.2.1\nDNS=192.0.2.2\n"
            "Domains=example.com example.net\n",
        ),
        ("systemd/network/11-osaas.network", "[Match]\nName=eth1\n\n[Network]\nDHCP=no\n"),
    ]


def test_an_identity_on_disk(tmp_path: Path) -> None:
    files = [IdentityFile("ssh/key", "secret\n", "ssh-host-key", 0o600)]

    write_identity(tmp_path / "identity", files, "Europe/Berlin")

    assert (tmp_path / "identity/ssh/key").stat().st_mode & 0o777 == 0o600
    assert str((tmp_path / "identity/localtime").readlink()) == "../usr/share/zoneinfo/Europe/Berlin"
    assert (tmp_path / "identity/identity.json").read_text() == (
        '{\n  "localtime": "time-zone",\n  "ssh/key": "ssh-host-key"\n}\n'
    )


@pytest.mark.parametrize("path", ["/etc/passwd", "a/../b", "..", "", "a//b", "identity.json", "shadow"])
def test_no_place_for_an_identity(path: str) -> None:
    with pytest.raises(InputError) as refused:
        check_identity([IdentityFile(path, "", "given")])

    where = f"{path}: " if path else ""
    assert str(refused.value) == (
        f"{where}is no place for a file of a host's identity."
        " Give a path relative to /etc, without '.' and '..'"
    )


def test_what_others_use_does_not_wait_for_it() -> None:
    provided = {item.key.name for item in ImageHostFeature(Place("web.yml", 1)).provides()}

    assert {"/efi", "/usr/lib/osaas/osaas-root", "/usr/lib/osaas/host.pyz"} <= provided
    assert not {"/usr/lib", "/usr/lib/systemd/system/multi-user.target.wants"} & provided
