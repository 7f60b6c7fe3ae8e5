#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.rollout_simulate; the work is done by the action plugin of that name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rollout_simulate
short_description: Foretell a rollout, and play it through under a virtual clock
version_added: "0.1.0"
description:
  - Tells, before anything is touched, when a rollout would finish, which hosts would miss the deadline, and
    how many hosts a release that breaks every host could break before the rollout halts.
  - Plays the rollout through with hosts that fail at the rates given. Plan and verdicts are those of a real
    rollout; only the hosts and the time are not real.
  - Nothing is written to the ledger.
extends_documentation_fragment:
  - osaas.fleet._attributes.CONTROLLER
  - osaas.fleet._attributes.ACTION_GROUP
attributes:
  check_mode:
    support: full
    details:
      - O(page) is not written.
  idempotent:
    support: none
    details:
      - The rollout begins now, so that its times differ.
options:
  ledger:
    description: The ledger whose hosts take part, as an absolute path of a SQLite file or a SQLAlchemy URL.
    type: str
  hosts:
    description: Instead of O(ledger), so many hosts that do not exist.
    type: int
  hosts_per_domain:
    description: How many of O(hosts) share a failure domain.
    type: int
    default: 40
  policy:
    description: As for M(osaas.fleet.rollout). Every host takes its C(host_time), give or take 30 percent.
    type: dict
    default: {}
  failure_rates:
    description: Percentages of hosts that fail; each is played through.
    type: list
    elements: float
    default: [0.1, 1.0, 10.0, 100.0]
  lost:
    description: Percentage of the failed hosts that cannot be rolled back and stay unavailable.
    type: float
    default: 10.0
  transient:
    description:
      - Percentage of the failed hosts that fail in staging, before they are changed. They are tried again as
        often as C(retry) of O(policy) says, and may fail again; in the end they are held, and stay charged.
    type: float
    default: 0.0
  seed:
    description: Another number gives another play.
    type: int
    default: 0
  page:
    description: Where to write the outcomes as one HTML page with plots, on the controller.
    type: path
seealso:
  - module: osaas.fleet.rollout
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: What would an ordinary rollout to this fleet come to?
  osaas.fleet.rollout_simulate:
    ledger: /var/lib/osaas/ledger.db
    policy:
      ladder: standard
  register: osaas_simulation

- name: And to a fleet of a hundred thousand?
  osaas.fleet.rollout_simulate:
    hosts: 100000
    policy:
      ladder: rapid
      max_unavailable: 2%
      error_budget: 1%
    page: /var/www/html/rollout.html
"""

RETURN = r"""
---
forecast:
  description:
    - C(finish) and C(deadline) in Unix seconds, the names of the hosts that are C(late), and the
      C(blast_radius) with its C(hosts), C(by_domain) and C(why).
  type: dict
  returned: success
  sample:
    finish: 1764690000.0
    deadline: 1765209600.0
    late: []
    blast_radius: {hosts: 1, by_domain: {rack-1: 1}, why: the smaller of 1 hosts of wave canary and …}
outcomes:
  description:
    - One for each failure rate. C(broken) hosts have failed, C(lost) of them stay charged. C(curve) is a
      list of points, each seconds since the beginning, hosts done, broken, and unavailable.
  type: list
  elements: dict
  returned: success
  sample:
    - failure_rate: 100.0
      state: halted
      reason: 1 of 6 hosts failed, the error budget is 0
      seconds: 912.0
      done: 0
      broken: 1
      lost: 0
      untouched: 5
      late: 0
      peak_unavailable: 1
      peak_unavailable_by_domain: {rack-1: 1, rack-2: 0}
      curve: [[0.0, 0, 0, 0], [912.0, 0, 1, 0]]
summary:
  description: The same, as lines for a person.
  type: list
  elements: str
  returned: success
"""
