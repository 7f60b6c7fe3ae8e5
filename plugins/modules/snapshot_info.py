#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List snapshots and channels."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot_info
short_description: List snapshots and channels of a store
version_added: 0.1.0
description:
  - Returns the manifests of snapshots and where the channels point.
    Can prove that the manifests are the site's.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes.info
  - osaas.fleet._attributes.action_group
  - osaas.fleet._store
options:
  name:
    description: Return this snapshot alone, given by its id or by a channel that points at it.
    type: str
  gpgkey:
    description:
      - Files with public keys, ASCII-armored. Fail unless one of them signed the manifest of every snapshot
        that is returned, and with it the release digest and all that hangs on it.
      - By default signatures are not looked at.
    type: list
    elements: path
    default: []
seealso:
  - module: osaas.fleet.snapshot
  - module: osaas.fleet.channel
"""

EXAMPLES = r"""
- name: Resolve a channel
  osaas.fleet.snapshot_info:
    store: /srv/osaas
    name: stable
  register: stable

- name: Resolve a channel, to a snapshot that the site made and nobody changed
  osaas.fleet.snapshot_info:
    store: /srv/osaas
    name: stable
    gpgkey: [/etc/pki/rpm-gpg/RPM-GPG-KEY-site]

- name: Show which snapshot it is
  ansible.builtin.debug:
    msg: "stable is {{ stable.snapshots[0].id }} with {{ stable.snapshots[0].packages }} packages"
"""

RETURN = r"""
signed:
  description: For each returned snapshot whether its manifest has a signature, by id.
  returned: success
  type: dict
  sample:
    20261122T174400Z: true
channels:
  description: The id of the snapshot or image that each channel points at, by channel name.
  returned: success
  type: dict
  sample:
    stable: 20261122T174400Z
checks:
  description:
    - The last verdict of M(osaas.fleet.snapshot_check) on each returned snapshot that was checked, by id.
    - The keys of each value are C(passed), C(time), C(reasons) and C(package_sets), how many were solved.
  returned: success
  type: dict
snapshots:
  description: Manifests, newest first, as M(osaas.fleet.snapshot) returns them.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the snapshot, the moment of the cut.
      type: str
      sample: 20261122T174400Z
    digest:
      description: Release digest.
      type: str
    holds:
      description: The holds that made it another state than its mirrors were, with their reasons and ends.
      type: list
      elements: dict
    repositories:
      description: What is in the snapshot for each repository, by name, and why its metadata is derived.
      type: dict
"""

from dataclasses import asdict
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import channels, resolve
from ansible_collections.osaas.fleet.plugins.module_utils._repo.manifest_signature import (
    is_signed,
    verify_manifests,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import snapshots
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verdict import read_verdict

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "name": {"type": "str"},
        "gpgkey": {"type": "list", "elements": "path", "default": [], "no_log": False},
    }
)


def work(module: AnsibleModule) -> Result:
    """Read."""
    store = open_store(module.params["store"])
    name = module.params["name"]
    found = [resolve(store, name)] if name else snapshots(store)
    keys = [Path(key) for key in module.params["gpgkey"]]
    if keys:
        verify_manifests(ModuleRunner(module), [store.snapshots / one.id for one in found], keys)
    verdicts = [read_verdict(store, one.id) for one in found]
    return {
        "changed": False,
        "snapshots": [one.to_dict() for one in found],
        "signed": {one.id: is_signed(store.snapshots / one.id) for one in found},
        "channels": channels(store),
        "checks": {one.snapshot: asdict(one) for one in verdicts if one is not None},
    }


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
