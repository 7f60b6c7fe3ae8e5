#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.enrol; what it does stands in the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: enrol
short_description: Copy hosts of the inventory into the ledger
version_added: "0.1.0"
description:
  - Makes the ledger know hosts, their labels and their failure domains, from whatever inventory is in
    use.
  - Hosts that the ledger knows already are brought up to date; no host is ever removed.
extends_documentation_fragment:
  - osaas.fleet._attributes.CONTROLLER
  - osaas.fleet._attributes.ACTION_GROUP
  - osaas.fleet._ledger
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
options:
  hosts:
    description: Names of the hosts to enrol. An empty list is refused; it never means all hosts.
    type: list
    elements: str
    required: true
  domain:
    description:
      - Name of the inventory variable that holds a host's failure domain, for example its rack.
      - A host without it is refused, as no budget could protect its neighbours.
    type: str
    required: true
  labels:
    description: Names of inventory variables to keep as labels. Policies select hosts by them.
    type: list
    elements: str
    default: []
  facts:
    description:
      - Name of the variable in which the result of M(osaas.fleet.host_info) was registered for each
        host.
      - Where it is set, machine id, running release, digest of the package set and module streams are
        enrolled too.
    type: str
    default: osaas_host
seealso:
  - module: osaas.fleet.host_info
  - module: osaas.fleet.rollout
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: Enrol all web servers
  osaas.fleet.enrol:
    ledger: /var/lib/osaas/ledger.db
    hosts: "{{ groups['web'] }}"
    domain: rack
    labels: [canary]
"""

RETURN = r"""
---
added:
  description: Hosts that are new in the ledger.
  type: list
  elements: str
  returned: success
  sample: [web-01]
updated:
  description: Hosts whose entry has changed.
  type: list
  elements: str
  returned: success
  sample: []
"""
