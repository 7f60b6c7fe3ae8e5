# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a disk of a host has on it, and what it is not written for."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from vm.conftest import Site
from vm.vm_host import CACHE, HostDisk

MIB = 1 << 20


def given(site: Site, config: dict[str, Any], directory: Path, **more: Any) -> dict[str, Any]:
    """Options of the module: the release `A` on a small disk."""
    path, image = directory / "web-01.raw", site.releases["A"].directory
    return {"path": str(path), "image": str(image), "config": config, "esp": 64, "free": 16, **more}


def test_four_steps(site: Site, config: dict[str, Any], tmp_path: Path) -> None:
    options = given(site, config, tmp_path)
    disk = tmp_path / "web-01.raw"

    foreseen = site.host_disk(tmp_path, check=True, **options)
    assert foreseen.changed and not disk.exists()
    written = site.host_disk(tmp_path, **options)
    assert written.changed, written.msg
    assert {**foreseen.data["disk"], "ssh_host_key": written.data["disk"]["ssh_host_key"]} == written.data[
        "disk"
    ]
    assert not site.host_disk(tmp_path, check=True, **options).changed
    again = site.host_disk(tmp_path, **options)
    assert (again.changed, again.data["disk"]) == (False, written.data["disk"])

    assert disk.stat().st_size == 1200 * MIB
    assert disk.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web-01.raw", "web-01.raw.json"]


def test_what_is_on_it(site: Site, config: dict[str, Any], tmp_path: Path) -> None:
    key = {"name": "site", "content": site.key.public.read_text()}
    more = {"path": "motd", "content": "Welcome\n", "mode": "0640"}
    options = given(site, config, tmp_path, gpgkeys=[key], identity=[more], url="http://10.0.2.2/")
    assert site.host_disk(tmp_path, **options).changed
    released, disk = site.releases["A"], HostDisk(tmp_path / "web-01.raw")

    assert disk.entries() == [f"osaas-000001-{released.short}+3.conf"]
    entry = disk.read(f"/loader/entries/osaas-000001-{released.short}+3.conf").decode()
    assert f"osaas.digest={released.digest} " in entry
    assert disk.read("/loader/loader.conf") == b"timeout 0\n"
    kernel = (released.directory / "web.vmlinuz").read_bytes()
    assert disk.read(f"/osaas/{released.short}/vmlinuz") == kernel
    data = Data(disk.path, tmp_path / "data")
    assert data.names(f"/deployments/{released.digest}") == {
        "deployment.json",
        "initramfs",
        "manifest.json",
        "manifest.json.asc",
        "release.json",
        "root.erofs",
        "root.verity",
        "vmlinuz",
    }
    # What has the time 0 is being removed, to a host.
    assert data.time(f"/deployments/{released.digest}") > 1_000_000_000
    assert json.loads(data.read("/identity/identity.json")) == {
        "hostname": "hostname",
        "machine-id": "machine-id",
        "systemd/network/10-osaas.network": "network",
        "root-password": "root-password",
        "ssh/authorized_keys.d/root": "authorized-keys",
        "ssh/sshd_config.d/10-osaas.conf": "authorized-keys",
        "motd": "given",
        "ssh/ssh_host_ed25519_key": "ssh-host-key",
        "ssh/ssh_host_ed25519_key.pub": "ssh-host-key",
        "localtime": "time-zone",
    }
    assert data.read("/identity/systemd/network/10-osaas.network") == (
        "[Match]\nName=en*\n\n[Network]\nDHCP=no\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n"
    )
    assert data.mode("/identity/ssh/ssh_host_ed25519_key") == "0600"
    assert data.mode("/identity/root-password") == "0600"
    assert data.mode("/identity/motd") == "0640"
    assert data.mode("/config/provisioning.json") == "0600"
    assert json.loads(data.read("/config/runtime.json")) == config["runtime"]
    assert data.read("/config/keys/site.asc") == key["content"]


def test_secrets_stay_out_of_what_is_told(site: Site, config: dict[str, Any], tmp_path: Path) -> None:
    more = {"path": "secret", "content": "a private thing"}

    written = site.host_disk(tmp_path, check=True, **given(site, config, tmp_path, identity=[more]))

    told = json.dumps(written.data)
    assert "$6$salt$0123456789" not in told
    assert "a private thing" not in told


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "hostname",
            "web 01",
            'config.provisioning.hostname: "web 01" does not match ^[a-z0-9]([a-z0-9-]{0,62}\\.?)*$.'
            " A host name in small letters, for example web-01.example.com",
        ),
        (
            "machine_id",
            "12",
            'config.provisioning.machine_id: "12" does not match ^[0-9a-f]{32}$. 32 hexadecimal digits;'
            " made up when the host is provisioned, if there are none",
        ),
    ],
)
def test_a_config_that_breaks_a_rule(
    site: Site, config: dict[str, Any], tmp_path: Path, field: str, value: str, message: str
) -> None:
    changed = copy.deepcopy(config)
    changed["provisioning"][field] = value

    refused = site.host_disk(tmp_path, **given(site, changed, tmp_path))

    assert refused.msg == message
    assert not (tmp_path / "web-01.raw").exists()


