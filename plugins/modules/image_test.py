#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test an image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_test
short_description: Run the tests of an image
version_added: 0.1.0
description:
  - Runs the tests that stand in the definition of an image under C(tests), on the image that
    M(osaas.fleet.image) built of it. All are run, also after one has failed.
  - No test changes the image. What runs in it sees it read-only, and a boot writes to memory.
  - What came of them is kept beside the image. One that did not pass is not published.
  - An image that passed is not tested again until it, its tests or their files are others.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  definitions:
    description: Directory of the definitions, one file C(NAME.yml) for each image.
    type: path
    required: true
  name:
    description: The image to test.
    type: str
    required: true
  layers:
    description: Directory that layers are kept in.
    type: path
    required: true
  gpgkey:
    description: Public keys that packages must be signed with, as they were given to M(osaas.fleet.image).
    type: list
    elements: path
    default: []
  arch:
    description: Architecture of the image.
    type: str
    default: x86_64
  appliance:
    description:
      - Another image that was built in O(layers), which has the tools for tests of the kind C(machine),
        QEMU and its firmware among them.
      - Without it, the builder's own tools are used.
    type: str
  accept:
    description:
      - Write the files of tests of the kind C(golden) as the image is now, to be reviewed, and run the tests
        then.
    type: bool
    default: false
seealso:
  - module: osaas.fleet.image
requirements:
  - bubblewrap
  - systemd-nspawn, util-linux and GNU coreutils for tests of the kind C(boot); rpm for C(integrity)
  - QEMU for x86_64, OVMF, and what disks are made with (see M(osaas.fleet.image)) for C(machine)
  - the Python library pytest-testinfra for tests of the kind C(testinfra)
  - the Python libraries jsonschema, PyYAML, solv
"""

EXAMPLES = r"""
- name: Test the image of web servers
  osaas.fleet.image_test:
    store: /srv/osaas
    definitions: /srv/images
    name: web
    layers: /var/cache/osaas/layers
    gpgkey:
      - /etc/pki/rpm-gpg/RPM-GPG-KEY-rocky-9
"""

RETURN = r"""
tests:
  description: Every test, in the order of the definition.
  returned: when not in check mode
  type: list
  elements: dict
  contains:
    test:
      description: Its kind, with its file and line.
      type: str
    faults:
      description: What it found; it passed if that is nothing.
      type: list
      elements: str
    seconds:
      description: How long it took.
      type: float
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._image.build import Builder
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_plan import plan_image
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers
from ansible_collections.osaas.fleet.plugins.module_utils._image.libraries import jsonschema, yaml
from ansible_collections.osaas.fleet.plugins.module_utils._image.subject import subject_of
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject
from ansible_collections.osaas.fleet.plugins.module_utils._image.trials.golden import GoldenTrial
from ansible_collections.osaas.fleet.plugins.module_utils._image.verdict import (
    Verdict,
    judge,
    read_verdict,
    record_verdict,
    verdict_key,
)
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "definitions": {"type": "path", "required": True},
        "name": {"type": "str", "required": True},
        "layers": {"type": "path", "required": True},
        "gpgkey": {"type": "list", "elements": "path", "default": [], "no_log": False},
        "arch": {"type": "str", "default": "x86_64"},
        "appliance": {"type": "str"},
        "accept": {"type": "bool", "default": False},
    }
)


def work(module: AnsibleModule) -> Result:
    """Test it, unless that was done."""
    for library, found in (("jsonschema", jsonschema), ("PyYAML", yaml), ("solv", solv)):
        if found is None:
            module.fail_json(msg=missing_required_lib(library, reason="to test an image"))
    params, runner = module.params, ModuleRunner(module)
    name, sources = check_name(params["name"], where="name"), Path(params["definitions"])
    layers = Layers(Path(params["layers"]), runner)
    with layers.lock():
        plan = plan_image(runner, open_store(params["store"]), sources, name, params["arch"])
        keys = [Path(key) for key in params["gpgkey"]]
        key, subject = subject_of(Builder(runner, layers, plan, sources, keys), params["appliance"])
        trials = plan.images[-1].definition.trials
        golden = [trial for trial in trials if isinstance(trial, GoldenTrial)] if params["accept"] else []
        diff = [_accept(trial, subject, dry=module.check_mode) for trial in golden]
        accepted = any(one["before"] != one["after"] for one in diff)
        verdict = read_verdict(layers, key)
        done = verdict is not None and verdict.passed and verdict.key == verdict_key(trials, sources)
        if module.check_mode:
            return {"changed": accepted or not done, "diff": diff}
        if verdict is None or not done:
            verdict = judge(trials, subject)
            record_verdict(layers, key, verdict)
    if not verdict.passed:
        raise _failure(name, verdict)
    return {"changed": accepted or not done, "diff": diff, **_told(verdict)}


def _accept(trial: GoldenTrial, subject: Subject, *, dry: bool) -> dict[str, str]:
    path, text = subject.sources / trial.file, trial.difference(subject)
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not dry:
        write_atomic(path, text.encode())
    return {"before_header": str(path), "after_header": str(path), "before": before, "after": text}


def _failure(name: str, verdict: Verdict) -> FleetError:
    failed = [outcome for outcome in verdict.outcomes if outcome.faults]
    what = f"{len(failed)} of {len(verdict.outcomes)} tests failed: {'; '.join(verdict.faults())}"
    return InputError(what, where=name, details=_told(verdict))


def _told(verdict: Verdict) -> Result:
    return {"tests": [vars(outcome) for outcome in verdict.outcomes]}


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
