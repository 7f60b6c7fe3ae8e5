# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The options of an upstream, and what they come to. Their descriptions are in the doc fragment _upstream."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._module import Options
from ansible_collections.osaas.fleet.plugins.module_utils._repo.choice import Choice
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Mutable, Repository, Tolerance
from ansible_collections.osaas.fleet.plugins.module_utils._repo.transfer import Transfer

MUTABLE: Options = {
    "nevra": {"type": "str", "required": True},
    "digests": {"type": "list", "elements": "str", "required": True},
    "take": {"type": "str", "required": True},
    "reason": {"type": "str", "required": True},
}
REPOSITORY: Options = {
    "name": {"type": "str", "required": True},
    "baseurl": {"type": "list", "elements": "str"},
    "metalink": {"type": "str"},
    "mirrorlist": {"type": "str"},
    "gpgkey": {"type": "list", "elements": "path", "default": [], "no_log": False},
    "gpgcheck": {"type": "bool", "default": True},
    "repo_gpgcheck": {"type": "bool", "default": True},
    "include": {"type": "list", "elements": "str", "default": []},
    "exclude": {"type": "list", "elements": "str", "default": []},
    "arches": {"type": "list", "elements": "str", "default": []},
    "source": {"type": "bool", "default": False},
    "newest": {"type": "int", "default": 0},
    "proxy": {"type": "str"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "ca_cert": {"type": "path"},
    "throttle": {"type": "int", "default": 0},
    "connections": {"type": "int"},
    "retries": {"type": "int"},
    "allow_weak_digests": {"type": "bool", "default": False},
    "allow_foreign_base": {"type": "list", "elements": "str", "default": []},
    "treeinfo": {"type": "bool", "default": False},
    "accept_mutable": {"type": "list", "elements": "dict", "default": [], "options": MUTABLE},
}
UPSTREAM: Options = {
    "connections": {"type": "int", "default": 8},
    "retries": {"type": "int", "default": 5},
}


def given_repositories(params: Mapping[str, t.Any]) -> list[Repository]:
    """The option `repositories`, with what all of them share. Raises InputError."""
    return [_repository(raw, params) for raw in params["repositories"]]


def _repository(raw: Mapping[str, t.Any], params: Mapping[str, t.Any]) -> Repository:
    def path(name: str) -> Path | None:
        return Path(raw[name]) if raw[name] else None

    return Repository(
        name=raw["name"],
        baseurls=tuple(raw["baseurl"] or ()),
        metalink=raw["metalink"] or "",
        mirrorlist=raw["mirrorlist"] or "",
        gpgkeys=tuple(Path(one) for one in raw["gpgkey"]),
        gpgcheck=raw["gpgcheck"],
        repo_gpgcheck=raw["repo_gpgcheck"],
        transfer=Transfer(
            connections=params["connections"] if raw["connections"] is None else raw["connections"],
            retries=params["retries"] if raw["retries"] is None else raw["retries"],
            throttle=raw["throttle"],
            proxy=raw["proxy"],
            username=raw["username"],
            password=raw["password"],
            client_cert=path("client_cert"),
            client_key=path("client_key"),
            ca_cert=path("ca_cert"),
        ),
        tolerance=Tolerance(
            weak_digests=raw["allow_weak_digests"],
            foreign_bases=tuple(raw["allow_foreign_base"]),
            mutable=tuple(
                Mutable(one["nevra"], frozenset(one["digests"]), one["take"], one["reason"])
                for one in raw["accept_mutable"]
            ),
        ),
        choice=Choice(
            include=tuple(raw["include"]),
            exclude=tuple(raw["exclude"]),
            arches=tuple(raw["arches"]),
            source=raw["source"],
            newest=raw["newest"],
        ),
        treeinfo=raw["treeinfo"],
    )
