# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image hosts on systemd-nspawn, by a loader that decides as systemd-boot does: updates, and falling back."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from integration.image.conftest import Workshop, make_workshop, release
from integration.image.site import SiteKey, make_key, make_site
from testbed.distro import Distro
from testbed.firmware import cases
from testbed.firmware.cases import Case
from testbed.firmware.disk import provision
from testbed.firmware.loader import entry_files
from testbed.fleet import Fleet

from .conftest import CACHE, CHECKOUT, RUN_DIR

BASE = """SNAPSHOT
features:
  - rpms:
      install:
        [bash, busybox-static, coreutils, cpio, cryptsetup-bin, dbus, findutils, gpgv, grep, gzip, hostname,
         iproute2, kmod, libc-bin, libnss-myhostname, libnss-systemd, libpam-systemd, linux-image-cloud-amd64,
         login, mount, openssh-server, passwd, procps, python3, sed, systemd, systemd-boot-efi,
         systemd-repart, systemd-sysv, tar, testbed-release, udev, util-linux, xz-utils, zstd]
  - image_host: {patience: 60, initramfs: [/usr/bin/mkinitrd]}
  - systemd: {enable: [systemd-networkd.service], mask: [console-getty.service]}
"""
WEB = "parent: base\nartifacts: [deployment: {}]\nfeatures:\n"
IMAGES = {name: f"  - file: {{path: /etc/web, content: {name}}}\n" for name in "AB"}
SECONDS = 90.0


def well(text: str) -> dict[str, Any]:
    """A config by which images are healthy that have this text."""
    return {"runtime": {"health_checks": [{"kind": "file", "path": "/etc/web", "contains": text}]}}


@dataclass
class Hosts:
    """Image hosts, a store with images, and what a person does with both."""

    fleet: Fleet
    store: Path
    key: SiteKey
    images: dict[str, dict[str, Any]]
    scratch: Path
    _told: dict[str, int] = field(default_factory=dict)

    @property
    def digests(self) -> dict[str, str]:
        return {name: image["digest"] for name, image in self.images.items()}

    def new(self, host: str, healthy: str = "") -> None:
        """Make it one that runs A since it was provisioned, and was never updated.

        Images without the text `healthy` are not.
        """
        self.fleet.kill(host)
        disk = self.fleet.disk(host)
        parts = ("deployments", "staging", "state", "var", "config")
        for place in (disk / "esp", *(disk / "data" / name for name in parts)):
            shutil.rmtree(place, ignore_errors=True)
        provision(disk, self.store / "images" / self.images["A"]["id"], config=well(healthy))
        self.fleet.power_on(host)
        self.forget_boots(host)

    def entries(self, host: str) -> tuple[str, ...]:
        return cases.spelled(entry_files(self.fleet.disk(host) / "esp"), self.digests)

    def forget_boots(self, host: str) -> None:
        self._told[host] = len(self.fleet.boots(host))

    def boots(self, host: str) -> tuple[str, ...]:
        """What was booted since, each entry as it was counted."""
        since = self.fleet.boots(host)[self._told[host] :]
        return tuple(cases.spelled([boot.entry], self.digests)[0] for boot in since)

    def call(self, host: str, module: str, **arguments: Any) -> dict[str, Any]:
        command = self.command(host, module, arguments)
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        head, _arrow, result = done.stdout.partition("=> ")
        assert result, done.stdout + done.stderr
        value: dict[str, Any] = json.loads(result)
        return value | {"failed": "FAILED" in head}

    def command(self, host: str, module: str, arguments: dict[str, Any]) -> list[str]:
        ansible = [sys.executable, "-m", "ansible", "adhoc", "-i", str(self.fleet.inventory), host, "-o"]
        given = ["-a", json.dumps(arguments)] if arguments else []  # "{}" would be taken for free-form text
        return self.fleet.command(*ansible, "-m", f"osaas.fleet.{module}", *given)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"ANSIBLE_CONFIG": str(self.scratch / "ansible.cfg")}

    def arguments(self, state: str, image: str, **more: Any) -> dict[str, Any]:
        given: dict[str, Any] = {"state": state, "digest": self.digests[image], **more}
        if state == "staged":
            keys = [{"name": "site", "content": self.key.public.read_text()}]
            url = f"http://{self.fleet.address}:8080"
            given |= {"release": self.images[image]["id"], "url": url, "gpgkeys": keys}
        return given

    def deployment(self, host: str, state: str, image: str, **more: Any) -> dict[str, Any]:
        return self.call(host, "deployment", **self.arguments(state, image, **more))

    def stage(self, host: str) -> dict[str, Any]:
        staged = self.deployment(host, "staged", "B")
        assert not staged["failed"], staged
        return staged

    def commit(self, host: str, image: str, **more: Any) -> None:
        committed = self.deployment(host, "committed", image, **more)
        assert not committed["failed"], committed
        self.forget_boots(host)

    def cut(self, host: str, state: str, reach: Callable[[], contextlib.AbstractContextManager[Any]]) -> None:
        """Cut the power at a point of staging or committing B: in the block of what `reach` returns."""
        command = self.command(host, "deployment", self.arguments(state, "B"))
        with subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as module:
            with reach():
                self.fleet.kill(host)
            os.killpg(module.pid, signal.SIGKILL)  # it is patient with hosts
        self.forget_boots(host)

    def info(self, host: str) -> dict[str, Any]:
        told = self.call(host, "deployment_info")
        assert not told["failed"], told
        found: dict[str, Any] = told["deployment"]
        return found

    def reboot(self, host: str) -> None:
        self.fleet.ssh(host, "systemctl", "reboot")

    def wait(self, host: str, case: Case) -> None:
        """Until all has been decided as in the case, or not."""
        end = time.monotonic() + SECONDS
        while len(self.boots(host)) < len(case.boots) or self.entries(host) != case.after:
            assert time.monotonic() < end, (self.boots(host), self.entries(host), case)
            time.sleep(0.1)
        assert self.boots(host) == case.boots
        while self.fleet.ssh(host, "true").returncode:
            assert time.monotonic() < end
            time.sleep(0.2)


