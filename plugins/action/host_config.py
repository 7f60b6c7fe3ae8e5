# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of osaas.fleet.host_config: a config that breaks a rule never gets to a host, nor does a secret."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._host.config import check_config, masked
from ansible_collections.osaas.fleet.plugins.plugin_utils._patient import PatientAction


class ActionModule(PatientAction):
    """Runs the module host_config."""

    def module_args(self) -> dict[str, t.Any]:
        """See PatientAction.module_args; what hides root's password hash from hosts' logs."""
        args = super().module_args()
        config = args.get("config", {})
        try:
            check_config(config)
        except FleetError as error:
            raise AnsibleActionFail(str(error)) from error
        return args | {"config": masked(config)}
