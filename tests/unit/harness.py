# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module's main() inside the test process, as a host would: arguments in, JSON out."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from ansible.module_utils import basic
from ansible.module_utils.common import warnings as ansible_warnings

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core <= 2.18 has no public way

    @contextmanager
    def patch_module_args(args: dict[str, Any] | None = None) -> Iterator[None]:
        payload = json.dumps({"ANSIBLE_MODULE_ARGS": args or {}}).encode()
        with mock.patch.object(basic, "_ANSIBLE_ARGS", payload):
            yield


MODULES = "ansible_collections.osaas.fleet.plugins.modules"


@dataclass(frozen=True)
class ModuleResult:
    """What a module printed: `data` is the whole JSON object, the other fields are its usual keys."""

    changed: bool
    failed: bool
    msg: str
    data: dict[str, Any]
    warnings: tuple[str, ...]
    deprecations: tuple[str, ...]


class RunModule(Protocol):
    """The `run_module` fixture."""

    def __call__(
        self,
        module: str | Callable[[], None],
        params: Mapping[str, Any],
        *,
        check: bool = False,
        diff: bool = False,
        allow_warnings: bool = False,
    ) -> ModuleResult:
        """Run a main() function, or a module by name (`snapshot`; dotted for one outside the collection).

        A warning or deprecation fails the test unless `allow_warnings` is set.
        """


def run(
    module: str | Callable[[], None], params: Mapping[str, Any], *, check: bool, diff: bool, tmp: Path
) -> ModuleResult:
    """Run `module` with `params`; `tmp` is its remote temporary directory."""
    main = _load(module) if isinstance(module, str) else module
    internal = {
        "_ansible_check_mode": check,
        "_ansible_diff": diff,
        "_ansible_module_name": module if isinstance(module, str) else module.__module__.rpartition(".")[2],
        "_ansible_remote_tmp": str(tmp),
        "_ansible_tmpdir": str(tmp),
    }
    stdout = StringIO()
    with _fresh_warnings(), patch_module_args({**params, **internal}), redirect_stdout(stdout):
        try:
            main()
        except SystemExit as end:
            return _parse(stdout.getvalue(), end.code)
    raise AssertionError("main() returned without exit_json() or fail_json()")


def _load(name: str) -> Callable[[], None]:
    dotted = name if "." in name else f"{MODULES}.{name}"
    main: Callable[[], None] = importlib.import_module(dotted).main
    return main


@contextmanager
def _fresh_warnings() -> Iterator[None]:
    """A module is a process of its own: it starts without warnings, and is never the controller.

    ansible-core keeps both in globals, and turns `is_controller` on once a test imports a controller class
    (2.19 and later), which would send the module's warnings to the screen instead of into its result.
    """
    with ExitStack() as patches:
        for name in ("_global_warnings", "_global_deprecations"):
            empty = type(getattr(ansible_warnings, name))()
            patches.enter_context(mock.patch.object(ansible_warnings, name, empty))
        internal = getattr(ansible_warnings, "_internal", None)
        if internal is not None:
            patches.enter_context(mock.patch.object(internal, "is_controller", False))
        yield


def _parse(stdout: str, exit_code: object) -> ModuleResult:
    data = json.loads(stdout)
    failed = bool(data.get("failed", False))
    assert bool(exit_code) == failed, f"exit code {exit_code} does not agree with failed={failed}: {data}"
    return ModuleResult(
        changed=bool(data.get("changed", False)),
        failed=failed,
        msg=str(data.get("msg", "")),
        data=data,
        warnings=tuple(_text(warning) for warning in data.get("warnings", ())),
        deprecations=tuple(_text(deprecation) for deprecation in data.get("deprecations", ())),
    )


def _text(message: Any) -> str:
    """A warning is a string or, from ansible-core 2.19 on, a structure around one."""
    if isinstance(message, str):
        return message
    event = message.get("event", message)
    return str(event.get("msg", event))
