#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make artifacts of an image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_artifact
short_description: Make artifacts of an image that was built
version_added: 0.1.0
description:
  - Makes file systems, disks, archives and bills of materials of an image that M(osaas.fleet.image) built.
  - With these that module makes what stands in the definition. This one makes others, of the same image.
  - The same image and tools give the same bytes, except for Btrfs, whose mkfs makes ids up, and its streams,
    in which there are times of the builder.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._image.signing
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  layers:
    description: Directory of layers that the image was built in.
    type: path
    required: true
  name:
    description: The image.
    type: str
    required: true
  output:
    description:
      - Directory for artifacts. Those of the image are in a directory of its name, with a C(manifest.json).
        What is there of an earlier run, and is not among O(artifacts), is removed.
    type: path
    required: true
  artifacts:
    description:
      - What to make, each entry a dictionary with one key, the kind, and its options as in a definition.
      - The kinds and their options are in C(docs/image-definition.schema.json) of the collection's sources.
    type: list
    elements: dict
    required: true
  appliance:
    description:
      - Another image that was built in O(layers), which has the tools.
      - Without it, the builder's own tools are used, and artifacts depend on their versions.
    type: str
  max_parallel:
    description: How many artifacts are made at a time.
    type: int
    default: 2
seealso:
  - module: osaas.fleet.image
requirements:
  - bubblewrap, and the tools that M(osaas.fleet.image) lists
  - the Python library jsonschema
"""

EXAMPLES = r"""
- name: Make a disk of the image of web servers
  osaas.fleet.image_artifact:
    layers: /var/cache/osaas/layers
    name: web
    output: /srv/osaas/images
    artifacts:
      - disk: {root: erofs, boot: unified}
      - sbom: {}
    appliance: tools
"""

RETURN = r"""
artifacts:
  description: The files, or directories, that are there.
  returned: when not in check mode
  type: list
  elements: dict
  contains:
    kind:
      description: The kind of artifact.
      type: str
    file:
      description: Its name, in the directory of the image below O(output).
      type: str
    sha256:
      description: Its SHA-256; of a directory, that of its listing.
      type: str
    size:
      description: Its bytes.
      type: int
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact_options import read_artifacts
from ansible_collections.osaas.fleet.plugins.module_utils._image.images import Images
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers
from ansible_collections.osaas.fleet.plugins.module_utils._image.libraries import jsonschema
from ansible_collections.osaas.fleet.plugins.module_utils._image.outputs import Outputs
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey

SPEC = ArgumentSpec(
    {
        "layers": {"type": "path", "required": True},
        "name": {"type": "str", "required": True},
        "output": {"type": "path", "required": True},
        "artifacts": {"type": "list", "elements": "dict", "required": True},
        "appliance": {"type": "str"},
        "max_parallel": {"type": "int", "default": 2},
        "signing_key": {"type": "str", "no_log": False},
        "gnupg_home": {"type": "path"},
    }
)


def work(module: AnsibleModule) -> Result:
    """Make them, unless they are there."""
    if jsonschema is None:
        module.fail_json(msg=missing_required_lib("jsonschema"))
    params, runner = module.params, ModuleRunner(module)
    check_name(params["name"], where="name")
    artifacts = read_artifacts(params["artifacts"])
    layers = Layers(Path(params["layers"]), runner)
    with layers.lock():
        image = Images(layers).finished(params["name"], params["appliance"], artifacts)
        key = SigningKey.given(params["signing_key"], params["gnupg_home"])
        outputs = Outputs(Path(params["output"]) / params["name"], key, params["max_parallel"])
        current = outputs.current(image, artifacts)
        if module.check_mode:
            return {"changed": current is None}
        made = outputs.make(image, artifacts) if current is None else current
    return {"changed": current is None, "artifacts": [vars(output) for output in made]}


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
