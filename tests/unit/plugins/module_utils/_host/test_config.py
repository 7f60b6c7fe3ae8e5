# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The config of a host: which ones are refused and with what words, and when which tier may change."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text
from ansible_collections.osaas.fleet.plugins.module_utils._host.config import (
    check_config,
    read_config,
    refuse_changes,
    write_config,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.config_schema import config_schema

ROOT = Path(__file__).parents[5]
SERVICE = {"name": "beacon", "release": "beacon-20261122T174400Z", "digest": "0" * 64}
GOOD: dict[str, Any] = {
    "provisioning": {
        "hostname": "web-01.example.com",
        "machine_id": "0123456789abcdef0123456789abcdef",
        "network": {
            "interfaces": [
                {"name": "en*", "dhcp": True},
                {"mac": "52:54:00:12:34:56", "addresses": ["192.0.2.7/24"], "gateway": "192.0.2.1"},
            ],
            "dns": ["192.0.2.53", "2001:db8::53"],
            "search": ["example.com"],
        },
        "root": {"password_hash": "$y$j9T$abc$def", "authorized_keys": ["ssh-ed25519 AAAA me"]},
        "disk": {"size_mib": 4096},
        "time_zone": "Europe/Berlin",
    },
    "boot": {"image": "web", "kernel_arguments": ["quiet", "console=ttyS0"], "tries": 3, "keep": 2},
    "runtime": {
        "health_checks": [{"kind": "units"}, {"kind": "load", "maximum": 1.5, "retries": 3}],
        "services": [SERVICE],
    },
}
HOSTNAME = config_schema()["properties"]["provisioning"]["properties"]["hostname"]["pattern"]
BAD: list[tuple[str, Any, str]] = [
    ("boot", [], "config.boot: must be a dictionary, not []"),
    ("boot.tries", "3", 'config.boot.tries: must be a whole number, not "3"'),
    ("boot.tries", True, "config.boot.tries: must be a whole number, not true"),
    ("boot.keep", 1, "config.boot.keep: must be 2 or more, not 1"),
    (
        "boot.cmdline",
        "quiet",
        "config.boot.cmdline: is not known. There are image, keep, kernel_arguments, tries",
    ),
    (
        "boot.kernel_arguments.0",
        "a b",
        'config.boot.kernel_arguments[0]: "a b" does not match ^[!-~]+$. '
        "One argument of the kernel, without blanks",
    ),
    (
        "provisioning.hostname",
        "web_01\n",
        rf'config.provisioning.hostname: "web_01\n" does not match {HOSTNAME}. '
        "A host name in small letters, for example web-01.example.com",
    ),
    (
        "provisioning.hostname",
        "w" * 300,
        "config.provisioning.hostname: has 300 characters, 253 are allowed",
    ),
    ("provisioning.hostname", None, "config.provisioning.hostname: must be text, not null"),
    (
        "provisioning.root.password_hash",
        "secret",
        r"config.provisioning.root.password_hash: what is given does not match ^(\$[^:\s]+|[!*])$. "
        "A hash as crypt(5) has it, or ! for none",
    ),
    (
        "provisioning.network.interfaces.0.mac",
        "52:54:00:12:34:56",
        "config.provisioning.network.interfaces[0]: needs exactly one of name and mac",
    ),
    (
        "runtime.health_checks.0",
        {},
        "config.runtime.health_checks[0].kind: is missing",
    ),
    (
        "runtime.health_checks.0",
        {"kind": "outbound", "host": "a"},
        "config.runtime.health_checks[0].port: is missing, which kind outbound needs",
    ),
    (
        "runtime.health_checks.0.severity",
        "fatal",
        'config.runtime.health_checks[0].severity: "fatal" is not one of failure, warning',
    ),
    (
        "runtime.services.0.release",
        "stable",
        'config.runtime.services[0].release: "stable" does not match '
        "^[A-Za-z0-9][A-Za-z0-9._-]*-[0-9]{8}T[0-9]{6}Z$. "
        "Id of the published image, like beacon-20261122T174400Z, never a channel",
    ),
]


def put(config: Any, path: str, value: Any) -> None:
    """Set a field of a config."""
    *way, last = path.split(".")
    for step in way:
        config = config[int(step) if step.isdigit() else step]
    config[int(last) if last.isdigit() else last] = value


def refusal(config: Any) -> str:
    with pytest.raises(FleetError) as caught:
        check_config(config)
    return str(caught.value)


def test_the_schema_is_published() -> None:
    assert (ROOT / "docs/host-config.schema.json").read_text() == json_text(config_schema())


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_what_breaks_a_rule_is_refused_by_field(path: str, value: Any, message: str) -> None:
    check_config(GOOD)
    check_config({})
    config = copy.deepcopy(GOOD)
    put(config, path, value)
    assert refusal(config) == message


def test_the_standard_agrees() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="hosts have none")
    standard = jsonschema.Draft202012Validator(json.loads(json.dumps(config_schema())))
    standard.check_schema(standard.schema)
    assert standard.is_valid(GOOD) and standard.is_valid({})
    for path, value, _message in BAD:
        config = copy.deepcopy(GOOD)
        put(config, path, value)
        assert not standard.is_valid(config), path


def test_every_fault_is_told_at_once() -> None:
    assert refusal({"boot": {"tries": 0}, "runtime": {"services": [{"name": "a", "release": "a"}]}}) == (
        "config.boot.tries: must be 1 or more, not 0; "
        "config.runtime.services[0].digest: is missing; "
        'config.runtime.services[0].release: "a" does not match '
        "^[A-Za-z0-9][A-Za-z0-9._-]*-[0-9]{8}T[0-9]{6}Z$. "
        "Id of the published image, like beacon-20261122T174400Z, never a channel"
    )


def test_a_service_is_there_once() -> None:
    twice = {"runtime": {"services": [SERVICE, {**SERVICE, "digest": "1" * 64}]}}
    assert refusal(twice) == "config.runtime.services: beacon is there twice"


def test_each_tier_lies_in_a_file_of_its_own(tmp_path: Path) -> None:
    assert read_config(tmp_path / "config") == {}
    assert write_config(tmp_path / "config", GOOD)
    assert not write_config(tmp_path / "config", GOOD)
    assert read_config(tmp_path / "config") == GOOD
    assert (tmp_path / "config/provisioning.json").stat().st_mode & 0o777 == 0o600
    assert write_config(tmp_path / "config", {"boot": {"image": "db"}})
    assert read_config(tmp_path / "config") == {**GOOD, "boot": {"image": "db"}}


def test_tiers_that_may_not_change_are_told_by_field() -> None:
    after = copy.deepcopy(GOOD)
    after["provisioning"]["hostname"] = "web-02"
    after["provisioning"]["network"]["dns"].append("192.0.2.54")
    after["boot"]["tries"] = 2
    after["runtime"]["services"] = []
    with pytest.raises(FleetError) as caught:
        refuse_changes(GOOD, after, ["runtime", "provisioning"])
    assert str(caught.value) == (
        "provisioning.hostname, provisioning.network.dns: may not change now. "
        "Provision the host anew, by osaas.fleet.provision, or leave the field as it is; "
        "boot.tries: may not change now. "
        "Allow changes of boot, which take effect with the next deployment, or leave the field as it is"
    )
    after["provisioning"] = GOOD["provisioning"]
    refuse_changes(GOOD, after, ["runtime", "boot"])
    del after["provisioning"], after["boot"]
    refuse_changes(GOOD, after, ["runtime"])
