# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventory plugin osaas.fleet.fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: fleet
short_description: The hosts of a ledger, with waves, releases and what keeps them back
version_added: "0.1.0"
description:
  - Emits the hosts of a fleet's ledger that a run needs, selected by the database, with few groups and one
    variable per host. Everything else of a large fleet need not be loaded.
  - A host that another source has defined keeps its groups and variables, and is given those of the ledger
    too. With O(add_hosts=false) no other host is added.
  - The hosts of a rollout are in the groups C(osaas_wave_NAME); in C(osaas_held) if an exemption keeps them
    out of it, or they failed before anything was changed; and in C(osaas_failed) if they failed in it or are
    still unavailable from an earlier one. The hosts that run a release are in the group C(osaas_release_ID).
  - Names of groups have underscores in place of characters that names of groups must not have.
  - The variable C(osaas_fleet) of each host has C(host), C(domain), C(labels), C(release), C(digest),
    C(unavailable) (why it does not serve, empty if it does), and of the rollout C(wave), C(state) and
    C(reason), which are empty for a host that is not in it.
  - The configuration is a file whose name ends in C(fleet.yml) or C(fleet.yaml).
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Marks the file as this plugin's.
    type: str
    required: true
    choices: [osaas.fleet.fleet]
  ledger:
    description:
      - The ledger, as an absolute path of a SQLite file on the controller, or as a SQLAlchemy URL
        such as V(postgresql+psycopg://db.example.com/osaas).
      - Not needed in the file when the environment has it, as it should if the URL has a password in it.
    type: str
    required: true
    env:
      - name: OSAAS_LEDGER
  rollout:
    description:
      - The number of the rollout whose waves and states are meant.
      - The newest one if left out.
    type: int
  open_only:
    description: Only hosts that the rollout may still have to touch.
    type: bool
    default: false
  wave:
    description: Only hosts of the rollout's waves with these names.
    type: list
    elements: str
    default: []
  labels:
    description: Only hosts that carry all of these labels, with exactly these values.
    type: dict
    default: {}
  domain_level:
    description:
      - A label, such as V(row), whose values become groups such as C(osaas_row_7).
      - V(domain) is the failure domain itself.
    type: str
  add_hosts:
    description: Whether to add hosts that no source before this one has defined.
    type: bool
    default: true
seealso:
  - module: osaas.fleet.enrol
  - module: osaas.fleet.rollout
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
# fleet.yml: those that the rollout may still have to touch, with a group for every row of racks
plugin: osaas.fleet.fleet
ledger: /var/lib/osaas/ledger.db
open_only: true
domain_level: row

---
# The web servers of two waves, on the addresses that their labels tell
plugin: osaas.fleet.fleet
ledger: /var/lib/osaas/ledger.db
wave: [canary, early]
labels:
  role: web
compose:
  ansible_host: osaas_fleet.labels.address

---
# Beside a site's own inventory (-i hosts.yml -i fleet.yml): groups and variables for the hosts of that
plugin: osaas.fleet.fleet
ledger: postgresql+psycopg://db.example.com/osaas
add_hosts: false
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /var/cache/osaas/inventory
cache_timeout: 60
"""

import functools
import hashlib
import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible.errors import AnsibleParserError
from ansible.inventory.group import to_safe_group_name
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.selection import Selection, select_hosts

try:
    # Since ansible-core 2.19 only what is said to be trusted can be a template.
    from ansible.template import trust_as_template as _trust
except ImportError:
    from ansible.utils.unsafe_proxy import wrap_var as _untrusted
else:
    del _trust

    def _untrusted(value: t.Any) -> t.Any:
        return value


Host = Mapping[str, t.Any]


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads the ledger, or the cache of what was read before, and adds hosts, groups and variables."""

    NAME = "osaas.fleet.fleet"

    def verify_file(self, path: str) -> bool:
        """Whether the file is named as a configuration of this plugin is."""
        return bool(self._base.verify_file(path)) and path.endswith(("fleet.yml", "fleet.yaml"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """See BaseInventoryPlugin.parse."""
        self._base.parse(inventory, loader, path, cache)
        self._any._read_config_data(path)
        level, add_hosts = self._option("domain_level"), self._option("add_hosts")
        constructs = any(self._option(name) for name in ("compose", "groups", "keyed_groups"))
        groups: set[str] = set()
        for host in self._hosts(path, cache):
            name = host["host"]
            if name not in inventory.hosts:
                if not add_hosts:
                    continue
                inventory.add_host(name)
            inventory.set_variable(name, "osaas_fleet", _untrusted(host))
            for group in _groups_of(host, level):
                if group not in groups:
                    groups.add(group)
                    inventory.add_group(group)
                inventory.add_child(group, name)
            if constructs:
                self._construct(name)

    def _hosts(self, path: str, cache: bool) -> Sequence[Host]:
        """What the ledger, or the cache, says of each host that is selected."""
        address = self._option("ledger")
        wanted = Selection(
            rollout=self._option("rollout"),
            open_only=self._option("open_only"),
            waves=self._option("wave"),
            labels=self._option("labels"),
        )
        if not self._option("cache"):
            return _read_ledger(address, wanted)
        # What was asked for is part of the key: a changed file must not get the answer to another question.
        question = hashlib.sha256(f"{address} {wanted}".encode()).hexdigest()
        key, answers = f"{self.get_cache_key(path)}_{question}", self._any.cache
        if not cache or key not in answers:
            answers[key] = _read_ledger(address, wanted)
        return t.cast("Sequence[Host]", answers[key])

    def _construct(self, name: str) -> None:
        """What the options compose, groups and keyed_groups ask for."""
        it, strict = self._any, self._option("strict")
        known = it.inventory.get_host(name).get_vars()
        it._set_composite_vars(it.get_option("compose"), known, name, strict=strict)
        it._add_host_to_composed_groups(it.get_option("groups"), known, name, strict=strict)
        it._add_host_to_keyed_groups(it.get_option("keyed_groups"), known, name, strict=strict)

    # The base classes say nothing of types.

    @property
    def _base(self) -> t.Any:
        return super()

    @property
    def _any(self) -> t.Any:
        return self

    def _option(self, name: str) -> t.Any:
        return self._any.get_option(name)


def _read_ledger(address: str, wanted: Selection) -> list[Host]:
    try:
        with Ledger.open(address, make=False) as ledger, ledger.read() as connection:
            return [host._asdict() for host in select_hosts(connection, wanted)]
    except FleetError as error:
        raise AnsibleParserError(str(error)) from error


def _groups_of(host: Host, level: str | None) -> Iterator[str]:
    if host["wave"]:
        yield _group(f"wave_{host['wave']}")
    if host["release"]:
        yield _group(f"release_{host['release']}")
    if host["state"] in (states.EXEMPT, states.HELD):
        yield _group("held")
    if host["state"] in states.FAILED or host["unavailable"] in states.FAILED:
        yield _group("failed")
    value = host["domain"] if level == "domain" else host["labels"].get(level, "")
    if value != "":
        yield _group(f"{level}_{value}")


@functools.cache
def _group(name: str) -> str:
    return str(to_safe_group_name(f"osaas_{name}", force=True, silent=True))
