#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what a host runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Tell what a host runs and what is not as it should be
version_added: 0.1.0
description:
  - Returns, in one look, which release the host is pinned to and runs, its package-set digest, drift, whether
    it needs a reboot and why, failed units, other updaters, the last transactions, and the releases that
    failed on it.
  - An image host runs the release, a snapshot, that its image was built from; its drift is what was changed
    of the image. See M(osaas.fleet.deployment_info) for more.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes.info
  - osaas.fleet._attributes.action_group
  - osaas.fleet._patient
options:
  allow_repositories:
    description: Ids of repos that may be enabled beside the pinned ones; others are drift.
    type: list
    elements: str
    default: []
  reboot_packages:
    description: Patterns of package names that need a reboot, in place of the collection's own list.
    type: list
    elements: str
    default: []
seealso:
  - module: osaas.fleet.host_pin
  - module: osaas.fleet.os_update
  - module: osaas.fleet.deployment_info
"""

EXAMPLES = r"""
- name: Look at the host
  osaas.fleet.host_info:
  register: info

- name: Stop if it was changed by somebody else
  ansible.builtin.assert:
    that: not info.host.drift
    fail_msg: "{{ info.host.drift_reasons | join(', ') }}"
"""

RETURN = r"""
host:
  description: The host.
  returned: success
  type: dict
  contains:
    machine_id: {description: Content of C(/etc/machine-id)., type: str}
    boot_id: {description: New at every boot., type: str}
    kernel: {description: Release of the running kernel., type: str, sample: 5.14.0-503.el9.x86_64}
    kernels_installed:
      description: Releases of the installed kernels, oldest first.
      type: list
      elements: str
    arch: {description: Architecture., type: str, sample: x86_64}
    os:
      description: The distribution.
      type: dict
      contains:
        id: {description: C(ID) of C(/etc/os-release)., type: str, sample: centos}
        version: {description: C(VERSION_ID) of C(/etc/os-release)., type: str, sample: '9'}
    dnf:
      description: The package manager.
      type: dict
      contains:
        flavour: {description: V(dnf4) or V(dnf5)., type: str}
        version: {description: Its version., type: str, sample: 4.14.0}
    image:
      description: What an image host booted; V(null) for a package host.
      type: dict
      contains:
        digest: {description: Digest of the image., type: str}
        release: {description: Id of the image., type: str, sample: web-20261122T174400Z}
        name: {description: Its name., type: str, sample: web}
        good: {description: Whether this boot came up healthy., type: bool}
        previous: {description: Digest of the image to go back to; V(null) if there is none., type: str}
        committed: {description: Digest of the image that the next boot boots., type: str}
    pinned: {description: Id of the pinned release; V(null) if the host is not pinned., type: str}
    running: {description: Id of the release that the host was last brought to; V(null) if none., type: str}
    package_set_digest: {description: See M(osaas.fleet.os_update)., type: str}
    module_streams:
      description:
        - Module streams that are enabled, each as C(name:stream), and modules that are disabled, as C(-name).
      type: list
      elements: str
      sample: ['nodejs:18', '-perl']
    drift: {description: Whether the host is not as its pin says., type: bool}
    drift_reasons: {description: Why., type: list, elements: str}
    package_changes:
      description:
        - Packages that were changed by somebody else since the host was brought to the release that it runs.
      type: list
      elements: dict
      contains:
        name: {description: Name of the package., type: str, sample: jq}
        before: {description: What was installed; V(null) if it is new., type: str}
        now: {description: What is installed; V(null) if it is gone., type: str, sample: 'jq-0:1.6-2.x86_64'}
        time: {description: When; V(null) if nobody knows., type: str, sample: '2026-11-22T17:44:00+00:00'}
        command: {description: What dnf was called with; V(null) if it was not dnf., type: str}
    updaters:
      description: Other updaters that may act; units, or V(cloud-init). See M(osaas.fleet.host_pin).
      type: list
      elements: str
      sample: [dnf-automatic.timer]
    reboot_required: {description: Whether the host must be rebooted., type: bool}
    reboot_reasons: {description: Why., type: list, elements: str}
    services_to_restart: {description: Services that run replaced files., type: list, elements: str}
    failed_units: {description: Failed systemd units., type: list, elements: str}
    transaction_running: {description: Id of the transaction that runs now; V(null) if none., type: str}
    transactions:
      description: The last five, oldest first.
      type: list
      elements: dict
      contains:
        id: {description: Id of the transaction., type: str, sample: 20261122T174400Z-3}
        release: {description: The release that it was to bring the host to., type: str}
        from_release: {description: The release before; V(null) if none., type: str}
        state:
          description: One of V(running), V(waiting) (for the next boot), V(interrupted), V(failed), V(done).
          type: str
        error: {description: Why it failed; empty if it did not., type: str}
        repairs: {description: What it mended of an earlier one., type: list, elements: str}
        seconds: {description: How long it took; V(null) if it did not end., type: float}
    bad_releases:
      description: Releases that failed on this host.
      type: list
      elements: dict
      contains:
        release: {description: Id of the release., type: str}
        reason: {description: Why it is bad., type: str}
        since: {description: When it was marked., type: str, sample: '2026-11-22T17:44:00+00:00'}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._host.facts import host_facts
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_facts import image_facts
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths
from ansible_collections.osaas.fleet.plugins.module_utils._host.interpreter import need_bindings
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, run_module

SPEC = ArgumentSpec(
    options={
        "allow_repositories": {"type": "list", "elements": "str", "default": []},
        "reboot_packages": {"type": "list", "elements": "str", "default": []},
        "reconnect_timeout": {"type": "int", "default": 120},
    }
)


def _work(module: AnsibleModule) -> dict[str, t.Any]:
    need_bindings(module, "rpm")
    facts = host_facts(
        ModuleRunner(module),
        allowed=module.params["allow_repositories"],
        reboot_packages=module.params["reboot_packages"],
    )
    return {"changed": False, "host": facts | image_facts(ImagePaths())}


def main() -> None:
    """Run the module."""
    run_module(SPEC, _work)


if __name__ == "__main__":
    main()
