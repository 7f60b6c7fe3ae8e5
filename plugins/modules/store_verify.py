#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a store again, report what is damaged, and repair it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store_verify
short_description: Find and repair damage in a store
version_added: 0.1.0
description:
  - Reads every file of the store again and compares it with its checksum. Then holds mirrors, snapshots,
    images and channels against their metadata, records and manifests.
  - Fails if anything is wrong and stays wrong, so that a scheduled run is seen. The result has all of it.
  - A run that only reports takes no lock; mirrors can be synced meanwhile.
  - A long run tells how far it is in the system's log, every half a minute.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._store
  - osaas.fleet._upstream.optional
requirements:
  - aiohttp >= 3.10 (with O(repair))
  - createrepo_c (Python bindings)
  - for metadata compressed with zstd C(zstd) and C(prlimit)
attributes:
  check_mode:
    support: full
    details:
      - Only reports, and does not fail because of damage that O(repair) would look into.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  repair:
    description:
      - Bring back what is lost. A file is taken from where the store still has it,
        or is fetched again from its upstream, if O(repositories) names that.
        Only the very bytes that were there before are taken.
      - A damaged file that is nowhere else goes into C(quarantine/) of the store, beside a C(.json) that
        says why, so that no client is served it. The next M(osaas.fleet.repo_sync) fetches what its
        mirror lacks, the next M(osaas.fleet.snapshot) makes again what its holds made, and the next repair
        gives it to older snapshots. What an image lacks comes back when M(osaas.fleet.image_publish)
        publishes the same one again.
        Nothing reads the quarantine; remove what is in it when you have looked into it.
      - A damaged manifest is taken from its copy. Where that is damaged too, the release goes into
        quarantine, for nothing can tell any more what it has to be. The others can be used again.
      - Rewrites links, modes and records of the store that are wrong.
        A file that is not the store's is never touched.
    type: bool
    default: false
  gpgkey:
    description:
      - Files with public keys, ASCII-armored. A manifest that none of them signed is a fault, which no repair
        can mend.
      - By default signatures of manifests are not looked at.
    type: list
    elements: path
    default: []
seealso:
  - module: osaas.fleet.repo_sync
  - module: osaas.fleet.store_prune
"""

EXAMPLES = r"""
- name: Look for damage
  osaas.fleet.store_verify:
    store: /srv/osaas

- name: See that the site cut every snapshot, too
  osaas.fleet.store_verify:
    store: /srv/osaas
    gpgkey: [/etc/pki/rpm-gpg/RPM-GPG-KEY-site]

- name: Repair it
  osaas.fleet.store_verify:
    store: /srv/osaas
    repair: true
    repositories:
      - name: baseos
        baseurl: [https://mirror.example.com/9-stream/BaseOS/x86_64/os/]
        gpgkey: [/etc/pki/rpm-gpg/RPM-GPG-KEY-centosofficial]
"""

RETURN = r"""
msg:
  description: One line for a person.
  returned: always
  type: str
  sample: "41250 files of 61203283968 bytes and 12 trees are as they must be"
verify:
  description: What the store came to.
  returned: when it could be read
  type: dict
  contains:
    objects:
      description: How many files were read, each once, however many releases have it.
      type: int
    bytes:
      description: Their size.
      type: int
    trees:
      description: How many states of repositories were held against their metadata.
      type: int
    unneeded:
      description: How many good files nothing in the store needs; M(osaas.fleet.store_prune) removes them.
      type: int
    unneeded_bytes:
      description: Their size.
      type: int
    faults:
      description: All that was found wrong.
      type: list
      elements: dict
      contains:
        what:
          description:
            - V(damaged) and V(missing) files, V(mode) of a file, V(link), V(record) of a tree,
              V(manifest) of a snapshot, and V(foreign) for what is not the store's.
          type: str
        path:
          description: Where, below the store.
          type: str
        why:
          description: What is wrong.
          type: str
        bytes:
          description: Size of the file, as far as it is known.
          type: int
        repositories:
          description: Repositories that it hits.
          type: list
          elements: str
        snapshots:
          description: Ids of the snapshots that it hits.
          type: list
          elements: str
        images:
          description: Ids of the images that it hits.
          type: list
          elements: str
    repaired:
      description: What was done, by path.
      type: dict
      sample:
        objects/sha256/2c/2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae: fetched
    left:
      description: The faults that are left, like RV(verify.faults).
      type: list
      elements: dict
"""

import typing as t
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import aiohttp, createrepo_c
from ansible_collections.osaas.fleet.plugins.module_utils._repo.options import (
    REPOSITORY,
    UPSTREAM,
    given_repositories,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify import Verified, verify
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import DAMAGED, MISSING, Fault
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_repair import Repaired, repair

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        **UPSTREAM,
        "repositories": {"type": "list", "elements": "dict", "default": [], "options": REPOSITORY},
        "repair": {"type": "bool", "default": False},
        "gpgkey": {"type": "list", "elements": "path", "default": [], "no_log": False},
    }
)


def work(module: AnsibleModule) -> Result:
    """Verify, and repair if asked to. Raises StoreError if something stays wrong."""
    wanted: bool = module.params["repair"]
    libraries = [("createrepo_c", createrepo_c), *([("aiohttp", aiohttp)] if wanted else [])]
    for library, found in libraries:
        if found is None:
            module.fail_json(msg=missing_required_lib(library, reason="to verify a store"))
    repositories = given_repositories(module.params)
    store, runner = open_store(module.params["store"]), ModuleRunner(module)
    keys = [Path(key) for key in module.params["gpgkey"]]
    verified = verify(store, runner, module.log, keys)
    done = Repaired({}, verified.faults)
    if wanted and verified.faults and not module.check_mode:
        done = repair(store, runner, verified, repositories)
    result = {"changed": bool(done.done), "verify": _told(verified, done)}
    if wanted and module.check_mode:
        return {**result, "changed": bool(verified.faults), "msg": _summary(verified, verified.faults)}
    if done.left:
        raise StoreError(
            _summary(verified, done.left),
            where=str(store.root),
            way_out=_way_out(done.left[0]) if wanted else "Run it with repair",
            details=result,
        )
    return {**result, "msg": _summary(verified, ())}


def _way_out(fault: Fault) -> str:
    """Of what a repair could not mend."""
    if fault.images and not fault.repositories:
        return f"Publish {fault.images[0]} again, from the builder's own files"
    if fault.what in (DAMAGED, MISSING):
        return "Sync and cut again as before, then repair again"
    return "Restore it from a backup, or remove it, and verify again"


def _summary(verified: Verified, faults: Sequence[Fault]) -> str:
    objects = verified.objects
    read = f"{objects.files} files of {objects.bytes} bytes and {verified.trees} trees"
    if not faults:
        return f"{read} are as they must be"
    kinds = Counter(fault.what for fault in faults)
    counts = ", ".join(f"{count} {what}" for what, count in sorted(kinds.items()))
    return f"{read} read: {counts}; {faults[0].path}: {faults[0].why}"


def _told(verified: Verified, done: Repaired) -> dict[str, t.Any]:
    objects = verified.objects
    return {
        "objects": objects.files,
        "bytes": objects.bytes,
        "trees": verified.trees,
        "unneeded": objects.unneeded,
        "unneeded_bytes": objects.unneeded_bytes,
        "faults": [fault.to_dict() for fault in verified.faults],
        "repaired": dict(done.done),
        "left": [fault.to_dict() for fault in done.left],
    }


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
