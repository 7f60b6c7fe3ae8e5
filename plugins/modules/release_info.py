#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.release_info; what it does stands in the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_info
short_description: Tell which releases the fleet still needs
version_added: "0.1.0"
description:
  - Reads from the ledger which releases hosts run, may go back to, or are being moved to.
  - These must not be pruned. A ledger that knows no host cannot tell, and fails.
extends_documentation_fragment:
  - osaas.fleet._attributes.CONTROLLER
  - osaas.fleet._attributes.ACTION_GROUP
  - osaas.fleet._ledger
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: osaas.fleet.store_prune
  - module: osaas.fleet.rollout_info
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: Ask which releases hosts need
  osaas.fleet.release_info:
    ledger: /var/lib/osaas/ledger.db
  register: osaas_needed

- name: Keep them
  osaas.fleet.store_prune:
    store: /srv/osaas
    keep: "{{ osaas_needed.releases | map(attribute='id') }}"
"""

RETURN = r"""
---
releases:
  description: The releases, by id.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Id of the release.
      type: str
      sample: 20261122T174400Z
    kind:
      description: What it is, for example V(snapshot); empty if no rollout ever named it.
      type: str
    running:
      description: How many hosts run it.
      type: int
    previous:
      description: How many hosts ran it before, and may go back to it.
      type: int
    rollouts:
      description: Numbers of the rollouts to it that are unfinished, or have hosts half way.
      type: list
      elements: int
"""
