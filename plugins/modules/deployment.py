#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a whole OS to an image host, and make it what the next boot boots."""

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment
short_description: Stage, commit or remove a whole OS on an image host
version_added: 0.1.0
description:
  - A deployment is a published image that lies on an image host, beside others, whole and read-only. Its
    O(digest), the SHA-256 of its manifest, names it.
  - With O(state=staged) it is brought to the host while that serves. Manifest and signature are checked, and
    every block that comes; blocks that another deployment on the host has are copied, not fetched. Room is
    looked for first. Whatever stops it, the running system and the boot entries are untouched, and what came
    is used by the next run.
  - With O(state=committed) its kernel and initrd are written to the ESP and read back; its boot entry, which
    counts boots, is written last. The next boot boots it. If it does not come up healthy, the boot loader
    falls back to what ran before, with no controller; the release is then remembered as bad, and refused.
  - To roll back, commit the digest of an earlier deployment that is still there. It needs no store, and is
    counted too.
  - Before one is staged, and after one is committed, deployments beyond O(keep) are removed, what failed and
    what is oldest first; never what runs, what the host would fall back to, what boots next, or what was
    staged last.
  - Reboots are left to the caller.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._patient
attributes:
  check_mode:
    support: full
    details:
      - With O(state=staged), manifest, signature and space are checked all the same.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - gpgv on the host, unless O(gpgcheck=false)
options:
  state:
    description:
      - V(staged) brings the deployment, V(committed) makes it what the next boot boots, V(absent) removes it.
      - What runs is never removed; what the host would fall back to only with O(force).
    type: str
    choices: [staged, committed, absent]
    default: staged
  digest:
    description: SHA-256 of the manifest of the release.
    type: str
    required: true
  release:
    description: Id of the image, such as C(web-20261122T174400Z). Required with O(state=staged).
    type: str
  url:
    description: URL of the store; http, https, or file. Required with O(state=staged).
    type: str
  gpgkeys:
    description:
      - Public keys any of which may have signed the manifest.
      - Without any, those that the host keeps in C(config/keys) on its data partition.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the key, for messages.
        type: str
        required: true
      content:
        description: The key, ASCII-armored.
        type: str
        required: true
  gpgcheck:
    description: Whether the manifest must be signed. The O(digest) is checked anyway.
    type: bool
    default: true
  ca_cert:
    description: Certificates (PEM) of the authorities that may vouch for the store's server, and no others.
    type: str
  timeout:
    description: Seconds that the store's server may be silent.
    type: int
    default: 60
  kernel_arguments:
    description:
      - Kernel arguments of this host, after those of the image. For O(state=committed).
      - With other arguments than before, a deployment is committed, and counted, anew.
    type: list
    elements: str
    default: []
  tries:
    description: How often the deployment may fail to come up healthy before the loader falls back.
    type: int
    default: 3
  keep:
    description: How many deployments stay on the host, if no more must.
    type: int
    default: 2
  force:
    description: Take a release that failed on this host before.
    type: bool
    default: false
seealso:
  - module: osaas.fleet.deployment_info
  - module: osaas.fleet.image
"""

EXAMPLES = r"""
- name: Bring the new OS while the host serves
  osaas.fleet.deployment:
    state: staged
    release: web-20261122T174400Z
    digest: "{{ digest }}"
    url: https://store.example.com
    gpgkeys:
      - name: site
        content: "{{ lookup('ansible.builtin.file', 'site.asc') }}"

- name: Let the next boot boot it
  osaas.fleet.deployment:
    state: committed
    digest: "{{ digest }}"
  register: committed

- name: Reboot into it
  ansible.builtin.reboot:
  when: committed.reboot_required

- name: Look at the host
  osaas.fleet.deployment_info:
  register: info

- name: Roll back to what ran before
  osaas.fleet.deployment:
    state: committed
    digest: "{{ info.deployment.previous }}"
"""

RETURN = r"""
deployment:
  description: The deployment; V(null) with O(state=absent).
  returned: success
  type: dict
  contains:
    digest: {description: SHA-256 of its manifest., type: str}
    release: {description: Id of the release., type: str, sample: web-20261122T174400Z}
    image: {description: Name of the image., type: str, sample: web}
    version: {description: Version of the image., type: str, sample: 20261122T174400Z}
    title: {description: What it calls itself., type: str}
    kernel: {description: Release of its kernel., type: str}
    root_hash: {description: Root hash of dm-verity., type: str}
    bytes: {description: Bytes of its files., type: int}
bytes_fetched:
  description: Bytes that came from the store for the files of the deployment.
  returned: success
  type: int
bytes_copied:
  description: Bytes of the root that the host had already.
  returned: success
  type: int
entry:
  description: Name of the boot entry that the next boot comes from; V(null) unless O(state=committed).
  returned: success
  type: str
  sample: osaas-000003-0123456789abcdef+3.conf
reboot_required:
  description: Whether the next boot boots something else than what runs.
  returned: success
  type: bool
removed:
  description: Digests of deployments that were removed.
  returned: success
  type: list
  elements: str
