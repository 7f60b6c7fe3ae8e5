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
  - Cutting the same state again returns the snapshot that has it already. It also gives it back the metadata
    that its holds made, if M(osaas.fleet.store_verify) put some of that into quarantine.
  - With O(holds), source packages stay at what they are, or out, while all others move. The metadata of the
    repositories that this changes is derived and signed with O(signing_key); the others stay byte for byte.
    Nothing is cut if a hold makes packages uninstallable.
  - With O(signing_key) the manifest of a new snapshot is signed too, in C(manifest.json.asc) beside it.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._store
  - osaas.fleet._store.signing
  - osaas.fleet._store.metrics
requirements:
  - For O(holds) createrepo_c and solv (Python bindings), PyYAML and gpg.
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
  holds:
    description:
      - Source packages that do not move. All packages that were built from one source package are held
        together, with their module stream and advisories, in all repositories of the snapshot.
      - Of several holds that fit a source package the first decides.
      - Another reason or end of a hold alone makes no new snapshot.
    type: list
    elements: dict
    default: []
    suboptions:
      source:
        description:
          - Name of the source package.
          - Exactly one of O(holds[].source), O(holds[].glob) and O(holds[].advisory) is required.
        type: str
      glob:
        description: A glob that fits the name of source packages, or of any package built from them.
        type: str
      advisory:
        description:
          - Id of an advisory. The builds that it names stay out, and newer ones of the same source packages.
            The newest older ones come back where the mirrors have none.
        type: str
      version:
        description:
          - Only this build stays, as C([epoch:]version[-release]) of the source package. What is not said
            is not compared.
          - It is taken out of the newest snapshot that has it, if the mirror has it no longer.
          - With neither this nor O(holds[].block) everything stays as in the last snapshot; what upstream
            dropped stays in, what is new stays out.
        type: str
      block:
        description:
          - No build newer than this stays, as in O(holds[].version); V(*) is for no build at all.
          - The newest one that may stay is taken out of the newest snapshot that has one, if the mirror has
            none, or an older one than the last snapshot.
        type: str
      until:
        description:
          - Moment at which the hold ends, ISO 8601; in UTC, at 00:00, unless it says otherwise.
          - A hold that has ended is ignored, with a warning.
        type: str
        required: true
      reason:
        description: Why, for the manifest.
        type: str
        required: true
      owner:
        description: Who answers for it, for the manifest.
        type: str
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

- name: Cut all mirrors, but leave alone what must not move yet
  osaas.fleet.snapshot:
    store: /srv/osaas
    signing_key: repo@example.com
    gnupg_home: /etc/osaas/gnupg
    holds:
      - source: postgresql # as it is in the last snapshot
        owner: database team
        reason: migration of the shop, TICKET-12
        until: 2027-01-15
      - source: openssl
        version: 3.0.7-27.el9
        reason: newer ones break the card readers, TICKET-17
        until: 2027-03-01T12:00:00Z
      - glob: kernel*
        block: 5.14.0-503
        reason: driver of the vendor ends there, TICKET-23
        until: 2027-06-30
      - advisory: RHBA-2026:1234
        reason: its systemd loses user sessions, TICKET-31
        until: 2027-02-01

- name: Offer the snapshot to the first hosts
  osaas.fleet.channel:
    store: /srv/osaas
    name: untested
    snapshot: "{{ cut.snapshot.id }}"
    who: nightly sync
    reason: new upstream state
"""

RETURN = r"""
holds:
  description: What became of each of O(holds); expired ones come last.
  returned: success
  type: list
  elements: dict
  contains:
    outcome:
      description:
        - V(applied) if it changed something; V(idle) if there is nothing to change yet; V(unmatched) if it
          fits nothing, or only what holds before it took; V(expired) if it has ended.
      type: str
    sources:
      description: Source packages that it concerns.
      type: list
      elements: str
      sample: [openssl]
    carried:
      description: Packages that were carried forward out of earlier snapshots.
      type: list
      elements: str
      sample: ["openssl-1:3.0.7-27.el9.x86_64", "openssl-libs-1:3.0.7-27.el9.x86_64"]
    left_out:
      description: Packages of the mirrors that the snapshot does without.
      type: list
      elements: str
      sample: ["openssl-1:3.2.2-6.el9.x86_64", "openssl-libs-1:3.2.2-6.el9.x86_64"]
    source:
      description: As given; so are C(glob), C(advisory), C(version), C(block), C(owner) and C(reason).
      type: str
    until:
      description: When it ends, ISO 8601.
      type: str
      sample: "2027-01-15T00:00:00+00:00"
