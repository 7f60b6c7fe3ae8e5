#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.rollout_info; what it does stands in the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rollout_info
short_description: Tell where a rollout and its hosts stand
version_added: "0.1.0"
description:
  - Reads a rollout and the state of each of its hosts from the ledger, as data and as a table for a
    person.
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
  rollout:
    description: The number of the rollout; the newest by default.
    type: int
seealso:
  - module: osaas.fleet.rollout
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: Look at the newest rollout
  osaas.fleet.rollout_info:
    ledger: /var/lib/osaas/ledger.db
  register: osaas_status

- name: Show it
  ansible.builtin.debug:
    msg: "{{ osaas_status.summary }}"
"""

RETURN = r"""
---
rollout:
  description:
    - The rollout, with C(hosts) in the order of the plan, C(counts) of hosts by state, the newest answers
      of its C(gates), and C(next), as M(osaas.fleet.rollout) tells it.
  type: dict
  returned: success
  sample:
    id: 3
    release: 20261122T174400Z
    state: succeeded
    reason: ""
    counts: {done: 1}
    next: {when: over, at: 0.0, reason: the rollout is succeeded}
    gates:
      - wave: canary
        gate: few errors
        outcome: passed
        reason: 2 samples < 0.01
        waived: false
        asked: 1795435200.0
    hosts:
      - host: web-01
        domain: rack-1
        wave: canary
        state: done
        reason: ""
        attempt: 1
        from_release: 20261108T174400Z
        release: 20261122T174400Z
        digest: 9f86d081884c7d65
        unavailable_seconds: 12.5
summary:
  description: The same as lines for a person.
  type: list
  elements: str
  returned: success
"""