"""

import re
import typing as t
from dataclasses import dataclass, replace
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._host import deployment_commit, deployment_stage
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import BootEntry, boot_order
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import as_json
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import digest_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_plan import garbage
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployments import Standing, read_standing
from ansible_collections.osaas.fleet.plugins.module_utils._host.esp import writable
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths
from ansible_collections.osaas.fleet.plugins.module_utils._host.lock import exclusive
from ansible_collections.osaas.fleet.plugins.module_utils._host.origin import open_origin
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name

SPEC = ArgumentSpec(
    options={
        "state": {"type": "str", "choices": ["staged", "committed", "absent"], "default": "staged"},
        "digest": {"type": "str", "required": True},
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
        "gpgcheck": {"type": "bool", "default": True},
        "ca_cert": {"type": "str"},
        "timeout": {"type": "int", "default": 60},
        "kernel_arguments": {"type": "list", "elements": "str", "default": []},
        "tries": {"type": "int", "default": 3},
        "keep": {"type": "int", "default": 2},
        "force": {"type": "bool", "default": False},
        "reconnect_timeout": {"type": "int", "default": 120},
    },
    required_if=[("state", "staged", ("release", "url"))],
)
PATHS = ImagePaths()


@dataclass(frozen=True)
class _Done:
    """What one state did, or would do, as the module returns it; `entries` are those there are then."""

    changed: bool
    deployment: dict[str, t.Any] | None
    entries: tuple[BootEntry, ...]
    came: int = 0
    copied: int = 0
    entry: str | None = None
    removed: tuple[str, ...] = ()


def _work(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    _check(params)
    before = read_standing(PATHS)  # before a lock is put on a host that is no image host
    with exclusive(PATHS.lock), writable(PATHS):
        done = _STATES[params["state"]](module, params)
        after = _foretold(before, done) if module.check_mode else read_standing(PATHS)
    return {
        "changed": done.changed or bool(done.removed),
        "diff": {"before": _picture(before), "after": _picture(after, done.deployment)},
        "deployment": done.deployment,
        "bytes_fetched": done.came,
        "bytes_copied": done.copied,
        "entry": done.entry,
        "reboot_required": after.committed != after.booted,
        "removed": list(done.removed),
    }


def _foretold(before: Standing, done: _Done) -> Standing:
    """What a run without check mode would leave; what it would stage is not in it."""
    entries = tuple(one for one in done.entries if digest_of(one) not in done.removed)
    installed = {digest: one for digest, one in before.installed.items() if digest not in done.removed}
    return replace(before, entries=entries, installed=installed)


def _check(params: dict[str, t.Any]) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", params["digest"]):
        raise InputError(
            f"{params['digest']!r} is no SHA-256", where="digest", way_out="Give that of manifest.json"
        )
    if params["release"]:
        check_name(params["release"], where="release")
    for name in ("tries", "keep", "timeout"):
        if params[name] < 1:
            raise InputError(f"{params[name]} is too few", where=name, way_out="Give 1 or more")
    for argument in params["kernel_arguments"]:
        if not re.fullmatch(r"[!-~]+", argument):
            raise InputError(f"{argument!r} is not one argument", where="kernel_arguments")


def _stage(module: AnsibleModule, params: dict[str, t.Any]) -> _Done:
    removed = _collect(module, read_standing(PATHS), params["digest"])
    wish = deployment_stage.Wish(
        origin=open_origin(params["url"], params["ca_cert"] or "", params["timeout"]),
        url=params["url"],
        release=params["release"],
        digest=params["digest"],
        keys=_keys(params) if params["gpgcheck"] else {},
        force=params["force"],
    )
    done = deployment_stage.stage(PATHS, ModuleRunner(module), wish, check=module.check_mode)
    return _Done(
        done.changed,
        as_json(done.deployment),
        read_standing(PATHS).entries,
        done.came,
        done.copied,
        removed=tuple(dict.fromkeys(removed + done.removed)),
    )


def _commit(module: AnsibleModule, params: dict[str, t.Any]) -> _Done:
    arguments = tuple(params["kernel_arguments"])
    order = deployment_commit.Order(params["digest"], params["tries"], arguments, params["force"])
    done = deployment_commit.commit(PATHS, order, check=module.check_mode)
    removed = _collect(module, replace(read_standing(PATHS), entries=done.entries))
    return _Done(
        done.changed,
        as_json(done.deployment),
        done.entries,
        entry=done.entry.file_name,
        removed=tuple(dict.fromkeys(done.removed + removed)),
    )


def _remove(module: AnsibleModule, params: dict[str, t.Any]) -> _Done:
    gone = deployment_commit.withdraw(PATHS, params["digest"], force=params["force"], check=module.check_mode)
    return _Done(gone, None, read_standing(PATHS).entries, removed=(params["digest"],) if gone else ())


def _collect(module: AnsibleModule, standing: Standing, staging: str = "") -> tuple[str, ...]:
    """Remove, or only tell, what is beyond O(keep)."""
    keep: int = module.params["keep"]
    if module.check_mode:
        return tuple(garbage(standing, keep, [staging]))
    return deployment_commit.collect(PATHS, keep, staging)


_STATES = {"staged": _stage, "committed": _commit, "absent": _remove}


def _keys(params: dict[str, t.Any]) -> dict[str, str]:
    """The keys given, else those that the host keeps."""
    given = {one["name"]: one["content"] for one in params["gpgkeys"]}
    kept: list[Path] = [] if given else sorted(PATHS.keys.glob("*.asc"))
    keys = given or {path.stem: path.read_text(encoding="utf-8", errors="replace") for path in kept}
    if not keys:
        raise InputError(
            f"no key is given, and none is in {PATHS.keys}",
            where="gpgkeys",
            way_out="Give the key that releases are signed with, or set gpgcheck to false",
        )
    return keys


def _picture(standing: Standing, wanted: dict[str, t.Any] | None = None) -> str:
    """Deployments and entries for a diff; what was `wanted` is there after a run, whatever is now."""
    here = {one.release for one in standing.installed.values()} | ({wanted["release"]} if wanted else set())
    lines = [f"deployment {one}" for one in sorted(here)]
    lines += [f"entry {one.file_name}" for one in boot_order(standing.entries)]
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    """Run the module."""
    run_module(SPEC, _work)


if __name__ == "__main__":
    main()
