#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring mirrors of DNF repositories to the state of their upstreams."""

from __future__ import annotations

DOCUMENTATION = r"""
module: repo_sync
short_description: Mirror DNF repositories into a store
version_added: 0.1.0
description:
  - Brings the mirrors of a set of DNF repositories to the state of their upstreams.
    Mirrors live in a content-addressed store, which holds every file once.
  - Metadata is kept byte for byte, so that signatures of the upstream stay valid.
    Every file is verified against its advertised size and checksum.
    The signatures of C(repomd.xml) and of all packages are verified with the keys in
    O(repositories[].gpgkey) and no others.
  - A mirror moves in one step, and only when everything in all O(repositories) was verified at one moment.
    Until then, and after any failure, the mirrors are what they were.
    A run that was interrupted is continued by running it again.
  - A server can serve the store as plain files; packages and metadata are hard links within it.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
requirements:
  - aiohttp >= 3.10
  - createrepo_c (Python bindings)
  - gpg, gpgv, rpmkeys, and for metadata compressed with zstd C(zstd) and C(prlimit)
attributes:
  check_mode:
    support: full
    details:
      - Reads and verifies C(repomd.xml) alone.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - As long as the upstream does not change.
options:
  store:
    description: Directory of the store. It is made if needed; all of it must be on one file system.
    type: path
    required: true
  repositories:
    description: The repositories to sync, as one unit.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the repository in the store.
        type: str
        required: true
      baseurl:
        description:
          - URLs (C(http) or C(https)) of the repository.
          - Each file is taken from the first that has it.
        type: list
        elements: str
        required: true
      gpgkey:
        description:
          - Files with the public keys that may sign this repository and its packages, ASCII-armored.
          - Required unless both O(repositories[].gpgcheck) and O(repositories[].repo_gpgcheck) are V(false).
        type: list
        elements: path
        default: []
      gpgcheck:
        description: Whether every package must be signed by one of the keys.
        type: bool
        default: true
      repo_gpgcheck:
        description: Whether C(repomd.xml) must be signed by one of the keys.
        type: bool
        default: true
  connections:
    description: How many files of a repository are fetched at a time.
    type: int
    default: 8
  retries:
    description: How often a file is asked for again, after the first try, when a server fails for the moment.
    type: int
    default: 5
seealso:
  - module: osaas.fleet.snapshot
"""

EXAMPLES = r"""
- name: Mirror two repositories as one unit
  osaas.fleet.repo_sync:
    store: /srv/osaas
    repositories:
      - name: baseos
        baseurl: [https://mirror.example.com/9-stream/BaseOS/x86_64/os/]
        gpgkey: [/etc/pki/rpm-gpg/RPM-GPG-KEY-centosofficial]
      - name: appstream
        baseurl:
          - https://mirror.example.com/9-stream/AppStream/x86_64/os/
          - https://other.example.com/9-stream/AppStream/x86_64/os/
        gpgkey: [/etc/pki/rpm-gpg/RPM-GPG-KEY-centosofficial]
        repo_gpgcheck: false # this upstream does not sign its metadata
"""

RETURN = r"""
repositories:
  description: What was done, or would be done, with each repository, in the order given.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the repository.
      type: str
      sample: baseos
    changed:
      description: Whether the mirror moved.
      type: bool
    repomd_sha256:
      description: Checksum of the C(repomd.xml) of the mirrored state.
      type: str
    revision:
      description: Revision that the upstream gives its state.
      type: str
    packages:
      description: How many packages the mirrored state has; V(null) if check mode found a new state.
      type: int
    bytes:
      description: Size of all files of the mirrored state; V(null) if check mode found a new state.
      type: int
    downloaded_files:
      description: How many files were fetched, besides C(repomd.xml) and its signature.
      type: int
    downloaded_bytes:
      description: How many bytes of them were fetched.
      type: int
    gpgcheck:
      description: Whether the signatures of the packages were verified.
      type: bool
    repo_gpgcheck:
      description: Whether the signature of C(repomd.xml) was verified.
      type: bool
"""

from dataclasses import asdict
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._module import (
    ArgumentSpec,
    Options,
    Result,
    run_module,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import aiohttp, createrepo_c
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Repository
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.sync import Transfer, preview, sync

REPOSITORY: Options = {
    "name": {"type": "str", "required": True},
    "baseurl": {"type": "list", "elements": "str", "required": True},
    "gpgkey": {"type": "list", "elements": "path", "default": [], "no_log": False},
    "gpgcheck": {"type": "bool", "default": True},
    "repo_gpgcheck": {"type": "bool", "default": True},
}
SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "repositories": {"type": "list", "elements": "dict", "required": True, "options": REPOSITORY},
        "connections": {"type": "int", "default": 8},
        "retries": {"type": "int", "default": 5},
    }
)


def work(module: AnsibleModule) -> Result:
    """Sync, or look ahead in check mode."""
    for library, found in (("aiohttp", aiohttp), ("createrepo_c", createrepo_c)):
        if found is None:
            module.fail_json(msg=missing_required_lib(library, reason="to mirror repositories"))
    repositories = [
        Repository(
            name=raw["name"],
            baseurls=tuple(raw["baseurl"]),
            gpgkeys=tuple(Path(path) for path in raw["gpgkey"]),
            gpgcheck=raw["gpgcheck"],
            repo_gpgcheck=raw["repo_gpgcheck"],
        )
        for raw in module.params["repositories"]
    ]
    transfer = Transfer(module.params["connections"], module.params["retries"])
    action = preview if module.check_mode else sync
    done = action(Store(Path(module.params["store"])), repositories, ModuleRunner(module), transfer)
    return {"changed": any(one.changed for one in done), "repositories": [asdict(one) for one in done]}


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
