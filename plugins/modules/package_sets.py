#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.package_sets; what it does stands in the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: package_sets
short_description: Tell what hosts have installed, and keep it in the ledger
version_added: "0.1.0"
description:
  - Returns every distinct set of installed packages, as M(osaas.fleet.snapshot_check) takes them, and
    the hosts of which nobody knows it, so that one of each kind can be asked.
  - What hosts have told is kept in the ledger, once for all hosts with the same package-set digest, until
    no host of the ledger has that digest any more.
  - A recorded set that does not have its digest is an error; it was changed by somebody.
extends_documentation_fragment:
  - osaas.fleet._attributes.CONTROLLER
  - osaas.fleet._attributes.ACTION_GROUP
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
options:
  ledger:
    description:
      - The ledger, as an absolute path of a SQLite file on the controller, or as a SQLAlchemy URL
        such as V(postgresql+psycopg://db.example.com/osaas).
      - A SQLite file is made when it is not there.
      - Without it, only what O(told) says is known. It is not opened where O(hosts) and O(told) are empty.
    type: str
  hosts:
    description: The hosts in question. By default all of the ledger, and those of O(told).
    type: list
    elements: str
  told:
    description:
      - What hosts have just told of themselves; it is newer than what the ledger knows of them.
      - Only what hosts of the ledger have told is kept there. A host that a run has claimed is left to it.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Name of the host.
        type: str
        required: true
      digest:
        description: Its C(package_set_digest) of M(osaas.fleet.host_info).
        type: str
        required: true
      streams:
        description: Its C(module_streams) of M(osaas.fleet.host_info).
        type: list
        elements: str
        required: true
      packages:
        description:
          - Its installed packages, each as C(name-epoch:version-release.arch).
          - Of hosts with the same digest, one is enough.
        type: list
        elements: str
seealso:
  - module: osaas.fleet.snapshot_check
  - module: osaas.fleet.host_info
  - module: osaas.fleet.enrol
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: See which package sets the ledger knows
  osaas.fleet.package_sets:
    ledger: /var/lib/osaas/ledger.db
  register: osaas_known

- name: Check the newest snapshot against them
  osaas.fleet.snapshot_check:
    store: /srv/osaas
    snapshot: untested
    package_sets: "{{ osaas_known.package_sets }}"

- name: Keep what a host has told
  osaas.fleet.package_sets:
    ledger: /var/lib/osaas/ledger.db
    told:
      - host: web-01
        digest: "{{ hostvars['web-01'].osaas_host.host.package_set_digest }}"
        streams: "{{ hostvars['web-01'].osaas_host.host.module_streams }}"
        packages: "{{ hostvars['web-01'].osaas_packages.stdout_lines }}"
"""

RETURN = r"""
---
package_sets:
  description: The distinct sets that are known, by name.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The beginning of the digest, and the module streams.
      type: str
      sample: 3f5a1c0d9e2b nodejs:18
    hosts:
      description: The hosts that have exactly these packages and module streams.
      type: list
      elements: str
    packages:
      description: The packages, each as C(name-epoch:version-release.arch).
      type: list
      elements: str
    streams:
      description: Module streams that are enabled, and modules that are disabled; V(null) if nobody knows.
      type: list
      elements: str
unknown:
  description: The hosts of which nobody knows what they have installed.
  type: list
  elements: str
  returned: success
  sample: [web-01, web-02]
ask:
  description: Of RV(unknown), one host for each digest, and every host without one.
  type: list
  elements: str
  returned: success
  sample: [web-01]
"""
