# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of itself, to a person and to Prometheus."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from ansible_collections.osaas.fleet.plugins.module_utils._host.bundle import program
from ansible_collections.osaas.fleet.plugins.module_utils._host.report import METRICS, figures, sentence

FACTS: dict[str, Any] = {
    "pinned": "20261102T000000Z",
    "running": "20261101T000000Z",
    "package_set_digest": "0123456789abcdef",
    "drift": True,
    "drift_reasons": ["pinned to 20261102T000000Z, runs 20261101T000000Z"],
    "package_changes": [{}, {}],
    "reboot_required": True,
    "reboot_reasons": ["systemd was updated since the boot"],
    "services_to_restart": [],
    "failed_units": ["beacon.service"],
    "updaters": ["dnf-automatic.timer"],
    "bad_releases": [],
}


def test_a_line_for_a_person() -> None:
    assert sentence(FACTS) == (
        "pinned to 20261102T000000Z; runs 20261101T000000Z; package set 0123456789ab; "
        "pinned to 20261102T000000Z, runs 20261101T000000Z; "
        "must be rebooted: systemd was updated since the boot; "
        "beacon.service has failed; dnf-automatic.timer may update it too"
    )


def test_a_host_without_a_pin() -> None:
    bare = {name: [] if isinstance(value, list) else value for name, value in FACTS.items()}
    bare.update(pinned=None, running=None)
    assert sentence(bare) == "not pinned; runs no release; package set 0123456789ab"
    info = 'osaas_host_info{pinned="",running="",package_set_digest="0123456789abcdef"} 1'
    assert info in figures(bare, 0.0).splitlines()


def test_figures() -> None:
    lines = figures(FACTS, 1794441600.9).splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["osaas_host_report_timestamp_seconds"] == "1794441600"
    assert (values["osaas_host_drift"], values["osaas_host_package_changes"]) == ("1", "2")
    assert (values["osaas_host_failed_units"], values["osaas_host_services_to_restart"]) == ("1", "0")
    assert len(lines) == 3 * (len(METRICS) + 2) == 3 * len(values)


def test_the_program_has_the_same_bytes_each_time() -> None:
    name = "ansible_collections.osaas.fleet.plugins.module_utils._host.report"
    assert program(name) == program(name)
    archive = zipfile.ZipFile(io.BytesIO(program(name)))
    assert archive.read("__main__.py").decode() == f"from {name} import main\n\nmain()\n"
