# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The options of a check, alike in health_check and in a host's own config."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._host.health.check import Check
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.checks import KINDS, default_name

if t.TYPE_CHECKING:  # a host's own program has no Ansible
    from ansible_collections.osaas.fleet.plugins.module_utils._module import Option

CHECK: dict[str, Option] = {
    "kind": {"type": "str", "choices": list(KINDS), "required": True},
    "name": {"type": "str"},
    "unit": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "url": {"type": "str"},
    "status": {"type": "int", "default": 200},
    "headers": {"type": "dict"},
    "contains": {"type": "str"},
    "jmespath": {"type": "str"},
    "argv": {"type": "list", "elements": "str"},
    "path": {"type": "str"},
    "minimum": {"type": "str"},
    "release": {"type": "str"},
    "maximum": {"type": "float"},
    "matching": {"type": "str"},
    "severity": {"type": "str", "choices": ["failure", "warning"], "default": "failure"},
    "retries": {"type": "int", "default": 0},
    "delay": {"type": "float", "default": 1},
    "timeout": {"type": "float", "default": 10},
}
NEEDS = (
    ("kind", "unit", ("unit",)),
    ("kind", "tcp", ("port",)),
    ("kind", "outbound", ("host", "port")),
    ("kind", "http", ("url",)),
    ("kind", "dns", ("host",)),
    ("kind", "command", ("argv",)),
    ("kind", "file", ("path",)),
    ("kind", "free_space", ("minimum",)),
    ("kind", "load", ("maximum",)),
)
# What a check means that does not say; None stands for "not given", so that NEEDS can ask for it.
_DEFAULTS: Mapping[str, Mapping[str, t.Any]] = {
    "tcp": {"host": "localhost"},
    "free_space": {"path": "/"},
    "mount": {"path": "/"},
    "clock": {"maximum": 60.0},
}


def check_of(given: Mapping[str, t.Any]) -> Check:
    """The check that these options, of which only those that differ need be there, describe."""
    kind = given["kind"]
    options: dict[str, t.Any] = {name: option.get("default") for name, option in CHECK.items()} | dict(given)
    for name, value in _DEFAULTS.get(kind, {}).items():
        options[name] = value if options[name] is None else options[name]
    return Check(
        name=options["name"] or default_name(kind, options),
        kind=kind,
        options=options,
        retries=options["retries"],
        delay=options["delay"],
        timeout=options["timeout"],
        severity=options["severity"],
    )
