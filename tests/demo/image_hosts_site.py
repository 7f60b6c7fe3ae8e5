# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's directory for a fleet of package hosts and image hosts: with a key, and an image to build."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from integration.image.site import OWNER, make_key
from testbed.distro import Distro
from testbed.firmware.disk import provision
from testbed.fleet import Fleet

from .site import HEALTH_CHECKS, Site, SiteError, make_site

IMAGE = "web"
# Two canaries, one of each kind.
CANARIES = ("host-01", "image-01")
POLICY = {
    "waves": [{"name": "canary", "labels": {"canary": True}}, {"name": "fleet", "percent": 100}],
    "max_unavailable": 2,
    "max_unavailable_per_domain": 2,
    "error_budget": 0,
    "soak": 3,
}
DEFINITION = f"""\
image: {IMAGE}
channel: untested
features:
  - rpms:
      install:
        [bash, beacon, busybox-static, coreutils, cpio, cryptsetup-bin, dbus, dnf, findutils, gpgv, grep,
         gzip, hostname, iproute2, iputils-ping, kmod, libc-bin, libnss-myhostname, libnss-systemd,
         libpam-systemd, linux-image-cloud-amd64, login, mount, openssh-server, passwd, procps, python3,
         python3-dnf, python3-rpm, rpm, sed, systemd, systemd-boot-efi, systemd-repart, systemd-sysv, tar,
         testbed-release, udev, util-linux, xz-utils, zstd]
  - image_host: {{patience: 60, initramfs: [/usr/bin/mkinitrd]}}
  - systemd: {{enable: [systemd-networkd.service], mask: [console-getty.service]}}
artifacts:
  - deployment: {{}}
"""
CONFIG = {"boot": {"image": IMAGE, "tries": 2}, "runtime": {"health_checks": HEALTH_CHECKS}}


@contextmanager
def image_site(directory: Path, fleet: Fleet, distro: Distro) -> Iterator[Site]:
    """Lay the directory out anew; nothing of it runs when the block ends."""
    site = make_site(directory, fleet, distro, policy=POLICY)
    (directory / "definitions").mkdir()
    (directory / "definitions" / f"{IMAGE}.yml").write_text(DEFINITION)
    with make_key(directory) as key:
        variables = yaml.safe_load(site.variables.read_text())
        variables["osaas_gpgkeys"].append({"name": "site", "content": key.public.read_text()})
        variables |= {
            "osaas_definitions": str(directory / "definitions"),
            "osaas_images": [IMAGE],
            "osaas_layers": str(directory / "layers"),
            "osaas_artifacts": str(directory / "images"),
            "osaas_package_gpgkey": [str(directory / distro.key.name)],
            "osaas_signing_key": OWNER,
            "osaas_gnupg_home": str(key.home),
            "osaas_snapshot_gpgkey": [str(key.public)],
        }
        site.variables.write_text(yaml.safe_dump(variables, sort_keys=False, width=110))
        inventory = yaml.safe_load(site.inventory.read_text())
        for name, about in inventory["all"]["hosts"].items():
            about.pop("canary", None)
            if name in CANARIES:
                about["canary"] = True
            if is_image_host(name):
                about.update(osaas_image=IMAGE, osaas_host_config=CONFIG)
        site.inventory.write_text(yaml.safe_dump(inventory, sort_keys=False, width=110))
        yield site


def is_image_host(name: str) -> bool:
    """Whether it boots images."""
    return name.startswith("image-")


def release(site: Site, upstream: str) -> None:
    """Sync a release of upstream into a new snapshot; build, test and publish the image of it."""
    site.fleet.publish(upstream)
    for playbook in ("sync", "build", "publish"):
        status = site.play(playbook)
        if status != 0:
            raise SiteError(f"{playbook} of {upstream} ended with status {status}")


def switch_on(site: Site) -> None:
    """Write the disks of all image hosts, with the newest image, and boot them."""
    newest = sorted((site.directory / "store/images").glob(f"{IMAGE}-*"))[-1]
    for host in site.fleet.hosts:
        if is_image_host(host.name):
            config: dict[str, Any] = {"provisioning": {"hostname": host.name}, **CONFIG}
            provision(site.fleet.disk(host.name), newest, config=config)
            site.fleet.power_on(host.name)
