#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.exemption; the work is done by the action plugin of that name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: exemption
short_description: Keep hosts out of rollouts for a while, or waive their failures
version_added: "0.1.0"
description:
  - A host with an exemption is left out of every rollout until the exemption ends by itself or is taken away;
    then the next run takes it in again. Its wave does not wait for it.
  - A host that is in flight is finished all the same.
  - An exemption waives the failure of a host that has failed. The host is charged to no budget any more, and
    no wave waits for it; the exemption's owner answers for it. A host that was held before it was changed
    comes back when the exemption ends. One that the release has failed stays out of that release's rollout.
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
    description: Names of the hosts, as the ledger knows them.
    type: list
    elements: str
    required: true
  state:
    description: Whether the hosts shall be exempt.
    type: str
    choices: [present, absent]
    default: present
  owner:
    description: Who answers for it. Mandatory with O(state=present).
    type: str
    default: ""
  reason:
    description: Why. Mandatory with O(state=present).
    type: str
    default: ""
  expires:
    description: When it ends, in ISO 8601 (UTC unless it says otherwise). Mandatory with O(state=present).
    type: str
seealso:
  - module: osaas.fleet.host_explain
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: Leave the payroll hosts alone until the year is closed
  osaas.fleet.exemption:
    ledger: /var/lib/osaas/ledger.db
    hosts: [pay-01, pay-02]
    owner: payroll@example.com
    reason: year-end closing
    expires: "2027-01-15"

- name: Answer for a quarantined host, so that it uses up no budget until it is repaired
  osaas.fleet.exemption:
    ledger: /var/lib/osaas/ledger.db
    hosts: [web-07]
    owner: hardware@example.com
    reason: its disk is being replaced
    expires: "2026-12-01"

- name: Let them in again
  osaas.fleet.exemption:
    ledger: /var/lib/osaas/ledger.db
    hosts: [pay-01, pay-02]
    state: absent
"""

RETURN = r"""
---
hosts:
  description: The hosts whose exemption was changed.
  type: list
  elements: str
  returned: success
  sample: [pay-01, pay-02]
"""
