# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Attributes that every module states; one place for their wording."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments osaas.fleet._attributes and its parts."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what would change without changing it.
  diff_mode:
    description: Returns what changed, or would change, when in diff mode.
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
  platform:
    description: Operating systems that the module or action works on.
    platforms: posix
    support: full
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/osaas.fleet.fleet) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - osaas.fleet.fleet
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what would change without changing it.
    support: full
    details:
      - This action only reads.
  diff_mode:
    description: Returns what changed, or would change, when in diff mode.
    support: N/A
    details:
      - This action changes nothing.
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
    support: full
  platform:
    description: Operating systems that the module or action works on.
    platforms: posix
    support: full
"""

    CONTROLLER = r"""
options: {}
attributes:
  action:
    description: Has a plugin that runs on the controller; no connection to the host is made.
    support: full
  check_mode:
    description: Can run in C(check_mode) and return what would change without changing it.
  diff_mode:
    description: Returns what changed, or would change, when in diff mode.
    support: none
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
  platform:
    description: Operating systems that the module or action works on.
    platforms: posix
    support: full
"""
