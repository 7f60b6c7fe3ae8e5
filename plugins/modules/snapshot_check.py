#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a snapshot before any host gets it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot_check
short_description: Check what a snapshot would do, before any host gets it
version_added: 0.1.0
description:
  - Finds packages of a snapshot whose requirements nothing in it provides, as far as its parent
    had them provided.
  - Solves the C(distro-sync) to the snapshot for each given set of installed packages, as dnf would.
  - Fails if the snapshot broke something, or if packages of a set would be removed, or if a set
    cannot be solved;
    the message names the hosts and the chain of reasons.
  - The verdict is kept in the store, without names of hosts; M(osaas.fleet.channel) refuses a
    snapshot that failed.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._store
attributes:
  check_mode:
    support: full
    details:
      - In check mode everything is checked, and no verdict is kept.
  diff_mode:
    support: none
  idempotent:
    support: full
requirements:
  - createrepo_c
  - solv (the bindings of libsolv)
options:
  snapshot:
    description: Id of the snapshot, or a channel that points at it.
    type: str
    required: true
  package_sets:
    description: Distinct sets of installed packages.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the set, for messages.
        type: str
        required: true
      hosts:
        description: The hosts that have exactly these packages.
        type: list
        elements: str
        default: []
      packages:
        description:
          - The packages, each as C(name-epoch:version-release.arch), as M(osaas.fleet.host_info)
            returns them.
          - What no snapshot of the store has is taken to require nothing, and returned as C(unknown).
        type: list
        elements: str
        required: true
      streams:
        description:
          - The module streams that the hosts enabled, each as C(name:stream), and the modules that they
            disabled, each as C(-name).
          - By default those that the packages came from, which dnf enabled when it installed them.
        type: list
        elements: str
  package_sets_file:
    description: A JSON file with more of them, as a list of the same shape.
    type: path
  allow_removals:
    description: Names of packages, as globs, that may be removed.
    type: list
    elements: str
    default: []
  arch:
    description:
      - Architecture for which the snapshot is checked.
      - A set is solved for the architecture that most of its packages are for.
      - By default that of the machine that the module runs on.
    type: str
notes:
  - What is solved is what M(osaas.fleet.os_update) lets dnf do, with the dependencies of the package
    metadata. Files that two packages put in one place, failing scriptlets and full disks show on a
    host only.
  - The newest kernel of a host is taken to be the one that runs.
  - It cannot be known which packages a person installed, so any removal is a fault, unless allowed.
seealso:
  - module: osaas.fleet.snapshot
  - module: osaas.fleet.channel
"""

EXAMPLES = r"""
- name: Check the newest snapshot against what the fleet has installed
  osaas.fleet.snapshot_check:
    store: /srv/osaas
    snapshot: untested
    package_sets_file: /srv/osaas-package-sets.json
    allow_removals:
      - python3-*-compat
"""

RETURN = r"""
check:
  description: What was found; also returned when the module fails because of it.
  returned: when the check could be made
  type: dict
  contains:
    snapshot:
      description: Id of the snapshot.
      type: str
    parent:
      description: Id of the snapshot that it was compared with; V(null) for the first.
      type: str
    passed:
      description: Whether nothing was found.
      type: bool
    broken:
      description:
        - Packages whose requirements were provided in the parent, or that are new, and that now
          cannot be installed.
        - The keys of each are C(package), C(requirement) and C(reasons).
      type: list
      elements: dict
    known_broken:
      description: How many more were broken in the parent already.
      type: int
    package_sets:
      description:
        - For each set C(name), C(hosts), C(passed) and C(solved), the packages to C(install),
          C(upgrade), C(downgrade), C(replace) (obsoleted), C(remove) and C(expire) (old kernels).
        - C(download) is in bytes; C(grow) is by how many bytes the file systems fill up, and may be
          negative.
        - C(held) are packages that would be newer without a hold of the snapshot; C(unknown) are in no
          snapshot of the store.
        - C(faults) say why the set did not pass, C(reasons) are what the solver says.
      type: list
      elements: dict
"""

import platform

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._repo import libraries
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import resolve
from ansible_collections.osaas.fleet.plugins.module_utils._repo.check import Checked, check
from ansible_collections.osaas.fleet.plugins.module_utils._repo.package_sets import (
    PackageSet,
    read_package_sets,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verdict import is_news, record_verdict

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "snapshot": {"type": "str", "required": True},
        "package_sets": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "hosts": {"type": "list", "elements": "str", "default": []},
                "packages": {"type": "list", "elements": "str", "required": True},
                "streams": {"type": "list", "elements": "str"},
            },
        },
        "package_sets_file": {"type": "path"},
        "allow_removals": {"type": "list", "elements": "str", "default": []},
        "arch": {"type": "str"},
    }
)


def work(module: AnsibleModule) -> Result:
    """Check, keep the verdict, and fail if it is a bad one."""
    for library in ("createrepo_c", "solv"):
        if getattr(libraries, library) is None:
            module.fail_json(msg=missing_required_lib(library))
    option = module.params
    store = open_store(option["store"])
    manifest = resolve(store, option["snapshot"])
    sets = read_package_sets(option["package_sets"], option["package_sets_file"])
    checked = check(
        store,
        ModuleRunner(module),
        manifest,
        sets,
        arch=option["arch"] or platform.machine(),
        allow_removals=option["allow_removals"],
    )
    changed = is_news(store, checked.verdict)
    if changed and not module.check_mode:
        record_verdict(store, checked.verdict)
    if not checked.verdict.passed:
        raise VerificationError(
            _message(checked, {one.name: one for one in sets}),
            where=manifest.id,
            way_out="Hold the package back, or allow its removal",
            details={"check": checked.to_dict(), "changed": changed},
        )
    return {"changed": changed, "check": checked.to_dict()}


def _message(checked: Checked, sets: dict[str, PackageSet]) -> str:
    """What is wrong, each fault with its chain, and on which hosts."""
    told = [f"{one.package} cannot be installed: {'; '.join(one.reasons)}" for one in checked.broken]
    told += [f"{sets[one.name].told}: {fault}" for one in checked.sets for fault in one.faults]
    return " | ".join(told)


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
