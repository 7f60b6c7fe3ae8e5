#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove old releases and the files that nothing needs any more."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store_prune
short_description: Remove old snapshots and images, and what nothing needs any more
version_added: 0.1.0
description:
  - Removes snapshots and images that no rule keeps, then trees and files that neither a mirror, nor a
    snapshot, nor an image needs, and unfinished downloads.
  - A release that a channel points at, or pointed at before its last move, is always kept.
  - Check mode is the dry run; it tells the bytes that would be freed exactly.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._store
  - osaas.fleet._store.metrics
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  keep_newest:
    description: How many of the newest snapshots, and of the newest images of each name, to keep; at least 1.
    type: int
    default: 10
  keep_days:
    description: Keep releases that are not older than this many days; V(0) keeps none because of its age.
    type: int
    default: 30
  keep:
    description:
      - Ids of the releases that hosts run or may go back to, as M(osaas.fleet.release_info) tells them.
        Ids of what is not in the store are passed over.
    type: list
    elements: str
    required: true
seealso:
  - module: osaas.fleet.snapshot
  - module: osaas.fleet.image_publish
  - module: osaas.fleet.channel
  - module: osaas.fleet.release_info
  - module: osaas.fleet.store_verify
"""

EXAMPLES = r"""
- name: Keep a month, and whatever hosts run
  osaas.fleet.store_prune:
    store: /srv/osaas
    keep_newest: 5
    keep_days: 31
    keep:
      - 20261022T174400Z
"""

RETURN = r"""
prune:
  description: What was removed, or would be.
  returned: success
  type: dict
  contains:
    snapshots:
      description: Ids of the snapshots.
      type: list
      elements: str
    images:
      description: Ids of the images.
      type: list
      elements: str
    trees:
      description: States of repositories, each as name and checksum of its C(repomd.xml).
      type: list
      elements: str
    objects:
      description: How many files.
      type: int
    partials:
      description: How many unfinished downloads.
      type: int
    freed:
      description: Bytes of all files that were removed, those that had several names once.
      type: int
    kept:
      description: Why each of the other snapshots and images is kept, by id.
      type: dict
      sample:
        20261122T174400Z: channel stable
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metrics import tell_snapshots
from ansible_collections.osaas.fleet.plugins.module_utils._repo.prune import Policy, preview_prune, prune
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "keep_newest": {"type": "int", "default": 10},
        "keep_days": {"type": "int", "default": 30},
        "keep": {"type": "list", "elements": "str", "required": True},
        "metrics": {"type": "path"},
    }
)


def work(module: AnsibleModule) -> Result:
    """Prune, or look ahead in check mode."""
    option = module.params
    policy = Policy(option["keep_newest"], option["keep_days"], tuple(option["keep"]))
    action = preview_prune if module.check_mode else prune
    store = open_store(option["store"])
    pruned = action(store, policy)
    if option["metrics"] and not module.check_mode:
        tell_snapshots(Path(option["metrics"]), store)
    return {"changed": pruned.changed, "prune": pruned.to_dict()}


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
