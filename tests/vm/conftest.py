# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that boot on virtual machines, in a store that these reach."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from integration.image.conftest import Workshop, make_workshop, release
from integration.image.site import SiteKey, make_key
from integration.repo.moody import serve_moody
from unit.harness import ModuleResult, run
from vm.vm_host import HostDisk, Machine

# Lean: emulated, a second of a real machine takes ten.
SYSTEM = """SNAPSHOT
features:
  - rpms:
      install:
        [bash, busybox-static, coreutils, cpio, cryptsetup-bin, dbus, findutils, gpgv, iproute2, kmod,
         libc-bin, linux-image-cloud-amd64, login, mount, openssh-server, passwd, python3, sed, systemd,
         systemd-boot-efi, systemd-repart, systemd-sysv, testbed-release, udev, util-linux, xz-utils, zstd]
  - kernel_arguments:
      arguments: [console=ttyS0, quiet, mitigations=off, systemd.condition_needs_update=0]
  - file: {path: /etc/ssh/sshd_config.d/20-lean.conf, content: "UsePAM no\\nUseDNS no\\n"}
  - systemd:
      enable: [systemd-networkd.service]
      drop_ins:
        - unit: systemd-udev-trigger.service
          name: lean
          content: |
            [Service]
            ExecStart=
            ExecStart=-udevadm trigger --action=add -s block -s net -s virtio
      mask:
        [dev-hugepages.mount, dev-mqueue.mount, getty@tty1.service, serial-getty@ttyS0.service,
         sys-kernel-debug.mount, sys-kernel-tracing.mount, systemd-binfmt.service,
         systemd-boot-random-seed.service, systemd-logind.service, systemd-networkd-wait-online.service,
         systemd-pcrphase.service, systemd-pstore.service, systemd-random-seed.service,
         systemd-rfkill.service, systemd-tmpfiles-clean.timer, systemd-tpm2-setup-early.service,
         systemd-tpm2-setup.service, systemd-update-utmp.service]
"""
TOOLS = """SNAPSHOT
features:
  - rpms:
      install: [coreutils, cryptsetup-bin, dosfstools, e2fsprogs, erofs-utils, mtools, systemd-repart]
"""
MACHINES = "SNAPSHOT\nfeatures:\n  - rpms: {install: [ovmf, qemu-system-x86]}\n"
# What the three differ in. A host without /usr/lib/well is not healthy: its config says so.
FILES = {"A": "/usr/lib/well", "B": "/usr/lib/well", "Sick": "/usr/lib/sick"}
WEB = """parent: system
artifacts: [deployment: {}]
features:
  - image_host: {initramfs: [/usr/bin/mkinitrd], patience: 900}
"""


@dataclass(frozen=True)
class Published:
    """A release of the store."""

    release: str
    digest: str
    directory: Path

    @property
    def short(self) -> str:
        """What names its files on an ESP."""
        return self.digest[:16]


@dataclass(frozen=True)
class Site:
    """A store with releases of the image `web`, signed with a key, and what makes disks of them."""

    workshop: Workshop
    store: Path
    key: SiteKey
    programs: Path
    releases: dict[str, Published]

    def host_disk(self, tmp: Path, *, check: bool = False, **options: Any) -> ModuleResult:
        """Run the module host_disk with the tools of the testbed."""
        tools = {"layers": str(self.workshop.directory / "here/layers"), "appliance": "tools"}
        return run("host_disk", {**tools, **options}, check=check, diff=False, tmp=tmp)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three releases: `A` and `B` are good, and `Sick` comes up, but is not healthy."""
    workshop = make_workshop(release("testbed-10", tmp_path_factory), tmp_path_factory.mktemp("images"))
    for name, text in (("system", SYSTEM), ("tools", TOOLS), ("machines", MACHINES)):
        workshop.define(name, text)
    store = tmp_path_factory.mktemp("published")
    (store / "mirrors").mkdir()
    with make_key(tmp_path_factory.mktemp("key")) as key:
        releases = {
            name: _publish(workshop, store, key, f"web-2026112{number}T120000Z", path)
            for number, (name, path) in enumerate(FILES.items(), start=1)
        }
        machines = workshop.build("machines")
        assert not machines.failed, machines.msg
        yield Site(workshop, store, key, workshop.root(machines), releases)


def _publish(workshop: Workshop, store: Path, key: SiteKey, name: str, path: str) -> Published:
    """Build the image with one more file, and put it into the store under that id."""
    workshop.define("web", f"{WEB}  - file: {{path: {path}, content: {name}}}\n")
    built = workshop.build("web", appliance="tools", **key.signing)
    assert not built.failed, built.msg
    directory = store / "images" / name
    shutil.copytree(workshop.directory / "here/images/web", directory)
    digest = hashlib.sha256((directory / "manifest.json").read_bytes()).hexdigest()
    return Published(name, digest, directory)


@pytest.fixture(scope="session")
def ssh_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that machines let in; its public half lies beside it."""
    key = tmp_path_factory.mktemp("ssh") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f", str(key)], check=True)
    return key


@pytest.fixture(scope="session")
def config(ssh_key: Path) -> dict[str, Any]:
    """The config of a host that is healthy if what it booted is not the image `Sick`."""
    return {
        "provisioning": {
            "hostname": "web-01",
            "machine_id": "0123456789abcdef0123456789abcdef",
            "network": {
                "interfaces": [{"name": "en*", "addresses": ["10.0.2.15/24"], "gateway": "10.0.2.2"}]
            },
            "root": {
                "password_hash": "$6$salt$0123456789",
                "authorized_keys": [ssh_key.with_suffix(".pub").read_text().strip()],
            },
            "disk": {"size_mib": 1200},
            "time_zone": "Europe/Berlin",
        },
        "boot": {"image": "web"},
        "runtime": {"health_checks": [{"kind": "file", "path": "/usr/lib/well"}]},
    }


@pytest.fixture(scope="module")
def machine(
    site: Site, config: dict[str, Any], ssh_key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """A machine that was provisioned with A, and is off; it knows the store."""
    tmp = tmp_path_factory.mktemp("machine")
    disk = tmp / "web-01.raw"
    key = {"name": "site", "content": site.key.public.read_text()}
    image = str(site.releases["A"].directory)
    written = site.host_disk(tmp, path=str(disk), image=image, config=config, gpgkeys=[key], esp=96, free=16)
    assert written.changed, written.msg
    digests = {name: release.digest for name, release in site.releases.items()}
    host_key = written.data["disk"]["ssh_host_key"]
    with serve_moody(site.store) as server:
        yield Machine(HostDisk(disk), tmp, ssh_key, host_key, site.programs, digests, server)


def stage(machine: Machine, release: Published) -> dict[str, Any]:
    """Options that bring a release to the host."""
    given = {"release": release.release, "digest": release.digest, "url": machine.url}
    return {"state": "staged", "keep": 3, **given}


def commit(release: Published, **more: Any) -> dict[str, Any]:
    """Options that make the host boot a release next."""
    return {"state": "committed", "keep": 3, "release": release.release, "digest": release.digest, **more}
