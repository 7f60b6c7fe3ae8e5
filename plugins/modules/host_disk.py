#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the disk of an image host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_disk
short_description: Write the disk of one image host
version_added: 0.1.0
description:
  - Writes a disk that one host boots, for a virtual machine, a USB stick or a network installer to copy.
    It has an EFI system partition with systemd-boot, and one partition for the image and all that the host
    keeps.
  - The disk is as small as it can be. The host gives the rest of its disk to that second partition when it
    boots.
  - What makes the host itself, such as its name, machine id, network, SSH host key and root's password,
    comes out of O(config) and O(identity), and lies on the disk beside the image. C(identity.json) there says
    what made each file.
  - The first boot of the image counts as a try, as any other does.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A disk that was written for the same image, config, files and sizes is left as it is.
options:
  path:
    description: The disk to write. What it was written for is kept beside it, in a file with C(.json) added.
    type: path
    required: true
  image:
    description:
      - Directory of an image that was published, or of the artifacts that M(osaas.fleet.image) made.
        Among them must be C(deployment).
      - Every file of it is checked against its manifest.
    type: path
    required: true
  config:
    description:
      - The config of the host, in its three tiers, as M(osaas.fleet.host_config) takes it.
      - Without a C(provisioning.machine_id) the machine id is made of the hostname and the name of the disk.
    type: dict
    required: true
    suboptions:
      provisioning:
        description: What the host is.
        type: dict
        required: true
        suboptions:
          hostname:
            description: Its name.
            type: str
            required: true
          machine_id:
            description: Its machine id, 32 hexadecimal digits.
            type: str
          network:
            description:
              - C(interfaces) with a C(name) or a C(mac), and with C(addresses) and a C(gateway), or C(dhcp).
              - C(dns) and C(search), which systemd-resolved of the image reads.
            type: dict
          root:
            description: How root logs in.
            type: dict
            suboptions:
              password_hash:
                description: Hash of the password, as in shadow(5).
                type: str
              authorized_keys:
                description: Public keys of SSH.
                type: list
                elements: str
          disk:
            description: C(size_mib), the size of the whole disk.
            type: dict
          time_zone:
            description: Its time zone, like V(Europe/Berlin).
            type: str
      boot:
        description: C(image), C(kernel_arguments), C(tries) and C(keep).
        type: dict
      runtime:
        description: C(health_checks) and C(services).
        type: dict
  identity:
    description: More files for C(/etc) of the host. What O(config) comes to is not to be among them.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Its place, relative to C(/etc).
        type: str
        required: true
      content:
        description: Its text.
        type: str
        required: true
      mode:
        description: Permissions as a quoted octal number.
        type: str
        default: "0644"
  release:
    description: Id of the release, like V(web-20261122T174400Z). The default is the last part of O(image).
    type: str
  url:
    description: Base URL of the store that the image came from.
    type: str
  gpgkeys:
    description: Public keys that the host keeps; any of them may have signed what it boots later.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the key.
        type: str
        required: true
      content:
        description: The key, ASCII-armored.
        type: str
        required: true
  esp:
    description: MiB of the EFI system partition. It has to have room for the kernels of three images.
    type: int
    default: 512
  free:
    description: MiB that are free beside the image when the disk is written.
    type: int
    default: 256
  layers:
    description: Directory of layers that O(appliance) was built in.
    type: path
  appliance:
    description:
      - An image that was built in O(layers) and has the tools.
      - Without it, the builder's own tools are used.
    type: str
seealso:
  - module: osaas.fleet.image
  - module: osaas.fleet.deployment
requirements:
  - bubblewrap and OpenSSH's ssh-keygen
  - here or in O(appliance), dosfstools, mtools, e2fsprogs and systemd-repart 254 or newer
"""

EXAMPLES = r"""
- name: Write the disk of a web server
  osaas.fleet.host_disk:
    path: /srv/disks/web-01.raw
    image: /srv/osaas/images/web-20261122T174400Z
    config:
      provisioning:
        hostname: web-01.example.com
        network:
          interfaces:
            - {name: "en*", addresses: [192.0.2.7/24], gateway: 192.0.2.1}
        disk: {size_mib: 20480}
      boot: {image: web}
      runtime:
        health_checks:
          - {kind: unit, unit: nginx.service}
"""

RETURN = r"""
disk:
  description: The disk.
  returned: success
  type: dict
  contains:
    path:
      description: Where it is.
      type: str
    digest:
      description: Digest of the image, the SHA-256 of its manifest.
      type: str
    image:
      description: Name of the image.
      type: str
    release:
      description: Id of the release.
      type: str
    hostname:
      description: Name of the host.
      type: str
    machine_id:
      description: Its machine id.
      type: str
    entry:
      description: File name of the boot entry.
      type: str
    ssh_host_key:
      description: The public half of its SSH host key. Absent if O(identity) has such keys.
      type: str
