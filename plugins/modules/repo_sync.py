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
options:
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
          - URLs (C(http), C(https) or C(file)) of the repository.
          - Each file is taken from the first that has it. A server that fails is asked last from then on.
          - Exactly one of O(repositories[].baseurl), O(repositories[].metalink) and
            O(repositories[].mirrorlist) is required.
        type: list
        elements: str
      metalink:
        description:
          - URL (C(http) or C(https)) of a metalink. Mirrors with C(https) are asked first.
          - A C(repomd.xml) must be one that the metalink gives a checksum of,
            the present one or an older one that it still lists.
        type: str
      mirrorlist:
        description: URL (C(http) or C(https)) of a list of mirrors, one URL in a line.
        type: str
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
      include:
        description:
          - Mirror only packages that one of these globs fits.
          - A glob is compared with C(name), C(name.arch), C(name-version-release), the same with C(.arch),
            and C(name-epoch:version-release.arch). What a package requires is not added.
          - A choice that leaves packages out makes derived metadata, which O(signing_key) signs.
            Only packages that are left are downloaded.
        type: list
        elements: str
        default: []
      exclude:
        description: Leave out packages that one of these globs fits, after O(repositories[].include).
        type: list
        elements: str
        default: []
      arches:
        description: Mirror only packages of these architectures; V(noarch) is one. All of them if empty.
        type: list
        elements: str
        default: []
      source:
        description: Whether to mirror source packages too, if the upstream has some.
        type: bool
        default: false
      newest:
        description:
          - Mirror this many of the newest versions of each name and architecture; all of them if V(0).
          - Each module stream has newest versions of its own.
        type: int
        default: 0
      proxy:
        description: URL of an HTTP proxy.
        type: str
      username:
        description:
          - Name for basic authentication, sent to the servers of O(repositories[].baseurl),
            O(repositories[].metalink) and O(repositories[].mirrorlist), and no others.
        type: str
      password:
        description: Password for O(repositories[].username).
        type: str
      client_cert:
        description: PEM file with the certificate that this client shows to C(https) servers.
        type: path
      client_key:
        description: PEM file with its key, if it is not in O(repositories[].client_cert).
        type: path
      ca_cert:
        description:
          - PEM file with the certificates that C(https) servers are verified with, instead of the system's.
        type: path
      throttle:
        description: How many bytes are fetched in a second at most; V(0) is no limit.
        type: int
        default: 0
      connections:
        description: Overrides O(connections).
        type: int
      retries:
        description: Overrides O(retries).
        type: int
      allow_weak_digests:
        description:
          - Whether metadata may name files by MD5 or SHA-1, which can be forged.
          - Signatures are verified all the same.
        type: bool
        default: false
      allow_foreign_base:
        description:
          - URLs (C(http) or C(https)) below which packages may lie that are outside the repository,
            by C(xml:base) or by C(..) in their location.
          - Such packages are brought into the mirror, whose metadata is derived.
        type: list
        elements: str
        default: []
      accept_mutable:
        description:
          - What was decided about packages of one name, version and architecture with two checksums.
            Upstream has both, or had one before it had the other. Without a decision it is an error.
        type: list
        elements: dict
        default: []
        suboptions:
          nevra:
            description: The package, as C(name-epoch:version-release.arch).
            type: str
            required: true
          digests:
            description: Both checksums, as the error names them.
            type: list
            elements: str
            required: true
          take:
            description: The checksum of the package to mirror. If it is the older one, metadata is derived.
            type: str
            required: true
          reason:
            description: Why; it is kept with the mirror.
            type: str
            required: true
  connections:
    description: How many files of a repository are fetched at a time.
    type: int
    default: 8
  retries:
    description: How often a file is asked for again, after the first try, when a server fails for the moment.
    type: int
    default: 5
  metrics:
    description:
      - File (C(*.prom)) in which to leave figures for the textfile collector of Prometheus' node exporter.
      - They are when each mirror was last seen to be as its upstream, its size and packages,
        how many snapshots there are, and how many syncs failed.
    type: path
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
"""

import typing as t
from collections.abc import Mapping, Sequence
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
from ansible_collections.osaas.fleet.plugins.module_utils._repo.choice import Choice
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import aiohttp, createrepo_c, yaml
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metrics import write_metrics
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Mutable, Repository, Tolerance
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.sync import Synced, preview, sync
from ansible_collections.osaas.fleet.plugins.module_utils._repo.transfer import Transfer

MUTABLE: Options = {
    "nevra": {"type": "str", "required": True},
    "digests": {"type": "list", "elements": "str", "required": True},
    "take": {"type": "str", "required": True},
    "reason": {"type": "str", "required": True},
}
REPOSITORY: Options = {
    "name": {"type": "str", "required": True},
    "baseurl": {"type": "list", "elements": "str"},
    "metalink": {"type": "str"},
    "mirrorlist": {"type": "str"},
    "gpgkey": {"type": "list", "elements": "path", "default": [], "no_log": False},
    "gpgcheck": {"type": "bool", "default": True},
    "repo_gpgcheck": {"type": "bool", "default": True},
    "include": {"type": "list", "elements": "str", "default": []},
    "exclude": {"type": "list", "elements": "str", "default": []},
    "arches": {"type": "list", "elements": "str", "default": []},
    "source": {"type": "bool", "default": False},
    "newest": {"type": "int", "default": 0},
    "proxy": {"type": "str"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "ca_cert": {"type": "path"},
    "throttle": {"type": "int", "default": 0},
    "connections": {"type": "int"},
    "retries": {"type": "int"},
    "allow_weak_digests": {"type": "bool", "default": False},
    "allow_foreign_base": {"type": "list", "elements": "str", "default": []},
    "accept_mutable": {"type": "list", "elements": "dict", "default": [], "options": MUTABLE},
}
SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "repositories": {"type": "list", "elements": "dict", "required": True, "options": REPOSITORY},
        "connections": {"type": "int", "default": 8},
        "retries": {"type": "int", "default": 5},
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
    repositories = [_repository(raw, params) for raw in params["repositories"]]
    home = Path(params["gnupg_home"]) if params["gnupg_home"] else None
    key = SigningKey(params["signing_key"], home) if params["signing_key"] else None
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
            write_metrics(Path(metrics), store, done)


def _repository(raw: Mapping[str, t.Any], params: Mapping[str, t.Any]) -> Repository:
    def path(name: str) -> Path | None:
        return Path(raw[name]) if raw[name] else None

    return Repository(
        name=raw["name"],
        baseurls=tuple(raw["baseurl"] or ()),
        metalink=raw["metalink"] or "",
        mirrorlist=raw["mirrorlist"] or "",
        gpgkeys=tuple(Path(one) for one in raw["gpgkey"]),
        gpgcheck=raw["gpgcheck"],
        repo_gpgcheck=raw["repo_gpgcheck"],
        transfer=Transfer(
            connections=params["connections"] if raw["connections"] is None else raw["connections"],
            retries=params["retries"] if raw["retries"] is None else raw["retries"],
            throttle=raw["throttle"],
            proxy=raw["proxy"],
            username=raw["username"],
            password=raw["password"],
            client_cert=path("client_cert"),
            client_key=path("client_key"),
            ca_cert=path("ca_cert"),
        ),
        tolerance=Tolerance(
            weak_digests=raw["allow_weak_digests"],
            foreign_bases=tuple(raw["allow_foreign_base"]),
            mutable=tuple(
                Mutable(one["nevra"], frozenset(one["digests"]), one["take"], one["reason"])
                for one in raw["accept_mutable"]
            ),
        ),
        choice=Choice(
            include=tuple(raw["include"]),
            exclude=tuple(raw["exclude"]),
            arches=tuple(raw["arches"]),
            source=raw["source"],
            newest=raw["newest"],
        ),
    )


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
