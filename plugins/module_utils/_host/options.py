# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The options that say where a release comes from, alike in every module that has them."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin, Repository, Trust, name_of_ca
from ansible_collections.osaas.fleet.plugins.module_utils._module import Option
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name

RELEASE_OPTIONS: dict[str, Option] = {
    "url": {"type": "str"},
    "repositories": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "gpgkey": {"type": "list", "elements": "str", "required": True, "no_log": False},
        },
    },
    "gpgkeys": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "name": {"type": "str", "required": True},
            "content": {"type": "str", "required": True},
        },
    },
    "ca_cert": {"type": "str", "default": ""},
}


def release_of(params: Mapping[str, t.Any]) -> tuple[Pin, Trust]:
    """The pin, not checked yet, and what it trusts. Raises InputError for a name that is no file name."""
    repositories = tuple(Repository(one["name"], tuple(one["gpgkey"])) for one in params["repositories"])
    keys = {check_name(one["name"], where="gpgkeys"): one["content"] for one in params["gpgkeys"]}
    ca_cert = params["ca_cert"]
    place = (params["release"], params["digest"], params["url"])
    return Pin(*place, repositories, ca=name_of_ca(ca_cert)), Trust(keys, ca_cert)
