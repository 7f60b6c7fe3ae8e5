#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move a channel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: channel
short_description: Point a channel at a snapshot or an image
version_added: 0.1.0
description:
  - Moves a channel, a named pointer such as C(testing), to a release in one step, forward or back.
  - Every move is recorded beside it, with time, origin, destination, who and why.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: Name of the channel. It is made if needed.
    type: str
    required: true
  release:
    description: Id of the snapshot or image that it shall point at; or another channel, which points there.
    type: str
    required: true
  who:
    description: Who moves it, for its history.
    type: str
    required: true
  reason:
    description: Why it is moved, for its history.
    type: str
    required: true
  require_check:
    description:
      - Refuse a snapshot that M(osaas.fleet.snapshot_check) never looked at, and an image without tests.
      - One that failed its checks is always refused.
    type: bool
    default: false
  gpgkey:
    description:
      - Files with public keys, ASCII-armored. Refuse a release whose manifest none of them signed.
      - By default signatures are not looked at.
    type: list
    elements: path
    default: []
seealso:
  - module: osaas.fleet.snapshot
  - module: osaas.fleet.snapshot_check
  - module: osaas.fleet.snapshot_info
  - module: osaas.fleet.image_publish
"""

EXAMPLES = r"""
- name: Promote a snapshot
  osaas.fleet.channel:
    store: /srv/osaas
    name: stable
    release: 20261122T174400Z
    who: "{{ lookup('ansible.builtin.env', 'USER') }}"
    reason: soaked for a week in testing

- name: Let the first hosts have a new image
  osaas.fleet.channel:
    store: /srv/osaas
    name: web-testing
    release: web-20261122T180000Z
    who: "{{ lookup('ansible.builtin.env', 'USER') }}"
    reason: new kernel
"""

RETURN = r"""
channel:
  description: Where the channel points.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the channel.
      type: str
      sample: stable
    release:
      description: Id of the snapshot or image that it points at.
      type: str
      sample: 20261122T174400Z
    previous:
      description: Id of what it pointed at before; V(null) if it is new.
      type: str
      sample: 20261115T174400Z
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import move, preview_move, resolve_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.manifest_signature import verify_manifests
from ansible_collections.osaas.fleet.plugins.module_utils._repo.release import place, read_release
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "name": {"type": "str", "required": True},
        "release": {"type": "str", "required": True},
        "who": {"type": "str", "required": True},
        "reason": {"type": "str", "required": True},
        "require_check": {"type": "bool", "default": False},
        "gpgkey": {"type": "list", "elements": "path", "default": [], "no_log": False},
    }
)


def work(module: AnsibleModule) -> Result:
    """Move it, or look ahead in check mode."""
    option: t.Mapping[str, t.Any] = module.params
    checked: bool = option["require_check"]
    check_name(option["name"], where="name")
    store = open_store(option["store"])
    release = resolve_id(store, option["release"])
    read_release(store, release)
    keys = [Path(key) for key in option["gpgkey"]]
    verify_manifests(ModuleRunner(module), [store.root / place(release)], keys)
    if module.check_mode:
        channel = preview_move(store, option["name"], release, require_check=checked)
    else:
        channel = move(
            store,
            option["name"],
            release,
            who=option["who"],
            reason=option["reason"],
            require_check=checked,
        )
    diff = {
        "before": {"release": channel.previous} if channel.previous else {},
        "after": {"release": channel.release},
    }
    return {"changed": channel.changed, "channel": channel.to_dict(), "diff": diff}


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
