# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from integration.image.conftest import Workshop, make_workshop, release
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from testbed.vm import booted
from unit.harness import ModuleResult, run

SYSTEM = """SNAPSHOT
features:
  - rpms:
      install:
        [bash, busybox-static, coreutils, cpio, cryptsetup-bin, dbus, findutils, grep, kmod, libc-bin,
         linux-image-cloud-amd64, mount, sed, systemd, systemd-boot-efi, systemd-sysv, testbed-release, udev,
         util-linux, xz-utils, zstd]
  - kernel_arguments:
      arguments: [console=ttyS0, quiet, panic=5, mitigations=off, systemd.condition_needs_update=0]
  - file: {path: /etc/machine-id, content: "", mode: "0444"}
  - file:
      path: /usr/lib/systemd/system/arrived.service
      content: |
        [Unit]
        After=local-fs.target
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c 'echo "arrived, on $(findmnt --noheadings --output FSTYPE /)" > /dev/ttyS0'
  - symlink:
      path: /usr/lib/systemd/system/multi-user.target.wants/arrived.service
      target: ../arrived.service
"""
SICK = """parent: system
features:
  - file: {path: /usr/lib/systemd/system/sick.service, source: sick.service}
  - symlink:
      path: /usr/lib/systemd/system/multi-user.target.wants/sick.service
      target: ../sick.service
tests:
  - machine: {root: btrfs, boot: entry}
  - machine: {seconds: 9}
"""
TOOLS = """SNAPSHOT
features:
  - rpms:
      install:
        [btrfs-progs, coreutils, cpio, cryptsetup-bin, dosfstools, e2fsprogs, erofs-utils, gzip, mtools,
         squashfs-tools, systemd-repart, systemd-ukify, tar, zstd]
"""
MACHINES = "parent: tools\nfeatures:\n  - rpms: {install: [ovmf, qemu-system-x86]}\n"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Where there is an image that boots, and one with the tools of testbed-10 to make disks with."""
    made = make_workshop(release("testbed-10", tmp_path_factory), tmp_path_factory.mktemp("disks"))
    made.define("system", SYSTEM)
    made.define("tools", TOOLS)
    made.define("machines", MACHINES)
    return made


def make(workshop: Workshop, artifact: str, where: str = "here") -> Path:
    """Make one artifact of the image `system`; returns the directory that it is in."""
    workshop.define("system", f"{SYSTEM}artifacts: [{{{artifact}}}]\n")
    built = workshop.build("system", where=where, appliance="tools")
    assert not built.failed, built.msg
    return workshop.directory / where / "images/system"


def test_a_disk_with_a_root_that_is_vouched_for_boots(workshop: Workshop, tmp_path: Path) -> None:
    made = make(workshop, "disk: {root: erofs, boot: unified, esp: 96}")

    with booted(made / "system.raw", tmp_path, workshop.root(workshop.build("machines"))) as machine:
        said = machine.wait_for("arrived, on", seconds=600)

    assert "arrived, on erofs" in said


def test_an_image_is_tested_in_a_machine(workshop: Workshop) -> None:
    workshop.define("system", f"{SYSTEM}tests: [machine: {{root: ext4, boot: entry}}]\n")

    tested = judge(workshop, "system")

    assert not tested.failed, tested.msg
    assert not judge(workshop, "system").changed


def test_a_machine_tells_what_failed(workshop: Workshop) -> None:
    workshop.define("system", SYSTEM)
    workshop.define("sick", SICK)
    unit = "[Service]\nType=oneshot\nExecStart=/usr/bin/false\n"
    (workshop.definitions / "sick.service").write_text(unit)

    tested = judge(workshop, "sick")

    sick, late = (test["faults"] for test in tested.data["tests"])
    assert sick == ["sick.service failed"]
    assert late[0].startswith("multi-user.target was not reached within 9 s; the last that it said: ")


def judge(workshop: Workshop, name: str) -> ModuleResult:
    """Build an image and run its tests."""
    for image in ("machines", name):
        built = workshop.build(image)
        assert not built.failed, built.msg
    asked = {
        "store": str(workshop.released.store),
        "definitions": str(workshop.definitions),
        "name": name,
        "layers": str(workshop.directory / "here/layers"),
        "gpgkey": [str(workshop.released.distro.key)],
        "appliance": "machines",
    }
    return run("image_test", asked, check=False, diff=False, tmp=workshop.directory)


def test_the_same_disk_has_the_same_bytes_wherever_it_is_made(workshop: Workshop) -> None:
    artifact = "disk: {root: ext4, free: 8, esp: 96}"
    here = make(workshop, artifact)
    there = workshop.directory / "there"
    there.mkdir()
    subprocess.run(["cp", "--archive", str(here.parents[1] / "layers"), str(there / "layers")], check=True)

    make(workshop, artifact, "there")

    subprocess.run(["cmp", str(here / "system.raw"), str(there / "images/system/system.raw")], check=True)


def test_a_byte_that_changed_is_found(workshop: Workshop) -> None:
    made = make(workshop, "erofs: {verity: true}")
    root_hash = (made / "system.erofs.roothash").read_text().strip()
    verify = [
        "veritysetup",
        "verify",
        str(made / "system.erofs"),
        str(made / "system.erofs.verity"),
        root_hash,
    ]
    subprocess.run(verify, check=True)
    listed = {one["file"] for one in _manifest(made)["artifacts"]}
    assert listed == {"system.erofs", "system.erofs.verity", "system.erofs.roothash"}

    with (made / "system.erofs").open("r+b") as data:
        data.seek(9_000_000)
        byte = data.read(1)
        data.seek(9_000_000)
        data.write(bytes([byte[0] ^ 1]))

    damaged = subprocess.run(verify, check=False, capture_output=True, text=True)
    assert damaged.returncode != 0
    assert "Verification failed at position" in damaged.stderr


def test_archives_bills_and_boot_partitions_are_what_others_read(workshop: Workshop) -> None:
    made = make(workshop, "oci: {}}, {sbom: {}}, {esp: {size: 96, arguments: [root=LABEL=root]}")

    inspected = json.loads(_output(["skopeo", "inspect", f"oci-archive:{made / 'system.oci.tar'}"]))
    assert inspected["Labels"]["containers.bootc"] == "1"
    assert inspected["Labels"]["org.opencontainers.image.title"] == "system"
    assert len(inspected["Layers"]) == 2
    document = parse_file(str(made / "system.spdx.json"))
    assert validate_full_spdx_document(document) == []
    assert {"bash", "systemd"} <= {package.name for package in document.packages}
    version = workshop.released.snapshot
    entry = _output(["mtype", "-i", str(made / "system.esp"), f"::/loader/entries/system-{version}.conf"])
    assert "options root=LABEL=root console=ttyS0 quiet " in entry


def test_an_image_without_a_kernel_makes_no_disk(workshop: Workshop) -> None:
    workshop.define("bare", "parent: tools\nartifacts: [disk: {}]\nfeatures: [directory: {path: /srv/x}]\n")

    refused = workshop.build("bare", appliance="tools")

    assert refused.msg.endswith(
        ": an image that boots has one kernel, /usr/lib/modules/VERSION/vmlinuz; here is none."
        " Install one kernel"
    )
    assert not (workshop.directory / "here/images/bare").exists()


def _output(argv: list[str]) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def _manifest(made: Path) -> Mapping[str, Any]:
    manifest: Mapping[str, Any] = json.loads((made / "manifest.json").read_text())
    return manifest
