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

- name: Show which snapshot it is
  ansible.builtin.debug:
    msg: "stable is {{ stable.snapshots[0].id }} with {{ stable.snapshots[0].packages }} packages"
"""

RETURN = r"""
channels:
  description: The id of the snapshot that each channel points at, by channel name.
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
  description: Manifests, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the snapshot, the moment of the cut.
      type: str
      sample: 20261122T174400Z
    created:
      description: When it was cut, ISO 8601, UTC.
      type: str
      sample: "2026-11-22T17:44:00+00:00"
    parent:
      description: Id of the snapshot that was the newest before; V(null) for the first.
      type: str
    creator:
      description: Who cut it, as given.
      type: str
    digest:
      description:
        - Release digest.
        - A SHA-256 over the names of the repositories and the checksums of their C(repomd.xml) and its
          signature.
      type: str
    packages:
      description: How many packages it has.
      type: int
    bytes:
      description: Size of all files that can be reached through it.
      type: int
    repositories:
      description:
        - For each repository what is in the snapshot, by name.
        - The keys of each value are C(repomd_sha256), C(revision), C(packages),
          C(bytes), C(gpgcheck) and C(repo_gpgcheck),
          as returned by M(osaas.fleet.repo_sync), and C(signature_sha256), the checksum of C(repomd.xml.asc).
      type: dict
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import channels, resolve
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import snapshots
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verdict import read_verdict

SPEC = ArgumentSpec({"store": {"type": "path", "required": True}, "name": {"type": "str"}})


def work(module: AnsibleModule) -> Result:
    """Read."""
    store = open_store(module.params["store"])
    name = module.params["name"]
    found = [resolve(store, name)] if name else snapshots(store)
    verdicts = [read_verdict(store, one.id) for one in found]
    return {
        "changed": False,
        "snapshots": [one.to_dict() for one in found],
        "channels": channels(store),
        "checks": {one.snapshot: asdict(one) for one in verdicts if one is not None},
    }


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
