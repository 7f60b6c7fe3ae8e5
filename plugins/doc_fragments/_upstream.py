# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Options of every module that reads from upstreams."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments osaas.fleet._upstream.required and osaas.fleet._upstream.optional.

    They differ in the end of their last option. The annotations are for the yamllint of ansible-test, which
    fails on a class variable that is no plain string, unless it has one.
    """

    DOCUMENTATION = r"""
options:
  connections:
    description: How many files of a repository are fetched at a time.
    type: int
    default: 8
  retries:
    description: How often a file is asked for again, after the first try, when a server fails for the moment.
    type: int
    default: 5
  repositories:
    description: Repositories and their upstreams. A sync takes them as one unit.
    type: list
    elements: dict
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
          - A choice that leaves packages out makes derived metadata, which
            O(osaas.fleet.repo_sync#module:signing_key) signs. Only packages that are left are downloaded.
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
      treeinfo:
        description:
          - Whether to mirror the images that hosts are installed from too, as C(.treeinfo) names them.
          - They are verified by the checksums in C(.treeinfo), which nothing signs.
          - They are a part of the state that they are mirrored with, and are looked at again with the next.
            If anything is wrong with them they are left out, with a warning, and the next run tries again.
        type: bool
        default: false
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
          - URLs (C(http) or C(https)) below which packages and metadata files may lie that are outside the
            repository, by C(xml:base) or by C(..) in their location.
          - Such files are brought into the mirror, whose metadata is derived.
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
"""

    REQUIRED: str = f"{DOCUMENTATION}    required: true\n"
    OPTIONAL: str = f"{DOCUMENTATION}    default: []\n"
