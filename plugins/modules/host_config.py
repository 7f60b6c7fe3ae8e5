#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a host to its config."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_config
short_description: Bring a host to its config, each tier only when it may change
version_added: 0.1.0
description:
  - A config has three tiers, by when they may change. C(provisioning) is what a host is, its name, network,
    root's credentials and disk; it changes only when the host is provisioned anew, never by this module.
    C(boot) is what it boots, image and kernel arguments; a change takes effect with the next deployment.
    C(runtime) is what it does, its health checks and services; a change takes effect at once.
  - A config that breaks a rule is refused on the controller. One that would change a tier that may not change
    is refused before anything is done. Both name all fields. A tier that is not given stays as it is; a tier
    that is given replaces the one before as a whole.
  - The rules are in C(docs/host-config.schema.json), a JSON Schema, by which editors complete configs too.
  - Services are images of their own, published in the store. Their trees are downloaded and verified first;
    then all services are stopped, started and swapped in one go with one reload of systemd. If one of them
    does not run afterwards, or a health check is worse than before, everything is put back as it was. A run
    that was killed half way is put back by the next.
  - The image of a service has the artifact C(tar), and in it C(/usr/lib/systemd/system/NAME.service). The
    service sees its image as the root, read-only, and keeps its state in C(/var/lib/NAME) from one image to
    the next.
  - Needs C(tar) and C(zstd) on a host that has services.
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
  config:
    description: The tiers C(provisioning), C(boot) and C(runtime), or some of them.
    type: dict
    required: true
  allow:
    description: The tiers that may change in this run.
    type: list
    elements: str
    choices: [boot, runtime]
    default: [runtime]
  url:
    description: Base URL of the store. Required if an image of a service is not on the host yet.
    type: str
  gpgkeys:
    description: Public keys, any of which may have signed the images of services.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the key.
        type: str
        required: true
      content:
        description: The key, ASCII-armored.
        type: str
        required: true
  ca_cert:
    description:
      - Certificates (PEM) of the authorities that may vouch for the server of the store; by default those of
        the system.
    type: str
    default: ''
seealso:
  - module: osaas.fleet.deployment
  - module: osaas.fleet.health_check
"""

EXAMPLES = r"""
- name: Have the host run one service, and judge its health by that
  osaas.fleet.host_config:
    config:
      runtime:
        services:
          - name: beacon
            release: beacon-20261122T174400Z
            digest: 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
        health_checks:
          - kind: units
          - kind: http
            url: http://127.0.0.1:8000/
            retries: 10
    url: https://repos.example.com
    gpgkeys:
      - name: site
        content: "{{ lookup('ansible.builtin.file', 'RPM-GPG-KEY-site') }}"

- name: Change what the host boots with, from its next deployment on
  osaas.fleet.host_config:
    config: "{{ lookup('ansible.builtin.file', 'hosts/web-01.yml') | from_yaml }}"
    allow: [boot, runtime]

- name: See whether the host is as its config says
  osaas.fleet.host_config:
    config: "{{ lookup('ansible.builtin.file', 'hosts/web-01.yml') | from_yaml }}"
  check_mode: true
  diff: true
"""

RETURN = r"""
fields:
  description: The fields that differed; lists count as a whole.
  returned: success
  type: list
  elements: str
  sample: [runtime.services]
services:
  description: What was done to services, or would be in check mode.
  returned: success
  type: dict
  contains:
    started: {description: Services that are new., type: list, elements: str}
    swapped: {description: Services that have another image., type: list, elements: str}
    stopped: {description: Services that are gone., type: list, elements: str}
    kept: {description: Services that stayed as they were., type: list, elements: str}
recovered:
  description: Whether a run before this one had been killed half way, and was put back first.
  returned: success
  type: bool
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text
from ansible_collections.osaas.fleet.plugins.module_utils._host.configuring import Source, configure
from ansible_collections.osaas.fleet.plugins.module_utils._host.options import RELEASE_OPTIONS
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, run_module

SPEC = ArgumentSpec(
    options={
        "config": {"type": "dict", "required": True},
        "allow": {"type": "list", "elements": "str", "choices": ["boot", "runtime"], "default": ["runtime"]},
        "url": {"type": "str"},
        "gpgkeys": RELEASE_OPTIONS["gpgkeys"],
        "ca_cert": {"type": "str", "default": ""},
        "reconnect_timeout": {"type": "int", "default": 120},
    }
)


def _work(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    keys = {one["name"]: one["content"] for one in params["gpgkeys"]}
    source = Source(params["url"] or "", keys, params["ca_cert"])
    done = configure(
        ModuleRunner(module), params["config"], params["allow"], source, pretend=module.check_mode
    )
    steps = done.steps
    return {
        "changed": done.changed,
        "fields": list(done.fields),
        "services": {
            "started": [one.name for one in steps.start],
            "swapped": [one.name for one in steps.swap],
            "stopped": [one.name for one in steps.stop],
            "kept": [one.name for one in steps.kept],
        },
        "recovered": done.recovered,
        "diff": {"before": json_text(done.before), "after": json_text(done.after)} if done.fields else {},
    }


def main() -> None:
    """Run the module."""
    run_module(SPEC, _work)


if __name__ == "__main__":
    main()
