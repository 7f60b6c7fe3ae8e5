# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where QEMU is looked for, and how its console is read; real machines boot in the tests of disks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.machine import Said, find_machine
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox
from ansible_collections.osaas.fleet.plugins.module_utils._image.trials.machine import FAILED

NO_RUNNER = cast(Runner, SimpleNamespace())  # these tests run no command
QEMU = "usr/libexec/qemu-kvm"
CODE, VARIABLES = "usr/share/edk2/ovmf/OVMF_CODE.fd", "usr/share/edk2/ovmf/OVMF_VARS.fd"


def put(root: Path, *names: str) -> Sandbox:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return Sandbox(NO_RUNNER, root, 1)


def test_qemu_and_its_firmware_lie_where_their_distribution_has_them(tmp_path: Path) -> None:
    found = find_machine(put(tmp_path, QEMU, CODE, VARIABLES), 512)

    assert (found.qemu, found.code, found.variables, found.memory) == (QEMU, CODE, VARIABLES, 512)


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ((CODE, VARIABLES), "/usr/bin/qemu-system-x86_64"),
        ((QEMU,), "/usr/share/OVMF/OVMF_CODE_4M.fd"),
    ],
)
def test_what_is_missing_is_told(there: tuple[str, ...], missing: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find_machine(put(tmp_path, *there), 512)

    assert str(caught.value) == f"{tmp_path}: there is no {missing}. Install QEMU for x86_64 and OVMF there"


def test_the_last_that_it_said() -> None:
    assert Said("one\n  two \n \n", "late").last == "two"
    assert Said("", "late").last == "nothing"


def test_units_that_failed_are_named() -> None:
    said = (
        "[  OK  ] Reached target basic.target.\n"
        "[FAILED] Failed to start sick.service.\n"
        "[DEPEND] Dependency failed for weak.mount.\n"
        "See 'systemctl status sick.service' for details.\n"
    )

    assert FAILED.findall(said) == ["sick.service", "weak.mount"]
