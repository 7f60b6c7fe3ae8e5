#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell two snapshots apart."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot_diff
short_description: Tell what changed between two snapshots
version_added: 0.1.0
description:
  - Returns packages that were added, removed, upgraded and downgraded, by name and architecture
    and the newest build on each side, and the advisories and CVEs that were gained.
  - Writes it as one page for a person, if asked for.
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
    support: none
  idempotent:
    support: full
requirements:
  - createrepo_c
  - solv (the bindings of libsolv), for O(package_sets_file)
options:
  before:
    description: Id of the older snapshot, or a channel. The parent of O(after) by default.
    type: str
  after:
    description: Id of the newer snapshot, or a channel.
    type: str
    required: true
  package_sets_file:
    description:
      - A JSON file of package sets, as M(osaas.fleet.snapshot_check) reads it.
      - For each the distro-sync to O(after) is solved, and the bytes that it downloads are returned.
    type: path
  report:
    description: Write the page, in HTML, to this file.
    type: path
  arch:
    description:
      - Architecture of package sets whose packages are all noarch.
      - By default that of the machine that the module runs on.
    type: str
seealso:
  - module: osaas.fleet.snapshot_check
"""

EXAMPLES = r"""
- name: Show what testing has over stable
  osaas.fleet.snapshot_diff:
    store: /srv/osaas
    before: stable
    after: testing
    report: /srv/www/testing.html
"""

RETURN = r"""
before:
  description: Id of the older snapshot.
  returned: success
  type: str
after:
  description: Id of the newer snapshot.
  returned: success
  type: str
difference:
  description: What changed.
  returned: success
  type: dict
  contains:
    added:
      description:
        - Packages, each with C(name), C(arch), C(old) and C(new) version, and C(bytes) of the new one.
      type: list
      elements: dict
    removed:
      description: The same for those that are gone.
      type: list
      elements: dict
    upgraded:
      description: The same for those that are newer.
      type: list
      elements: dict
    downgraded:
      description: The same for those that are older.
      type: list
      elements: dict
    advisories:
      description: Those gained, each with C(id), C(kind), C(severity), C(title) and C(cves).
      type: list
      elements: dict
    cves:
      description: The CVEs that they name.
      type: list
      elements: str
downloads:
  description: Bytes to download, by package set; V(null) if there is no way to update it.
  returned: success
  type: dict
"""

import platform
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._repo import libraries
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import resolve
from ansible_collections.osaas.fleet.plugins.module_utils._repo.check import trees
from ansible_collections.osaas.fleet.plugins.module_utils._repo.diff import (
    difference,
    read_advisories,
    read_tree_packages,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.diff_page import page
from ansible_collections.osaas.fleet.plugins.module_utils._repo.downloads import downloads
from ansible_collections.osaas.fleet.plugins.module_utils._repo.package_sets import read_package_sets
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "before": {"type": "str"},
        "after": {"type": "str", "required": True},
        "package_sets_file": {"type": "path"},
        "arch": {"type": "str"},
        "report": {"type": "path"},
    }
)


def work(module: AnsibleModule) -> Result:
    """Compare, and write the page."""
    option, runner = module.params, ModuleRunner(module)
    for library in ("createrepo_c", "solv") if option["package_sets_file"] else ("createrepo_c",):
        if getattr(libraries, library) is None:
            module.fail_json(msg=missing_required_lib(library))
    store = open_store(option["store"])
    after = resolve(store, option["after"])
    name = option["before"] or after.parent
    if name is None:
        raise InputError("it has no parent to compare it with", where=after.id, way_out="Give before")
    before = resolve(store, name)
    was, now = trees(store, before), trees(store, after)
    old, new = read_tree_packages(runner, was), read_tree_packages(runner, now)
    known, told = read_advisories(runner, was), read_advisories(runner, now)
    found = difference(old, new, known, told)
    sets = read_package_sets([], option["package_sets_file"])
    sizes = downloads(runner, was, now, sets, arch=option["arch"] or platform.machine())
    changed = False
    if option["report"]:
        path, content = Path(option["report"]), page(before.id, after.id, found, sizes).encode()
        changed = not path.is_file() or path.read_bytes() != content
        if changed and not module.check_mode:
            write_atomic(path, content)
    return {
        "changed": changed,
        "before": before.id,
        "after": after.id,
        "difference": found.to_dict(),
        "downloads": sizes,
    }


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
