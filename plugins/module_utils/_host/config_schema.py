# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The JSON Schema (Draft 2020-12) of a host's config; docs/host-config.schema.json is made of it."""

from __future__ import annotations

import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._host.health.options import CHECK, NEEDS

Schema = dict[str, t.Any]

_TYPES: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "dict": {"type": "object"},
    "list": {"type": "array", "items": {"type": "string"}},
}
_MINIMA = {"port": 1, "retries": 0, "delay": 0, "timeout": 0}
# What a controller judges; a host by itself has no jmespath.
_NOT_ON_HOSTS = ("jmespath",)

_HOSTNAME: Schema = {
    "type": "string",
    "pattern": r"^[a-z0-9]([a-z0-9-]{0,62}\.?)*$",
    "maxLength": 253,
    "description": "A host name in small letters, for example web-01.example.com.",
}
_ADDRESS: Schema = {
    "type": "string",
    "pattern": r"^[0-9A-Fa-f:.]+$",
    "description": "An IPv4 or IPv6 address.",
}
_INTERFACE: Schema = {
    "type": "object",
    "description": "One interface, known by its name or its MAC address.",
    "properties": {
        "name": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.*-]{0,15}$",
            "description": "Name, or a pattern such as en*.",
        },
        "mac": {
            "type": "string",
            "pattern": r"^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$",
            "description": "MAC address, for example 52:54:00:12:34:56.",
        },
        "dhcp": {"type": "boolean", "description": "Whether it asks for an address."},
        "addresses": {
            "type": "array",
            "items": {
                "type": "string",
                "pattern": r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$",
                "description": "An address with the length of its prefix, for example 192.0.2.7/24.",
            },
        },
        "gateway": _ADDRESS,
    },
    "oneOf": [{"required": ["name"]}, {"required": ["mac"]}],
    "additionalProperties": False,
}
_PROVISIONING: Schema = {
    "type": "object",
    "description": "What a host is; it can change only by provisioning the host anew.",
    "properties": {
        "hostname": _HOSTNAME,
        "machine_id": {
            "type": "string",
            "pattern": r"^[0-9a-f]{32}$",
            "description": "32 hexadecimal digits; made up when the host is provisioned, if there are none.",
        },
        "network": {
            "type": "object",
            "properties": {
                "interfaces": {"type": "array", "items": _INTERFACE},
                "dns": {"type": "array", "items": _ADDRESS},
                "search": {"type": "array", "items": _HOSTNAME},
            },
            "additionalProperties": False,
        },
        "root": {
            "type": "object",
            "properties": {
                "password_hash": {
                    "type": "string",
                    "pattern": r"^(\$[^:\s]+|[!*])$",
                    "writeOnly": True,
                    "description": "A hash as crypt(5) has it, or ! for none.",
                },
                "authorized_keys": {
                    "type": "array",
                    "items": {"type": "string", "pattern": r"^[^\n]+$", "description": "One public key."},
                },
            },
            "additionalProperties": False,
        },
        "disk": {
            "type": "object",
            "properties": {"size_mib": {"type": "integer", "minimum": 1}},
            "additionalProperties": False,
        },
        "time_zone": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
            "description": "A name of the time zone database, for example Europe/Berlin.",
        },
    },
    "required": ["hostname"],
    "additionalProperties": False,
}
_BOOT: Schema = {
    "type": "object",
    "description": "What the host boots; a change takes effect with the next deployment that is committed.",
    "properties": {
        "image": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
            "description": "Name of the image.",
        },
        "kernel_arguments": {
            "type": "array",
            "items": {
                "type": "string",
                "pattern": r"^[!-~]+$",
                "description": "One argument of the kernel, without blanks.",
            },
        },
        "tries": {"type": "integer", "minimum": 1, "description": "Boots before the loader gives it up."},
        "keep": {"type": "integer", "minimum": 2, "description": "Deployments that stay on the host."},
    },
    "additionalProperties": False,
}
_SERVICE: Schema = {
    "type": "object",
    "description": "A service that is shipped as an image of its own.",
    "properties": {
        "name": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
            "description": "Name of its unit, without .service; the image brings the unit.",
        },
        "release": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*-[0-9]{8}T[0-9]{6}Z$",
            "description": "Id of the published image, like beacon-20261122T174400Z, never a channel.",
        },
        "digest": {
            "type": "string",
            "pattern": r"^[0-9a-f]{64}$",
            "description": "The sha256 of its manifest.",
        },
    },
    "required": ["name", "release", "digest"],
    "additionalProperties": False,
}


def _check_schema() -> Schema:
    """A health check, as osaas.fleet.health_check takes it."""
    properties: Schema = {}
    for name, option in CHECK.items():
        if name in _NOT_ON_HOSTS:
            continue
        properties[name] = dict(_TYPES[option.get("type", "str")])
        if "choices" in option:
            properties[name]["enum"] = list(option["choices"])
        if name in _MINIMA:
            properties[name]["minimum"] = _MINIMA[name]
    needs = [
        {
            "if": {"properties": {key: {"const": kind}}, "required": [key]},
            "then": {"required": list(required)},
        }
        for key, kind, required in NEEDS
    ]
    return {
        "type": "object",
        "description": "A health check, as osaas.fleet.health_check takes it.",
        "properties": properties,
        "required": ["kind"],
        "allOf": needs,
        "additionalProperties": False,
    }


def config_schema() -> Schema:
    """The schema of a whole config."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Config of a host (osaas.fleet)",
        "type": "object",
        "properties": {
            "provisioning": _PROVISIONING,
            "boot": _BOOT,
            "runtime": {
                "type": "object",
                "description": "What the host does; it can change at any time.",
                "properties": {
                    "health_checks": {"type": "array", "items": _check_schema()},
                    "services": {"type": "array", "items": _SERVICE},
                },
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    }
