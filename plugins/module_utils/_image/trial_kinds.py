# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Every kind of test; see kinds.py."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Trial
from ansible_collections.osaas.fleet.plugins.module_utils._image.trials import (
    boot,
    command,
    golden,
    integrity,
    machine,
    packages,
    testinfra,
    units,
)

TRIAL_MODULES = (boot, command, golden, integrity, machine, packages, testinfra, units)
TRIAL_KINDS = Trial.kinds
