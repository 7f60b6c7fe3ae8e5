#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a package host the program by which it reports of itself."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_report
short_description: Give a package host a program that reports what it runs
version_added: 0.1.0
description:
  - Writes one file, an archive that the host's own Python runs. It finds what M(osaas.fleet.host_info) finds,
    writes a line of it, and with C(--metrics FILE) the figures, for the textfile collector of Prometheus'
    node exporter. Repos that may be enabled beside the pinned ones are its further arguments.
  - The role P(osaas.fleet.package_host#role) has a timer run it.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._patient
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description: Whether the program is there.
    type: str
    choices: [present, absent]
    default: present
  path:
    description: Where the program lies.
    type: path
    default: /usr/local/libexec/osaas/report.pyz
seealso:
  - module: osaas.fleet.host_info
"""

EXAMPLES = r"""
- name: Have the program
  osaas.fleet.host_report:
  register: report

- name: Look at what the host has to say
  ansible.builtin.command:
    argv: "{{ report.command }}"
  changed_when: false
"""

RETURN = r"""
command:
  description: The program, with the Python that has the bindings that it needs.
  returned: success
  type: list
  elements: str
  sample: [/usr/bin/python3, /usr/local/libexec/osaas/report.pyz]
"""

import sys
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._host import report
from ansible_collections.osaas.fleet.plugins.module_utils._host.bundle import program
from ansible_collections.osaas.fleet.plugins.module_utils._host.interpreter import need_bindings
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, run_module

SPEC = ArgumentSpec(
    options={
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "path": {"type": "path", "default": "/usr/local/libexec/osaas/report.pyz"},
        "reconnect_timeout": {"type": "int", "default": 120},
    }
)


def _work(module: AnsibleModule) -> dict[str, t.Any]:
    need_bindings(module, "rpm")
    path = Path(module.params["path"])
    wanted = program(report.__name__) if module.params["state"] == "present" else None
    changed = (path.read_bytes() if path.exists() else None) != wanted
    if changed and not module.check_mode:
        if wanted is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, wanted)
    return {"changed": changed, "command": [sys.executable, str(path)]}


def main() -> None:
    """Run the module."""
    run_module(SPEC, _work)


if __name__ == "__main__":
    main()
