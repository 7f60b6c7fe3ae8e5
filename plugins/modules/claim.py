#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.claim; what it does stands in the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: claim
short_description: Take a lease on one unit of disruption budget before a host is touched
version_added: "0.1.0"
description:
  - The first task of every host in a rollout. One atomic step in the ledger decides anew, whatever was
    planned, whether the host may be touched now. The rollout must be running and the plan unchanged, the
    release unmarked, the wave open, and the error budget, the disruption budgets of fleet and failure
    domain must hold, counting everything that is unavailable for any reason.
  - A host that waits for the gates of the wave before has them asked, once a minute at most.
  - A host that an earlier run has left in flight is granted, so that it can be finished.
  - The claim is returned by M(osaas.fleet.rollout_record) with a final state, or it expires and the host
    counts as unreachable.
  - In check mode no claim is granted.
extends_documentation_fragment:
  - osaas.fleet._attributes.CONTROLLER
  - osaas.fleet._attributes.ACTION_GROUP
  - osaas.fleet._ledger
  - osaas.fleet._ledger.run
attributes:
  check_mode:
    support: full
  idempotent:
    support: none
    details:
      - Every granted claim is a new attempt.
options:
  wait:
    description:
      - How many seconds to wait for a budget or a soaking wave before giving up.
      - A refusal that waiting cannot change is told at once.
    type: float
    default: 900.0
  gate_headers:
    description:
      - HTTP headers for the gates of the policy, by a gate's name. What is secret about a gate belongs here,
        as a policy is kept in the ledger and shown to everyone.
    type: dict
    default: {}
seealso:
  - module: osaas.fleet.rollout
  - module: osaas.fleet.rollout_record
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: Claim the host
  osaas.fleet.claim:
    ledger: /var/lib/osaas/ledger.db
    run: "{{ hostvars['localhost'].osaas_run.run }}"
  register: osaas_claim

- name: Leave the host alone unless it was granted
  ansible.builtin.meta: end_host
  when: not osaas_claim.granted
"""

RETURN = r"""
---
granted:
  description: Whether the host may be touched.
  type: bool
  returned: success
reason:
  description: Why it may not.
  type: str
  returned: success
  sample: "wave canary is not through, 1 of 1 hosts are left"
again:
  description: Whether another try may be granted later.
  type: bool
  returned: success
fence:
  description: Proof of this claim, for M(osaas.fleet.rollout_record).
  type: int
  returned: success
  sample: 1
attempt:
  description: How often this host has been claimed in this rollout.
  type: int
  returned: success
  sample: 1
from_release:
  description: The release that the host had when the rollout was opened.
  type: str
  returned: success
  sample: 20261108T174400Z
baseline:
  description: What health checks saw before the host was first touched in this rollout, if that is known.
  type: dict
  returned: success
touched:
  description: Whether a run before has begun to change the host, and did not put it back.
  type: bool
  returned: success
  sample: false
"""
