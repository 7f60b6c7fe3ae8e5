#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publish an image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_publish
short_description: Make an image that was built a release of the store
version_added: 0.1.0
description:
  - Puts the artifacts of an image into the store as a release that never changes,
    C(images/NAME-20261122T174400Z/), with the manifest and the signature that its builder wrote.
    The name tells when it was published. A channel can then point at it.
  - It is refused unless the image passed the tests that its definition has now, and these artifacts are
    made of the very image that was tested.
  - It is refused unless one of the given keys signed its manifest, and every file is what that says.
  - The same artifacts are the same release, however often they are published. What it lost it gets back.
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
    support: none
  idempotent:
    support: full
options:
  definitions:
    description: Directory of the definitions, one file C(NAME.yml) for each image.
    type: path
    required: true
  name:
    description: The image to publish.
    type: str
    required: true
  layers:
    description: Directory of layers that the image was built in.
    type: path
    required: true
  output:
    description: Directory of artifacts, as it was given to M(osaas.fleet.image).
    type: path
    required: true
  gpgkey:
    description: Files with public keys, ASCII-armored. One of them must have signed the manifest.
    type: list
    elements: path
    required: true
seealso:
  - module: osaas.fleet.image
  - module: osaas.fleet.image_test
  - module: osaas.fleet.image_info
  - module: osaas.fleet.channel
requirements:
  - gpg, gpgv and GNU coreutils
  - the Python libraries jsonschema, PyYAML
"""

EXAMPLES = r"""
- name: Publish the image of web servers
  osaas.fleet.image_publish:
    store: /srv/osaas
    definitions: /srv/images
    name: web
    layers: /var/cache/osaas/layers
    output: /var/cache/osaas/images
    gpgkey:
      - /etc/pki/rpm-gpg/RPM-GPG-KEY-site
  register: published

- name: Let the first hosts have it
  osaas.fleet.channel:
    store: /srv/osaas
    name: web-testing
    release: "{{ published.release.id }}"
    who: "{{ lookup('ansible.builtin.env', 'USER') }}"
    reason: new kernel
"""

RETURN = r"""
release:
  description: The image as it stands in the store.
  returned: success
  type: dict
  contains:
    id:
      description: Its id; in check mode, that it would get now.
      type: str
      sample: web-20261122T180000Z
    name:
      description: Name of the image.
      type: str
    created:
      description: When it was published.
      type: str
      sample: '2026-11-22T18:00:00+00:00'
    snapshot:
      description: Id of the snapshot that its packages come from.
      type: str
    digest:
      description: The release digest, the SHA-256 of its C(manifest.json).
      type: str
    content:
      description: A SHA-256 over all that is in the image, as M(osaas.fleet.image) returns it.
      type: str
    packages:
      description: How many packages it has.
      type: int
    bytes:
      description: Size of all artifacts.
      type: int
    artifacts:
      description: The artifacts, as M(osaas.fleet.image) returns them.
      type: list
      elements: dict
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers
from ansible_collections.osaas.fleet.plugins.module_utils._image.libraries import jsonschema, yaml
from ansible_collections.osaas.fleet.plugins.module_utils._image.publish import (
    preview_publication,
    publish,
    read_made,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.publish_checks import check_content
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "definitions": {"type": "path", "required": True},
        "name": {"type": "str", "required": True},
        "layers": {"type": "path", "required": True},
        "output": {"type": "path", "required": True},
        "gpgkey": {"type": "list", "elements": "path", "required": True, "no_log": False},
    }
)


def work(module: AnsibleModule) -> Result:
    """Publish it, or look ahead in check mode."""
    for library, found in (("jsonschema", jsonschema), ("PyYAML", yaml)):
        if found is None:
            module.fail_json(msg=missing_required_lib(library, reason="to read a definition"))
    params, runner = module.params, ModuleRunner(module)
    name, store = check_name(params["name"], where="name"), open_store(params["store"])
    layers = Layers(Path(params["layers"]), runner)
    with layers.lock():
        made = read_made(runner, Path(params["output"]) / name, name, [Path(key) for key in params["gpgkey"]])
        tested = check_content(layers, made, Path(params["definitions"]))
        if module.check_mode:
            done = preview_publication(store, made, tested=tested)
        else:
            done = publish(store, runner, made, tested=tested)
    return {"changed": done.changed, "release": done.release.to_dict()}


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
