#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut a snapshot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot
short_description: Cut an immutable, dated snapshot of mirrored repositories
version_added: 0.1.0
description:
  - Cuts the present state of a set of mirrors as one unit, which never changes afterwards.
  - A snapshot is a manifest and one link for each repository; nothing is copied.
  - Cutting the same state again returns the snapshot that holds it already.
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
  repositories:
    description: Names of the mirrors to cut; all of them if empty.
    type: list
    elements: str
    default: []
  creator:
    description: Who cuts it, for the manifest.
    type: str
seealso:
  - module: osaas.fleet.repo_sync
  - module: osaas.fleet.snapshot_info
  - module: osaas.fleet.channel
"""

EXAMPLES = r"""
- name: Cut all mirrors
  osaas.fleet.snapshot:
    store: /srv/osaas
    creator: nightly sync
  register: cut

- name: Offer the snapshot to the first hosts
  osaas.fleet.channel:
    store: /srv/osaas
    name: untested
    snapshot: "{{ cut.snapshot.id }}"
    who: nightly sync
    reason: new upstream state
"""

RETURN = r"""
snapshot:
  description: Manifest of the snapshot.
  returned: success
  type: dict
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

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest, cut, preview_cut
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "repositories": {"type": "list", "elements": "str", "default": []},
        "creator": {"type": "str"},
    }
)


def work(module: AnsibleModule) -> Result:
    """Cut, or look ahead in check mode."""
    action = preview_cut if module.check_mode else cut
    store = open_store(module.params["store"])
    done = action(store, module.params["repositories"], creator=module.params["creator"])
    diff = {"before": _states(done.before), "after": _states(done.manifest if done.changed else done.before)}
    return {"changed": done.changed, "snapshot": done.manifest.to_dict(), "diff": diff}


def _states(manifest: Manifest | None) -> dict[str, t.Any]:
    """What a person wants to see change: the newest snapshot's id and the state of each repo."""
    if manifest is None:
        return {}
    states = {
        name: f"{part.repomd_sha256} ({part.packages} packages)"
        for name, part in manifest.repositories.items()
    }
    return {"snapshot": manifest.id, "repositories": states}


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
