# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What every module on a host has in common: it is patient with a host that cannot be reached."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment osaas.fleet._patient."""

    DOCUMENTATION = r"""
options:
  reconnect_timeout:
    description:
      - Seconds during which a host that cannot be reached is tried again.
      - Then the task fails. It is never C(unreachable), so that C(rescue) sees it and failures are counted.
      - Let SSH notice a dead peer, for example with C(ServerAliveInterval) in C(ansible_ssh_common_args).
    type: int
    default: 120
attributes:
  action:
    description: Has a plugin on the controller, which repeats the module after a dropped connection.
    support: full
"""
