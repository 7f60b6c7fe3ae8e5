# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Go on under the interpreter that has the bindings of the host's package manager, if this one has not."""

from __future__ import annotations

import importlib.util

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module

_SYSTEM_PYTHONS = ("/usr/libexec/platform-python", "/usr/bin/python3")


def need_bindings(module: AnsibleModule, name: str) -> None:
    """Return if `name` can be imported here; else start the module anew where it can, or fail."""
    if importlib.util.find_spec(name) is not None:
        return
    if not has_respawned():
        interpreter = probe_interpreters_for_module(_SYSTEM_PYTHONS, name)
        if interpreter:
            respawn_module(interpreter)  # does not return
    module.fail_json(msg=missing_required_lib(name, reason=f"from the host's own package python3-{name}"))