@pytest.fixture(scope="module")
def hosts(distro: Distro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    scratch = tmp_path_factory.mktemp("image-hosts")
    store = scratch / "store"
    (scratch / "ansible.cfg").write_text(
        f"[defaults]\ncollections_path={CHECKOUT / '.cache/collections'}\nhome={scratch / 'home'}\n"
        "interpreter_python=/usr/bin/python3\ncallback_result_format=json\n"
    )
    workshop = make_workshop(release("testbed-10", tmp_path_factory), tmp_path_factory.mktemp("shop"))
    with (
        make_key(tmp_path_factory.mktemp("key")) as key,
        Fleet.start(
            "images",
            distro=distro,
            hosts=1,
            racks=1,
            image_hosts=1,
            store=store,
            run_dir=RUN_DIR,
            cache=CACHE,
            progress=print,
        ) as fleet,
    ):
        yield Hosts(fleet, store, key, publish(workshop, key, store), scratch)


def publish(workshop: Workshop, key: SiteKey, store: Path) -> dict[str, dict[str, Any]]:
    """All images, as releases of one image that were made one after another."""
    site = make_site(workshop, key, store)
    workshop.define("base", BASE)
    found = {}
    for name, features in IMAGES.items():
        workshop.define("web", WEB + features)
        site.build("web")
        published = site.publish("web")
        assert not published.failed, published.msg
        found[name] = published.data["release"]
    return found


HOST = "image-01"


def test_an_update_and_back(hosts: Hosts) -> None:
    hosts.new(HOST)
    assert hosts.info(HOST)["current"] == hosts.digests["A"]
    staged = hosts.stage(HOST)
    whole = (hosts.store / "images" / hosts.images["B"]["id"] / "web.root.erofs").stat().st_size
    print(f"update: {staged['bytes_fetched']} bytes fetched; the root has {whole}")
    assert staged["bytes_fetched"] < whole / 2
    hosts.commit(HOST, "B", tries=2)
    assert hosts.entries(HOST) == cases.GOOD.entries

    begun = time.monotonic()
    hosts.reboot(HOST)
    hosts.wait(HOST, cases.GOOD)
    print(f"update: {time.monotonic() - begun:.1f} s from the order to reboot until it was blessed")

    told = hosts.info(HOST)
    assert (told["current"], told["previous"]) == (hosts.digests["B"], hosts.digests["A"])
    assert told["drift_reasons"] == []
    hosts.fleet.ssh(HOST, "sh", "-c", "echo mine > /etc/web; rm /usr/bin/free")
    assert hosts.info(HOST)["drift_reasons"] == ["/etc/web was changed", "/usr/bin/free was removed"]

    hosts.commit(HOST, "A", tries=2)
    assert hosts.entries(HOST) == cases.ROLLED_BACK.entries
    hosts.reboot(HOST)
    hosts.wait(HOST, cases.ROLLED_BACK)
    assert hosts.info(HOST)["current"] == hosts.digests["A"]
    assert hosts.fleet.ssh(HOST, "cat", "/etc/web").stdout == "A"


@pytest.mark.parametrize(
    ("case", "healthy", "arguments", "reason"),
    [
        (cases.UNHEALTHY, "A", [], "unhealthy: file /etc/web: /etc/web: looked for 'A'"),
        (cases.NO_USERSPACE, "", ["init=/nowhere"], "did not come up in 2 tries"),
    ],
    ids=["unhealthy", "no userspace"],
)
def test_a_bad_image_is_left_without_a_controller(
    case: Case, healthy: str, arguments: list[str], reason: str, hosts: Hosts
) -> None:
    hosts.new(HOST, healthy)
    hosts.stage(HOST)
    hosts.commit(HOST, "B", tries=2, kernel_arguments=arguments)
    assert hosts.entries(HOST) == case.entries

    hosts.reboot(HOST)
    hosts.wait(HOST, case)
    _until((hosts.fleet.disk(HOST) / "data/state/bad.json").exists)

    told = hosts.info(HOST)
    assert told["current"] == hosts.digests["A"]
    assert [(one["digest"], one["reason"]) for one in told["failed"]] == [(hosts.digests["B"], reason)]
    refused = hosts.deployment(HOST, "committed", "B")
    assert refused["msg"] == (
        f"release {hosts.images['B']['id']}: failed on this host at {told['failed'][0]['when']}: {reason}."
        " Deploy another release, or set force if the cause is gone"
    )


def test_a_damaged_root_is_not_booted(hosts: Hosts) -> None:
    hosts.new(HOST)
    hosts.stage(HOST)
    hosts.commit(HOST, "B", tries=1)
    root = hosts.fleet.disk(HOST) / "data/deployments" / hosts.digests["B"] / "root.erofs"
    with root.open("r+b") as stream:
        stream.seek(root.stat().st_size // 2)
        byte = stream.read(1)
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte[0] ^ 1]))

    hosts.reboot(HOST)
    hosts.wait(HOST, cases.DAMAGED)

    assert hosts.info(HOST)["current"] == hosts.digests["A"]


