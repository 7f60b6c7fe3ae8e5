#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: List the images that were built
version_added: 0.1.0
description:
  - Returns what is known of the images in a directory of layers, and of their artifacts.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes.info
  - osaas.fleet._attributes.action_group
options:
  layers:
    description: Directory of layers that the images were built in.
    type: path
    required: true
  name:
    description: Return this image alone. It must have been built.
    type: str
  output:
    description: Directory of artifacts. Without it, RV(images[].artifacts) is empty.
    type: path
seealso:
  - module: osaas.fleet.image
  - module: osaas.fleet.image_diff
"""

EXAMPLES = r"""
- name: Ask what is in the image of web servers
  osaas.fleet.image_info:
    layers: /var/cache/osaas/layers
    name: web
  register: web

- name: Show its size
  ansible.builtin.debug:
    msg: "{{ web.images[0].packages | length }} packages, {{ web.images[0].bytes | human_readable }}"
"""

RETURN = r"""
images:
  description: The images, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    arch:
      description: Its architecture.
      type: str
    snapshot:
      description: Id of the snapshot that its packages come from.
      type: str
    digest:
      description: A SHA-256 over all that is in it.
      type: str
    files:
      description: How many files it has.
      type: int
    bytes:
      description: The size of all its files.
      type: int
    layers:
      description: Keys of its layers, the first one first.
      type: list
      elements: str
    packages:
      description: NEVRAs of its packages.
      type: list
      elements: str
    labels:
      description: What it says of itself.
      type: dict
    cves:
      description: Ids of the CVEs that its packages have fixed, by advisories of the snapshot.
      type: list
      elements: str
    artifacts:
      description: What was made of it, as M(osaas.fleet.image) returns it.
      type: list
      elements: dict
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.images import Images
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers
from ansible_collections.osaas.fleet.plugins.module_utils._image.outputs import MANIFEST
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module

SPEC = ArgumentSpec(
    {
        "layers": {"type": "path", "required": True},
        "name": {"type": "str"},
        "output": {"type": "path"},
    }
)


def work(module: AnsibleModule) -> Result:
    """Read what was kept."""
    params = module.params
    images = Images(Layers(Path(params["layers"]), ModuleRunner(module)))
    names = [params["name"]] if params["name"] is not None else images.names()
    return {"changed": False, "images": [_told(images, name, params["output"]) for name in names]}


def _told(images: Images, name: str, output: str | None) -> dict[str, object]:
    image = images.get(name)
    manifest = read_json(Path(output) / name / MANIFEST) if output else None
    return {
        "name": name,
        "arch": image.arch,
        "snapshot": image.snapshot,
        **vars(images.layer(name).summary),
        "layers": list(image.layers),
        "packages": [package.nevra for package in image.packages],
        "labels": dict(image.labels),
        "cves": sorted({cve for cves in image.cves.values() for cve in cves}),
        "artifacts": manifest["artifacts"] if manifest else [],
    }


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
