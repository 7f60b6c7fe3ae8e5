# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of deployment: patience with a host that cannot be reached."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.plugin_utils._patient import PatientAction


class ActionModule(PatientAction):
    """Runs the module deployment."""
