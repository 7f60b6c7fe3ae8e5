#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.rollout_record; what it does stands in the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rollout_record
short_description: Write down in the ledger how a claimed host fares
version_added: "0.1.0"
description:
  - Records the state of a host in a rollout, and renews its claim. A state that ends this run's work on the
    host returns the claim.
  - When a step has failed, O(state=failed) with its kind has the ledger decide, by the policy, whether the
    host is put back, tried again later, or held. RV(host_state) says so.
  - Fails when the claim was taken over by another run, as this run must then leave the host alone.
  - More failed hosts than the error budget halt the rollout.
  - In check mode nothing is written.
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
      - Every record is an event.
options:
  fence:
    description: The RV(osaas.fleet.claim#module:fence) that M(osaas.fleet.claim) has returned.
    type: int
    required: true
  state:
    description:
      - The host's state. From V(draining) on it counts as not serving, from V(activating) on as changed.
      - V(done), V(rolled back) and V(quarantined) are final.
      - V(failed) is none, but says that a step has failed.
    type: str
    required: true
    choices:
      - staged
      - draining
      - activating
      - rebooting
      - verifying
      - rolling back
      - done
      - rolled back
      - quarantined
      - failed
  failure:
    description:
      - Which kind of step failed, with O(state=failed).
      - With V(unreachable) (before anything was done), V(staging) and V(drain) a host that was not changed
        yet is V(held) or, when the policy says so, gets V(retry). One that was changed is V(rolling back).
      - With V(activation) and V(health) it is V(rolling back). After V(activation) it may be tried again once
        it is back.
      - With V(rollback) it is V(quarantined), as only a person can help.
    type: str
    choices: [unreachable, staging, drain, activation, health, rollback]
  reason:
    description: Why a failure happened, in one line.
    type: str
    default: ""
  release:
    description: The release that the host runs now; empty when nobody knows.
    type: str
    default: ""
  digest:
    description: The digest of the host's package set.
    type: str
    default: ""
  baseline:
    description: What health checks saw before the host was touched; given back by later claims.
    type: dict
seealso:
  - module: osaas.fleet.claim
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: The host is well
  osaas.fleet.rollout_record:
    ledger: /var/lib/osaas/ledger.db
    run: "{{ hostvars['localhost'].osaas_run.run }}"
    fence: "{{ osaas_claim.fence }}"
    state: done
    release: 20261122T174400Z
    digest: "{{ osaas_update.package_set_digest }}"

- name: The download failed
  osaas.fleet.rollout_record:
    ledger: /var/lib/osaas/ledger.db
    run: "{{ hostvars['localhost'].osaas_run.run }}"
    fence: "{{ osaas_claim.fence }}"
    state: failed
    failure: staging
    reason: "{{ ansible_failed_result.msg }}"
  register: osaas_failed
"""

RETURN = r"""
---
host_state:
  description: The state that the host is in now. Unless it is V(rolling back), this run leaves it alone.
  type: str
  returned: success
  sample: done
again:
  description: Whether the host is tried again with this release, now or once it is back.
  type: bool
  returned: success
  sample: false
host_reason:
  description: The reason that was recorded.
  type: str
  returned: success
  sample: ""
rollout_state:
  description: The state of the rollout after this record.
  type: str
  returned: success
  sample: running
rollout_reason:
  description: Why the rollout is in that state.
  type: str
  returned: success
  sample: "1 of 6 hosts failed, the error budget is 0"
wave:
  description: The wave that the host is in.
  type: str
  returned: success
  sample: canary
progress:
  description:
    - How far the rollout is. Its C(waves), how many hosts of the fleet are C(unavailable) of at most
      C(max_unavailable), and how many of the rollout have C(failed) of at most C(error_budget).
  type: dict
  returned: success
  sample:
    waves: [{name: canary, hosts: 1, done: 1, failed: 0}, {name: fleet, hosts: 5, done: 0, failed: 0}]
    unavailable: 1
    max_unavailable: 2
    failed: 0
    error_budget: 0
"""