"""

import typing as t
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner, Runner
from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text, read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._host.config import check_config, write_config
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import (
    DESCRIPTION,
    MANIFEST,
    Deployment,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import deployment_entry
from ansible_collections.osaas.fleet.plugins.module_utils._image.deployable import read_deployable
from ansible_collections.osaas.fleet.plugins.module_utils._image.host_disk import HostDisk
from ansible_collections.osaas.fleet.plugins.module_utils._image.host_identity import (
    IdentityFile,
    check_identity,
    identity_files,
    make_host_key,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.images import Images
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox
from ansible_collections.osaas.fleet.plugins.module_utils._image.workbench import Bench
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_release_id

TRIES = 3
FORMAT = 1  # goes up when the same inputs give another disk

SPEC = ArgumentSpec(
    {
        "path": {"type": "path", "required": True},
        "image": {"type": "path", "required": True},
        "config": {
            "type": "dict",
            "required": True,
            "options": {
                "provisioning": {
                    "type": "dict",
                    "required": True,
                    "options": {
                        "hostname": {"type": "str", "required": True},
                        "machine_id": {"type": "str"},
                        "network": {"type": "dict"},
                        "root": {
                            "type": "dict",
                            "options": {
                                "password_hash": {"type": "str", "no_log": True},
                                "authorized_keys": {"type": "list", "elements": "str", "no_log": False},
                            },
                        },
                        "disk": {"type": "dict"},
                        "time_zone": {"type": "str"},
                    },
                },
                "boot": {"type": "dict"},
                "runtime": {"type": "dict"},
            },
        },
        "identity": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "str", "required": True},
                "content": {"type": "str", "required": True, "no_log": True},
                "mode": {"type": "str", "default": "0644"},
            },
        },
        "release": {"type": "str"},
        "url": {"type": "str"},
        "gpgkeys": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "no_log": False,
            "options": {
                "name": {"type": "str", "required": True},
                "content": {"type": "str", "required": True},
            },
        },
        "esp": {"type": "int", "default": 512},
        "free": {"type": "int", "default": 256},
        "layers": {"type": "path"},
        "appliance": {"type": "str"},
    },
    required_together=[("layers", "appliance")],
)


def work(module: AnsibleModule) -> Result:
    """Write it, unless it is there."""
    params, runner = module.params, ModuleRunner(module)
    path, config = Path(params["path"]), _stripped(params["config"])
    check_config(config, where="config")
    given = [
        IdentityFile(one["path"], one["content"], "given", int(one["mode"], 8)) for one in params["identity"]
    ]
    image = read_deployable(Path(params["image"]))
    provisioning = config["provisioning"]
    provisioning.setdefault(
        "machine_id", sha256(f"{path.name} {provisioning['hostname']}".encode()).hexdigest()[:32]
    )
    files = [*identity_files(provisioning), *given]
    check_identity(files)
    release = params["release"] or image.directory.name
    check_release_id(release, where="release")
    entry = deployment_entry(
        Deployment.read(release, image.files[MANIFEST].read_bytes(), image.files[DESCRIPTION].read_bytes()),
        tries=config.get("boot", {}).get("tries", TRIES),
        arguments=config.get("boot", {}).get("kernel_arguments", ()),
    )
    told = {
        "path": str(path),
        "digest": image.digest,
        "image": image.about["image"],
        "entry": entry.file_name,
    }
    told.update({name: provisioning[name] for name in ("hostname", "machine_id")})
    made_of = sha256(
        json_text(
            [FORMAT, told, config, *(params[name] for name in ("identity", "url", "gpgkeys", "esp", "free"))]
        ).encode()
    ).hexdigest()
    record = path.with_name(f"{path.name}.json")
    before = read_json(record) or {}
    if before.get("made_of") == made_of and path.is_file():
        return {"changed": False, "disk": before["disk"]}
    if module.check_mode:
        return {"changed": True, "disk": told}
    if not any(file.path.startswith("ssh/ssh_host_") for file in files):
        files += make_host_key(runner, provisioning["hostname"])
        told["ssh_host_key"] = files[-1].content.strip()
    disk = HostDisk(
        image=image,
        identity=files,
        release={"release": release, "url": params["url"] or ""},
        keys={one["name"]: one["content"] for one in params["gpgkeys"]},
        time_zone=provisioning.get("time_zone"),
        entry=(entry.file_name, entry.text()),
        write_config=lambda directory: write_config(directory, config),
        esp=params["esp"],
        free=params["free"],
        size=provisioning.get("disk", {}).get("size_mib", 0),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    record.unlink(missing_ok=True)
    disk.make(Bench(_tools(runner, params, image.epoch), (image.directory,), made_of), path)
    write_json(record, {"made_of": made_of, "disk": told})
    return {"changed": True, "disk": told}


def _stripped(given: t.Any) -> t.Any:
    """Options that were not given are None to Ansible, and not there to the config."""
    if isinstance(given, Mapping):
        return {name: _stripped(value) for name, value in given.items() if value is not None}
    return given


def _tools(runner: Runner, params: Mapping[str, t.Any], epoch: int) -> Sandbox:
    if not params["appliance"]:
        return Sandbox(runner, Path("/"), epoch)
    layers = Layers(Path(params["layers"]), runner)
    return Sandbox(runner, layers.root(Images(layers).layer(params["appliance"]).key), epoch)


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
