#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.release_mark; the work is done by the action plugin of that name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_mark
short_description: Mark a release as bad, as a barrier, or as a dead-end
version_added: "0.1.0"
description:
  - Every claim looks at the marks, so that a mark acts at once, on rollouts that run as well.
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
  release:
    description: Id of a release that the ledger knows.
    type: str
    required: true
  mark:
    description:
      - V(bad) keeps every host from the release.
      - V(barrier) must be visited. A host with an older release is refused every newer one until it runs this
        one.
      - V(dead-end) keeps every host from the release, and those that run it from any other. They are to be
        provisioned anew.
      - V(none) takes the mark away.
    type: str
    choices: [bad, barrier, dead-end, none]
    required: true
  reason:
    description: Why; kept as an event.
    type: str
    required: true
seealso:
  - module: osaas.fleet.rollout
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: No further host gets this one
  osaas.fleet.release_mark:
    ledger: /var/lib/osaas/ledger.db
    release: 20261122T174400Z
    mark: bad
    reason: containers panic the kernel
"""

RETURN = r"""
---
before:
  description:
    - The release that most hosts ran before the newest rollout of O(release), to roll back to; empty when
      nobody knows.
  type: str
  returned: success
  sample: 20261115T174400Z
"""
