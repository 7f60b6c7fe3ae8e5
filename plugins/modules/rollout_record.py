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
  - Records the state of a host in a rollout, and renews its claim. A final state returns the claim.
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
      - The host's state. From V(activating) on it counts as not serving.
      - V(done), V(rolled back) and V(quarantined) are final.
    type: str
    required: true
    choices: [staged, activating, rebooting, verifying, rolling back, done, rolled back, quarantined]
  reason:
    description: Why a failure happened, in one line.
    type: str
    default: ""
  release:
    description: The release that the host runs now.
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
"""

RETURN = r"""
---
host_state:
  description: The state that was recorded.
  type: str
  returned: success
  sample: done
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
"""
