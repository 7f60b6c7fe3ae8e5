#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin a package host to a release."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_pin
short_description: Pin a package host to a snapshot
version_added: 0.1.0
description:
  - Writes the repo file, dnf variable and public keys of one snapshot, and the pin itself,
    C(/etc/osaas/release.json), each file atomically and the pin last.
  - All other repos are disabled while the host is pinned, so that nothing comes from a live mirror. Their
    files are kept in C(/etc/osaas/repos.saved) and are restored with O(state=absent).
  - Other updaters (dnf-automatic, PackageKit, timers that run a package manager, package upgrades of
    cloud-init) are found, and treated as O(updaters) says.
  - Packages are not touched; see M(osaas.fleet.os_update).
  - A host that goes back to a restore point at its next boot refuses every change until then.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._patient
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description: Whether the host is pinned.
    type: str
    choices: [present, absent]
    default: present
  release:
    description: Id of the snapshot. Channels are resolved on the controller. Required with O(state=present).
    type: str
  digest:
    description: Digest of the release, kept in the pin. Required with O(state=present).
    type: str
  url:
    description: Base URL of the store. Required with O(state=present).
    type: str
  repositories:
    description: The repos of the snapshot. Required with O(state=present).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the repo.
        type: str
        required: true
      gpgkey:
        description: Names, in O(gpgkeys), of the keys any of which may have signed packages and metadata.
        type: list
        elements: str
        required: true
  gpgkeys:
    description: The public keys.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the key; part of its file name on the host.
        type: str
        required: true
      content:
        description: The key, ASCII-armored.
        type: str
        required: true
  ca_cert:
    description:
      - Certificates (PEM) of the authorities that may vouch for the store's server, and no others, where
        O(url) is of HTTPS; by default those of the system. A server that none of them vouches for is refused,
        whatever the host's C(dnf.conf) says.
    type: str
    default: ''
  allow_repositories:
    description: Ids of other repos that stay as they are. Updates never come from them.
    type: list
    elements: str
    default: []
  updaters:
    description:
      - What to do about other updaters than this collection.
      - V(report) returns them. V(mask) masks their units (one whose file is in C(/etc/systemd/system) is
        disabled) and overrules cloud-init; all is given back with any other value, and with O(state=absent).
        V(refuse) fails before anything is changed.
    type: str
    choices: [report, mask, refuse]
    default: report
  allow_updaters:
    description: Updaters that may act, named as in RV(updaters).
    type: list
    elements: str
    default: []
  force:
    description: Pin the release although it failed on this host before.
    type: bool
    default: false
seealso:
  - module: osaas.fleet.os_update
  - module: osaas.fleet.host_info
"""

EXAMPLES = r"""
- name: Pin the host
  osaas.fleet.host_pin:
    release: 20261122T174400Z
    digest: sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
    url: https://repos.example.com
    repositories:
      - name: baseos
        gpgkey: [upstream]
      - name: appstream
        gpgkey: [upstream]
    gpgkeys:
      - name: upstream
        content: "{{ lookup('ansible.builtin.file', 'RPM-GPG-KEY-upstream') }}"

- name: Pin the host, and see to it that nothing else updates it
  osaas.fleet.host_pin:
    release: 20261122T174400Z
    digest: sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
    url: https://repos.example.com
    repositories:
      - name: baseos
        gpgkey: [upstream]
    gpgkeys:
      - name: upstream
        content: "{{ lookup('ansible.builtin.file', 'RPM-GPG-KEY-upstream') }}"
    updaters: mask

- name: Give the host back its own repos and updaters
  osaas.fleet.host_pin:
    state: absent
"""

RETURN = r"""
pin:
  description: The pin of the host; V(null) with O(state=absent).
  returned: success
  type: dict
  contains:
    release: {description: Id of the snapshot., type: str, sample: 20261122T174400Z}
    digest: {description: Digest of the release., type: str}
    url: {description: Base URL of the store., type: str}
    repositories:
      description: Its repos.
      type: list
      elements: dict
      contains:
        name: {description: Name of the repo., type: str}
        gpgkey: {description: Names of its keys., type: list, elements: str}
    ca: {description: Name of its certificates below C(/etc/pki/osaas)., type: str, returned: if any}
    previous: {description: The pin to go back to., type: dict, returned: if any}
updaters:
  description:
    - Other updaters that were found and that O(allow_updaters) does not name; units, or V(cloud-init).
    - With O(updaters=mask) they are masked now.
  returned: success
  type: list
  elements: str
  sample: [dnf-automatic.timer]
disabled_repositories:
  description: Ids of the repos that are disabled while the host is pinned.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._host import pinning, quiet
from ansible_collections.osaas.fleet.plugins.module_utils._host.bad_releases import refuse_bad
from ansible_collections.osaas.fleet.plugins.module_utils._host.options import RELEASE_OPTIONS, release_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin, check_pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.restore_point import refuse_if_left
from ansible_collections.osaas.fleet.plugins.module_utils._host.running import read_running
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, run_module

SPEC = ArgumentSpec(
    options={
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "release": {"type": "str"},
        "digest": {"type": "str"},
        **RELEASE_OPTIONS,
        "allow_repositories": {"type": "list", "elements": "str", "default": []},
        "updaters": {"type": "str", "choices": ["report", "mask", "refuse"], "default": "report"},
        "allow_updaters": {"type": "list", "elements": "str", "default": []},
        "force": {"type": "bool", "default": False},
        "reconnect_timeout": {"type": "int", "default": 120},
    },
    required_if=[("state", "present", ("release", "digest", "url"))],
)


def _present(params: t.Mapping[str, t.Any]) -> tuple[Pin, pinning.Changes]:
    wanted, trust = release_of(params)
    check_pin(wanted, trust)
    if not params["force"]:
        refuse_bad(wanted.release)
    running = read_running()
    pin = pinning.next_pin(wanted, pinning.current_pin(), running.release if running else None)
    return pin, pinning.plan_pin(pin, trust, params["allow_repositories"])


def _work(module: AnsibleModule) -> dict[str, t.Any]:
    params, runner = module.params, ModuleRunner(module)
    pin: Pin | None = None
    if params["state"] == "present":
        pin, changes = _present(params)
        quieting = quiet.plan_quiet(runner, params["updaters"], params["allow_updaters"])
    else:
        changes, quieting = pinning.plan_unpin(), quiet.plan_restore()
    if changes.changed() or quieting.changed:
        refuse_if_left()
    if not module.check_mode:
        quiet.carry_out(runner, quieting)
        pinning.carry_out(changes)
    return {
        "changed": bool(changes.changed()) or quieting.changed,
        "diff": [*changes.diff(), *quieting.diff()],
        "pin": pin.as_json() if pin else None,
        "disabled_repositories": list(changes.disabled),
        "updaters": list(quieting.found),
    }


def main() -> None:
    """Run the module."""
    run_module(SPEC, _work)


if __name__ == "__main__":
    main()
