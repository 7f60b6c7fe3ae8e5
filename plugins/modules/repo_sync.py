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
  - Metadata is kept byte for byte, so that signatures of the upstream stay valid,
    except where a choice of packages makes it another state.
    That one is described anew, and signed by the site.
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
  - osaas.fleet._store
  - osaas.fleet._store.signing
  - osaas.fleet._store.metrics
  - osaas.fleet._upstream.required
requirements:
  - aiohttp >= 3.10
  - createrepo_c (Python bindings)
  - PyYAML
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
        treeinfo: true # hosts are installed from it, too
      - name: appstream
        baseurl:
          - https://mirror.example.com/9-stream/AppStream/x86_64/os/
          - https://other.example.com/9-stream/AppStream/x86_64/os/
        gpgkey: [/etc/pki/rpm-gpg/RPM-GPG-KEY-centosofficial]
        repo_gpgcheck: false # this upstream does not sign its metadata

- name: Mirror a part of a repository, in metadata that the site signs
  osaas.fleet.repo_sync:
    store: /srv/osaas
    signing_key: repo@example.com
    gnupg_home: /etc/osaas/gnupg
    repositories:
      - name: epel
        metalink: https://mirrors.example.com/metalink?repo=epel-9&arch=x86_64
        gpgkey: [/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-9]
        repo_gpgcheck: false
        exclude: ["*-debuginfo", "kmod-*"]
        arches: [x86_64, noarch]
        newest: 2
        throttle: 20000000

- name: Mirror a vendor that wants a certificate, keeps packages elsewhere, and has built one of them twice
  osaas.fleet.repo_sync:
    store: /srv/osaas
    signing_key: repo@example.com
    repositories:
      - name: vendor
        baseurl: [https://cdn.example.com/tool/el9/]
        gpgkey: [/etc/pki/rpm-gpg/RPM-GPG-KEY-vendor]
        client_cert: /etc/pki/entitlement/vendor.pem
        client_key: /etc/pki/entitlement/vendor-key.pem
        ca_cert: /etc/pki/entitlement/ca.pem
        allow_foreign_base: [https://cdn.example.com/pool/]
        accept_mutable:
          - nevra: tool-0:1.0-1.x86_64
            digests:
              - 8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4
              - 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
            take: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
            reason: signed again, said the vendor in TICKET-17
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
    derived:
      description:
        - Why the metadata of the mirror is the site's own; empty if it is the upstream's, byte for byte;
          V(null) if check mode found a new state.
      type: list
      elements: str
      sample: ["exclude: kmod-* (17 packages left out)"]
    left_out:
      description:
        - Kinds of records that the upstream has and derived metadata does without, such as deltas and
          databases; V(null) if check mode found a new state.
      type: list
      elements: str
      sample: [prestodelta]
    treeinfo:
      description:
        - Whether the mirrored state has C(.treeinfo) and its images; V(null) if check mode found a new state.
      type: bool
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import aiohttp, createrepo_c, yaml
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metrics import tell_sync
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Repository
from ansible_collections.osaas.fleet.plugins.module_utils._repo.options import (
    REPOSITORY,
    UPSTREAM,
    given_repositories,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.sync import Synced, preview, sync

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        **UPSTREAM,
        "repositories": {"type": "list", "elements": "dict", "required": True, "options": REPOSITORY},
        "signing_key": {"type": "str", "no_log": False},
        "gnupg_home": {"type": "path"},
        "metrics": {"type": "path"},
    }
)


def work(module: AnsibleModule) -> Result:
    """Sync, or look ahead in check mode."""
    for library, found in (("aiohttp", aiohttp), ("createrepo_c", createrepo_c), ("PyYAML", yaml)):
        if found is None:
            module.fail_json(msg=missing_required_lib(library, reason="to mirror repositories"))
    params = module.params
    repositories = given_repositories(params)
    key = SigningKey.given(params["signing_key"], params["gnupg_home"])
    store, runner = Store(Path(params["store"])), ModuleRunner(module)
    if module.check_mode:
        done = preview(store, repositories, runner, key)
    else:
        done = _sync(store, repositories, runner, key, params["metrics"])
    return {"changed": any(one.changed for one in done), "repositories": [asdict(one) for one in done]}


def _sync(
    store: Store,
    repositories: Sequence[Repository],
    runner: ModuleRunner,
    key: SigningKey | None,
    metrics: str | None,
) -> list[Synced]:
    done = None
    try:
        done = sync(store, repositories, runner, key)
        return done
    finally:
        if metrics:
            tell_sync(Path(metrics), store, done)


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