broken:
  description: Packages that holds would make uninstallable.
  returned: when that is why it failed
  type: list
  elements: dict
  contains:
    package:
      description: The package.
      type: str
      sample: app-0:2-1.noarch
    requirement:
      description: What it requires.
      type: str
      sample: abi = 2
    reasons:
      description: The chain of reasons, down to what is missing.
      type: list
      elements: str
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
        - Release digest, the SHA-256 of the manifest without the digest itself.
        - No two snapshots have the same.
      type: str
    packages:
      description: How many packages it has.
      type: int
    bytes:
      description: Size of all files that can be reached through it.
      type: int
    holds:
      description:
        - The holds that made it another state than its mirrors were, as M(osaas.fleet.snapshot) returns them,
          without C(outcome).
      type: list
      elements: dict
    repositories:
      description: What is in the snapshot for each repository, by name.
      type: dict
      sample:
        baseos:
          metadata: derived
          derived: [hold of source openssl (3 packages left out, 3 carried forward)]
          left_out: [prestodelta]
          repomd_sha256: 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
          signature_sha256: d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35
          revision: "1795369440"
          packages: 1204
          bytes: 1288490188
          gpgcheck: true
          repo_gpgcheck: true
      contains:
        NAME:
          description: The repository of this name.
          type: dict
          contains:
            metadata:
              description: V(verbatim) if its metadata is the upstream's, byte for byte; else V(derived).
              type: str
            derived:
              description: Why it is derived, by filters of M(osaas.fleet.repo_sync) and holds.
              type: list
              elements: str
            left_out:
              description: Kinds of records that the upstream has and derived metadata does without.
              type: list
              elements: str
            repomd_sha256:
              description: Checksum of its C(repomd.xml).
              type: str
            signature_sha256:
              description: Checksum of its C(repomd.xml.asc); empty if there is none.
              type: str
            revision:
              description: Revision that the upstream gives its state.
              type: str
            packages:
              description: How many packages it has.
              type: int
            bytes:
              description: Size of all its files.
              type: int
            gpgcheck:
              description: Whether the signatures of all its packages were verified.
              type: bool
            repo_gpgcheck:
              description: Whether the signature of the upstream's C(repomd.xml) was verified.
              type: bool
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._module import (
    ArgumentSpec,
    Options,
    Result,
    run_module,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.cut import Order, cut, preview_cut
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold import Hold
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import createrepo_c, solv, yaml
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metrics import tell_snapshots
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store

HOLD: Options = {
    "source": {"type": "str"},
    "glob": {"type": "str"},
    "advisory": {"type": "str"},
    "version": {"type": "str"},
    "block": {"type": "str"},
    "until": {"type": "str", "required": True},
    "reason": {"type": "str", "required": True},
    "owner": {"type": "str"},
}
SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "repositories": {"type": "list", "elements": "str", "default": []},
        "holds": {"type": "list", "elements": "dict", "default": [], "options": HOLD},
        "creator": {"type": "str"},
        "signing_key": {"type": "str", "no_log": False},
        "gnupg_home": {"type": "path"},
        "metrics": {"type": "path"},
    }
)


def work(module: AnsibleModule) -> Result:
    """Cut, or look ahead in check mode."""
    params = module.params
    for library, found in (("createrepo_c", createrepo_c), ("PyYAML", yaml), ("solv", solv)):
        if params["holds"] and found is None:
            module.fail_json(msg=missing_required_lib(library, reason="to hold packages"))
    order = Order(
        repositories=tuple(params["repositories"]),
        creator=params["creator"],
        holds=tuple(Hold.from_dict(raw) for raw in params["holds"]),
        key=SigningKey.given(params["signing_key"], params["gnupg_home"]),
    )
    action = preview_cut if module.check_mode else cut
    store = open_store(params["store"])
    prepared = action(store, ModuleRunner(module), order)
    if params["metrics"] and not module.check_mode:
        tell_snapshots(Path(params["metrics"]), store)
    for warning in prepared.warnings():
        module.warn(warning)
    done = prepared.cut
    return {
        "changed": prepared.changed,
        "snapshot": done.manifest.to_dict(),
        "holds": prepared.holds(),
        "diff": {
            "before": _states(done.before),
            "after": _states(done.manifest if done.changed else done.before),
        },
    }


def _states(manifest: Manifest | None) -> dict[str, t.Any]:
    """What a person wants to see change: the newest snapshot's id and the state of each repo."""
    if manifest is None:
        return {}
    states = {
        name: "; ".join([f"{part.repomd_sha256} ({part.packages} packages)", *part.derived])
        for name, part in manifest.repositories.items()
    }
    return {"snapshot": manifest.id, "repositories": states}


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
