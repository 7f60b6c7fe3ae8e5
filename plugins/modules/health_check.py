#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check whether a host is healthy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: health_check
short_description: Check whether a host is healthy, or at least no worse than before
version_added: 0.1.0
description:
  - Runs all checks side by side on the host, in one call.
  - With O(baseline), only what is worse than before is a failure.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes.info
  - osaas.fleet._attributes.action_group
  - osaas.fleet._patient
options:
  checks:
    description: What to check.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description:
          - V(units) - no failed systemd unit, other than those that had failed before.
          - V(unit) - O(checks[].unit) is active.
          - V(tcp) - O(checks[].host) accepts connections on O(checks[].port).
          - V(outbound) - the same, for what must be reachable from here; O(checks[].host) is required.
          - V(http) - O(checks[].url) answers with O(checks[].status) and O(checks[].headers), and its body
            has O(checks[].contains) and fulfils O(checks[].jmespath). Redirects are not followed.
          - V(dns) - O(checks[].host), which is required, has an address.
          - V(command) - O(checks[].argv) ends with status 0.
          - V(file) - O(checks[].path) exists and has O(checks[].contains).
          - V(mount) - a file system is mounted at O(checks[].path), and did not become read-only.
          - V(free_space) - the file system of O(checks[].path) has O(checks[].minimum) left.
          - V(kernel) - the running kernel matches O(checks[].release), or else is the newest installed.
          - V(boot_id) - the host was rebooted since O(baseline).
          - V(clock) - the clock is in sync, and differs from the controller's by at most O(checks[].maximum).
          - V(load) - the load average of the last minute is at most O(checks[].maximum) per CPU.
          - V(journal) - no errors in the journal since the boot that match O(checks[].matching), other than
            those that were there before. Messages that differ only in numbers are the same.
        type: str
        choices:
          - units
          - unit
          - tcp
          - outbound
          - http
          - dns
          - command
          - file
          - mount
          - free_space
          - kernel
          - boot_id
          - clock
          - load
          - journal
        required: true
      name:
        description: What the check is called in results; by default its kind and target.
        type: str
      unit:
        description: Name of a systemd unit.
        type: str
      host:
        description: Name or address. V(localhost) if a check of kind V(tcp) names none.
        type: str
      port:
        description: TCP port.
        type: int
      url:
        description: URL, C(http) or C(https).
        type: str
      status:
        description: Status that the answer must have.
        type: int
        default: 200
      headers:
        description: Headers that the answer must have, with these values.
        type: dict
      contains:
        description: Text that the body, or the file, must have.
        type: str
      jmespath:
        description:
          - Expression that must hold for the body, which is JSON then, such as C(status == 'up').
          - It is evaluated on the controller, which needs jmespath, from the first answer with the right
            status, headers and text. It holds unless it gives V(false), V(null) or something empty.
        type: str
      argv:
        description: Command as a list of arguments; no shell.
        type: list
        elements: str
      path:
        description: A directory or file. V(/) if a check of kind V(free_space) or V(mount) names none.
        type: str
      minimum:
        description: Bytes, such as V(500M) or V(2G), or a share such as V(10%).
        type: str
      release:
        description: Release of the kernel as C(uname -r) tells it, as a pattern such as V(5.14.0-*).
        type: str
      maximum:
        description: Load per CPU, required for a check of kind V(load); seconds, 60 by default, for V(clock).
        type: float
      matching:
        description: Regular expression; every error matches if there is none.
        type: str
      severity:
        description: A failed check makes the host unhealthy if V(failure), and is only told if V(warning).
        type: str
        choices: [failure, warning]
        default: failure
      retries:
        description: How many more times to look before a check has failed.
        type: int
        default: 0
      delay:
        description: Seconds between two looks.
        type: float
        default: 1
      timeout:
        description: Seconds that one look may take.
        type: float
        default: 10
  baseline:
    description: The RV(baseline) of an earlier run, or all that it returned. Run that with O(fail=false).
    type: dict
    default: {}
  fail:
    description: Whether the module fails if a check failed.
    type: bool
    default: true
  controller_time:
    description:
      - Seconds since 1970 by the clock of the controller, when it called.
      - Set by the action plugin; leave it out.
    type: float
seealso:
  - module: osaas.fleet.os_update
"""

EXAMPLES = r"""
- name: Look before the update
  osaas.fleet.health_check:
    checks: "{{ checks }}"
    fail: false
  register: before
  vars:
    checks: &checks
      - kind: units
      - kind: unit
        unit: sshd.service
      - name: web
        kind: http
        url: http://127.0.0.1:8000/
        retries: 10
        jmespath: status == 'up'
      - kind: dns
        host: repos.example.com
      - kind: outbound
        host: repos.example.com
        port: 443
      - kind: mount
        path: /srv
      - kind: clock
        severity: warning
      - kind: journal
        matching: 'I/O error|segfault'

- name: Look after it
  osaas.fleet.health_check:
    checks: *checks
    baseline: "{{ before.baseline }}"
"""

RETURN = r"""
healthy:
  description: Whether no check failed.
  returned: always
  type: bool
results:
  description: All checks, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: Name of the check., type: str}
    kind: {description: Its kind., type: str}
    ok: {description: Whether it passed or is no worse than before., type: bool}
    message: {description: What was seen., type: str}
    seconds: {description: How long it took with all retries., type: float}
    severity: {description: What a failure means., type: str, sample: failure}
failures:
  description: One line per failed check whose severity is V(failure).
  returned: always
  type: list
  elements: str
  sample: ['beacon: unit beacon.service is failed']
baseline:
  description: What to give as O(baseline) another time.
  returned: always
  type: dict
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.options import (
    CHECK,
    NEEDS,
    check_of,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.verdict import failures, run_checks
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, run_module

SPEC = ArgumentSpec(
    options={
        "checks": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": CHECK,
            "required_if": NEEDS,
        },
        "baseline": {"type": "dict", "default": {}},
        "fail": {"type": "bool", "default": True},
        "controller_time": {"type": "float"},
        "reconnect_timeout": {"type": "int", "default": 120},
    }
)


def _work(module: AnsibleModule) -> dict[str, t.Any]:
    called = module.params["controller_time"]
    ahead = 0.0 if called is None else time.time() - called
    baseline = module.params["baseline"]
    runner = ModuleRunner(module)
    checks = [check_of({**one, "ahead": ahead}) for one in module.params["checks"]]
    verdicts, state = run_checks(runner, checks, baseline.get("baseline", baseline))
    failed = failures(verdicts)
    for line in failures(verdicts, "warning"):
        runner.warn(line)
    found = {
        "healthy": not failed,
        "results": [one.as_json() for one in verdicts],
        "failures": failed,
        "baseline": state,
    }
    if failed and module.params["fail"]:
        raise HostError("; ".join(failed), details=found)
    return {"changed": False, **found}


def main() -> None:
    """Run the module."""
    run_module(SPEC, _work)


if __name__ == "__main__":
    main()
