#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.host_explain; the work is done by the action plugin of that name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_explain
short_description: Tell why a host is where it is
version_added: "0.1.0"
description:
  - Says what a host runs, its place in the newest rollout, what a claim of it would be told right now, and
    what has happened to it.
extends_documentation_fragment:
  - osaas.fleet._attributes.INFO
  - osaas.fleet._attributes.ACTION_GROUP
  - osaas.fleet._ledger
attributes:
  action:
    description: Has a plugin that runs on the controller; no connection to the host is made.
    support: full
options:
  host:
    description: Name of the host, as the ledger knows it.
    type: str
    required: true
seealso:
  - module: osaas.fleet.rollout_info
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: Why has web-03 not been updated?
  osaas.fleet.host_explain:
    ledger: /var/lib/osaas/ledger.db
    host: web-03
  register: osaas_explained
"""

RETURN = r"""
---
explanation:
  description:
    - The host's C(domain), C(labels), C(release), why it is C(unavailable) and its C(exemption), both empty
      when it is not.
    - C(rollout) has its wave, state and reason, what failed last and how often it was tried again, the newest
      answers of the rollout's C(gates), and in C(next) what a claim would be told now.
    - C(events) are its newest, oldest first, each with its inputs.
  type: dict
  returned: success
summary:
  description: The same, as lines for a person.
  type: list
  elements: str
  returned: success
  sample:
    - web-03 of rack-1 runs 20261108T174400Z, serving
    - Rollout 3 of release 20261122T174400Z is running; in wave fleet, cohort 4711, the host is eligible.
    - "Next: it waits: wave canary is not through, 1 of 1 hosts are left"
"""
