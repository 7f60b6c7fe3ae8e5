#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what an image host runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_info
short_description: Tell what an image host runs, would boot, and could go back to
version_added: 0.1.0
description:
  - Returns, in one look, which deployment the host runs and whether that is known to be good, what the next
    boot boots, what the host would fall back to, what is staged, what failed here and why, the boot entries
    with their counters, and what was changed on the running system.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes.info
  - osaas.fleet._attributes.action_group
  - osaas.fleet._patient
options: {}
seealso:
  - module: osaas.fleet.deployment
  - module: osaas.fleet.host_info
"""

EXAMPLES = r"""
- name: Look at the host
  osaas.fleet.deployment_info:
  register: info

- name: Stop if it fell back
  ansible.builtin.assert:
    that: info.deployment.current == wanted
    fail_msg: "{{ info.deployment.failed }}"
"""

RETURN = r"""
deployment:
  description: What there is to know of the deployments on the host.
  returned: success
  type: dict
  contains:
    booted:
      description: What runs.
      type: dict
      contains:
        digest: {description: SHA-256 of its manifest., type: str}
        release: {description: Id of the release; V(null) if its files are gone., type: str}
        entry: {description: Name of the boot entry that it came from., type: str}
        good: {description: Whether it came up healthy., type: bool}
    current: {description: Digest of what runs if it came up healthy; V(null) until then., type: str}
    previous: {description: Digest of what the host would fall back to; V(null) if there is none., type: str}
    committed: {description: Digest of what the next boot boots; V(null) if that is no deployment., type: str}
    staged:
      description: Digests of what is here and was never committed, newest first.
      type: list
      elements: str
    failed:
      description: What failed on this host and is refused.
      type: list
      elements: dict
      contains:
        digest: {description: SHA-256 of its manifest., type: str}
        release: {description: Id of the release; empty if it is not known., type: str}
        reason: {description: Why it failed., type: str, sample: did not come up in 3 tries}
        when: {description: When that was seen., type: str, sample: '2026-11-22T17:44:00+00:00'}
    deployments:
      description: All deployments on the host, by release.
      type: list
      elements: dict
      contains:
        digest: {description: SHA-256 of its manifest., type: str}
        release: {description: Id of the release., type: str}
        image: {description: Name of the image., type: str}
        version: {description: Version of the image., type: str}
        title: {description: What it calls itself., type: str}
        kernel: {description: Release of its kernel., type: str}
        root_hash: {description: Root hash of dm-verity., type: str}
        bytes: {description: What it takes of the data partition., type: int}
        esp_bytes: {description: What it takes of the ESP., type: int}
        state:
          description:
            - V(running) if it runs and is good, V(on trial) if it runs and has not come up healthy yet,
              V(failed), V(staged), V(committed) if it was committed and not booted yet, else V(good).
          type: str
    entries:
      description: The boot entries in the order in which the loader would boot them.
      type: list
      elements: dict
      contains:
        file: {description: Its file name., type: str, sample: osaas-000003-0123456789abcdef+2-1.conf}
        digest: {description: What it boots; V(null) if that is no deployment., type: str}
        tries_left: {description: How often it may still fail; V(null) if it is not counted., type: int}
        tries_done: {description: How often it was tried., type: int}
        good: {description: Whether it is known to be good., type: bool}
    drift: {description: Whether the running system was changed., type: bool}
    drift_reasons:
      description: What was changed of the image; not what is of the host's identity, nor below C(/var).
      type: list
      elements: str
      sample: [/etc/motd was changed]
    esp:
      description: Space on the ESP.
      type: dict
      contains:
        bytes: {description: All of it., type: int}
        free: {description: What is left., type: int}
    data:
      description: Space on the data partition.
      type: dict
      contains:
        bytes: {description: All of it., type: int}
        free: {description: What is left., type: int}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_facts import deployment_facts
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, run_module

SPEC = ArgumentSpec(options={"reconnect_timeout": {"type": "int", "default": 120}})
PATHS = ImagePaths()


def _work(module: AnsibleModule) -> dict[str, t.Any]:
    return {"changed": False, "deployment": deployment_facts(PATHS)}


def main() -> None:
    """Run the module."""
    run_module(SPEC, _work)


if __name__ == "__main__":
    main()
