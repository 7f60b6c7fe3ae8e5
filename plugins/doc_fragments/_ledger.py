# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Options of every action that works on the ledger."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments osaas.fleet._ledger and osaas.fleet._ledger.run."""

    DOCUMENTATION = r"""
options:
  ledger:
    description:
      - The ledger, as an absolute path of a SQLite file on the controller, or as a SQLAlchemy URL
        such as V(postgresql+psycopg://db.example.com/osaas).
      - A SQLite file is made when it is not there.
    type: str
    required: true
"""

    RUN = r"""
options:
  run:
    description: The RV(osaas.fleet.rollout#module:run) that M(osaas.fleet.rollout) has returned.
    type: dict
    required: true
    suboptions:
      rollout:
        description: The number of the rollout.
        type: int
        required: true
      plan_hash:
        description: The plan that this run works by.
        type: str
        required: true
      owner:
        description: The run itself; claims belong to it.
        type: str
        required: true
"""