def test_an_image_that_is_not_what_its_manifest_says(
    site: Site, config: dict[str, Any], tmp_path: Path
) -> None:
    image = tmp_path / "web-20261124T120000Z"
    shutil.copytree(site.releases["A"].directory, image)
    kernel = image / "web.vmlinuz"
    kernel.write_bytes(b"torn")

    refused = site.host_disk(tmp_path, **given(site, config, tmp_path, image=str(image)))

    manifest = json.loads((image / "manifest.json").read_text())
    expected = next(one["sha256"] for one in manifest["artifacts"] if one["file"] == "web.vmlinuz")
    assert refused.msg == (
        f"{kernel}: its SHA-256 is 00cc10cc5ab0a89fbf4d84a229bf234e739ba6294a832d2c042ce8d9a1949cf7,"
        f" but the manifest says {expected}. Publish it again"
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "../fstab",
            "../fstab: is no place for a file of a host's identity."
            " Give a path relative to /etc, without '.' and '..'",
        ),
        ("hostname", "hostname: is made twice: hostname and given. Keep one of them"),
    ],
)
def test_files_that_cannot_be_of_a_host(
    site: Site, config: dict[str, Any], tmp_path: Path, path: str, message: str
) -> None:
    refused = site.host_disk(
        tmp_path, **given(site, config, tmp_path, identity=[{"path": path, "content": "x"}])
    )

    assert refused.msg == message


def test_a_directory_without_an_image(site: Site, config: dict[str, Any], tmp_path: Path) -> None:
    refused = site.host_disk(tmp_path, **given(site, config, tmp_path, image=str(tmp_path)))

    assert refused.msg == f"{tmp_path}: there is no manifest.json. Name a published image"


def test_the_playbook_writes_a_disk_for_each_host(site: Site, config: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "inventory.yml").write_text(
        json.dumps({"all": {"hosts": {"web-01": {}, "web-02": {}}, "vars": {"osaas_image": "web"}}})
    )
    other = copy.deepcopy(config)
    other["provisioning"].update(hostname="web-02", machine_id="f" * 32)
    (tmp_path / "host_vars").mkdir()
    for name, one in (("web-01", config), ("web-02", other)):
        (tmp_path / f"host_vars/{name}.yml").write_text(json.dumps({"osaas_host_config": one}))
    told = {
        "osaas_store": str(site.store),
        "osaas_disks": str(tmp_path / "disks"),
        "osaas_layers": str(site.workshop.directory / "here/layers"),
        "osaas_appliance": "tools",
        "osaas_esp": 64,
        "osaas_free": 16,
        "ansible_python_interpreter": sys.executable,
    }

    nobody = provision(tmp_path, told)
    assert nobody.returncode != 0 and "osaas_targets" in nobody.stdout
    first = provision(tmp_path, {**told, "osaas_targets": "web-*"})
    assert first.returncode == 0, first.stdout + first.stderr
    newest = site.releases["Sick"]
    for name in ("web-01", "web-02"):
        assert re.search(rf"{name} +: ok=\d+ +changed=1 ", first.stdout), first.stdout
        disk = HostDisk(tmp_path / f"disks/{name}.raw")
        assert disk.entries() == [f"osaas-000001-{newest.short}+3.conf"]
    second = provision(tmp_path, {**told, "osaas_targets": "web-*"})
    assert second.stdout.count(" changed=0 ") == 3, second.stdout
    missing = provision(tmp_path, {**told, "osaas_targets": "web-01", "osaas_release": "mail"})
    assert missing.returncode != 0
    assert (
        "mail: there is no release or channel of this name. Known channels: none"
        in missing.stdout + missing.stderr
    )


def provision(directory: Path, told: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run the playbook."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    argv = [program, "osaas.fleet.provision", "-i", "inventory.yml", "-e", json.dumps(told)]
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(CACHE / "collections"),
        "ANSIBLE_HOME": str(CACHE / "ansible"),
    }
    environment = {**os.environ, **settings, "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(argv, check=False, capture_output=True, text=True, cwd=directory, env=environment)


class Data:
    """The data partition of a disk, read without being mounted."""

    def __init__(self, disk: Path, copy: Path) -> None:
        start = (1 + 64) * MIB  # behind the table and the ESP
        with disk.open("rb") as source, copy.open("wb") as target:
            source.seek(start)
            shutil.copyfileobj(source, target, MIB)
        self._copy = copy

    def names(self, directory: str) -> set[str]:
        """What is in a directory."""
        rows = self._run(f"ls -p {directory}").splitlines()
        return {row.split("/")[5] for row in rows if row} - {".", ".."}

    def read(self, path: str) -> str:
        """A file."""
        return self._run(f"cat {path}")

    def mode(self, path: str) -> str:
        """Permissions of a file."""
        return self._run(f"stat {path}").partition("Mode:")[2].split()[0]

    def time(self, path: str) -> int:
        """When it was last changed, in seconds since 1970."""
        return int(self._run(f"stat {path}").partition(" mtime: ")[2].partition(":")[0].split()[0], 16)

    def _run(self, request: str) -> str:
        argv = ["debugfs", "-R", request, str(self._copy)]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout
