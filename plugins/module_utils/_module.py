# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The edge between Ansible and the library: typed argument specs, and where errors are caught."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError


class Option(t.TypedDict, total=False):
    """One option, with the keys that AnsibleModule knows."""

    type: t.Literal["str", "int", "float", "bool", "path", "list", "dict", "raw"]
    elements: t.Literal["str", "int", "float", "path", "dict"]
    required: bool
    default: t.Any
    choices: Sequence[str]
    no_log: bool
    options: Mapping[str, Option]
    required_if: Sequence[tuple[str, str, tuple[str, ...]]]
    required_together: Sequence[Sequence[str]]
    required_one_of: Sequence[Sequence[str]]
    mutually_exclusive: Sequence[Sequence[str]]


Options = Mapping[str, Option]
Result = Mapping[str, t.Any]


@dataclass(frozen=True)
class ArgumentSpec:
    """The options of a module and what ties them together."""

    options: Options
    required_if: Sequence[tuple[str, str, tuple[str, ...]]] = field(default=())
    required_together: Sequence[Sequence[str]] = field(default=())
    required_one_of: Sequence[Sequence[str]] = field(default=())
    mutually_exclusive: Sequence[Sequence[str]] = field(default=())

    def module(self) -> AnsibleModule:
        """An AnsibleModule with these options; every module of the collection supports check mode."""
        return AnsibleModule(
            argument_spec=dict(self.options),
            required_if=list(self.required_if),
            required_together=list(self.required_together),
            required_one_of=list(self.required_one_of),
            mutually_exclusive=list(self.mutually_exclusive),
            supports_check_mode=True,
        )


def run_module(spec: ArgumentSpec, work: Callable[[AnsibleModule], Result]) -> None:
    """Do `work` and leave with its result, or fail with the one line that a FleetError carries."""
    module = spec.module()
    try:
        result = work(module)
    except FleetError as error:
        module.fail_json(msg=str(error), **error.details)
    module.exit_json(**result)
