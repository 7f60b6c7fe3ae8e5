# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What the library needs of its caller: run a command, warn a person. Modules hand in `ModuleRunner`."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import CommandError

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


@dataclass(frozen=True)
class Completed:
    """A command that ended: exit status and its whole output as text."""

    status: int
    stdout: str
    stderr: str


class Runner(t.Protocol):
    """Runs argument lists (never a shell) in the C locale and passes warnings on to a person."""

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run `argv` to its end. Raises CommandError on a status other than 0, unless `check` is false."""

    def warn(self, message: str) -> None:
        """Tell a person something that is no failure."""


class ModuleRunner:
    """The runner inside an Ansible module. Uses of `module` only run_command() and warn()."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """See Runner.run."""
        environment = {"LC_ALL": "C", "LANGUAGE": "C", **(env or {})}
        status, stdout, stderr = self._module.run_command(
            list(argv), data=stdin, binary_data=True, environ_update=environment
        )
        if check and status != 0:
            raise CommandError(argv, status, stdout, stderr)
        return Completed(status, stdout, stderr)

    def warn(self, message: str) -> None:
        """See Runner.warn."""
        self._module.warn(message)