def test_a_power_cut_while_blocks_come(hosts: Hosts) -> None:
    hosts.new(HOST)
    part = hosts.fleet.disk(HOST) / "data/staging" / hosts.digests["B"] / "root.erofs.part"

    hosts.cut(HOST, "staged", lambda: _until(part.exists))

    assert not (hosts.fleet.disk(HOST) / "data/deployments" / hosts.digests["B"]).exists()
    hosts.fleet.power_on(HOST)
    hosts.wait(HOST, cases.CUT_IN_COMMIT)
    hosts.stage(HOST)
    assert hosts.info(HOST)["staged"] == [hosts.digests["B"]]


def test_power_cuts_in_commit_and_first_boot(hosts: Hosts) -> None:
    """Each write stops half way: the ESP has a pipe in the place of the file."""
    hosts.new(HOST)
    hosts.stage(HOST)
    esp, short = hosts.fleet.disk(HOST) / "esp", hosts.digests["B"][:16]
    entry = cases.file_name("2-B+3", hosts.digests)
    for name in (f"osaas/{short}/vmlinuz", f"osaas/{short}/initramfs", f"loader/entries/{entry}"):
        pipe = esp / f"{name}.new"
        pipe.parent.mkdir(exist_ok=True)
        os.mkfifo(pipe)

        hosts.cut(HOST, "committed", partial(pipe.open, "rb"))

        pipe.unlink(missing_ok=True)
        hosts.fleet.power_on(HOST)
        hosts.wait(HOST, cases.CUT_IN_COMMIT)
    hosts.commit(HOST, "B", tries=3)
    assert hosts.entries(HOST) == cases.CUT_IN_FIRST_BOOT.entries

    hosts.reboot(HOST)
    _until(lambda: len(hosts.boots(HOST)) == 1)
    hosts.fleet.kill(HOST)
    hosts.fleet.power_on(HOST)

    hosts.wait(HOST, cases.CUT_IN_FIRST_BOOT)
    assert hosts.info(HOST)["current"] == hosts.digests["B"]


def _until(true: Callable[[], bool]) -> contextlib.AbstractContextManager[None]:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
    return contextlib.nullcontext()
