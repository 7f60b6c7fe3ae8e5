#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell two images apart."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_diff
short_description: Tell what is different between two images
version_added: 0.1.0
description:
  - Returns packages that were added, removed, upgraded and downgraded, and every path that is not the same,
    with what is different of it.
  - Writes it as one page for a person, if asked for.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  layers:
    description: Directory of layers that the images were built in.
    type: path
    required: true
  before:
    description: The image to compare with, for example the parent.
    type: str
    required: true
  after:
    description: The image to tell of.
    type: str
    required: true
  report:
    description: Write the page, in HTML, to this file.
    type: path
seealso:
  - module: osaas.fleet.image
  - module: osaas.fleet.image_info
"""

EXAMPLES = r"""
- name: Show what web servers have over the base
  osaas.fleet.image_diff:
    layers: /var/cache/osaas/layers
    before: base
    after: web
    report: /srv/www/web.html
"""

RETURN = r"""
difference:
  description: What is different.
  returned: success
  type: dict
  contains:
    added:
      description: Packages, each with C(name), C(arch), C(old) and C(new) version.
      type: list
      elements: dict
    removed:
      description: The same for those that are gone.
      type: list
      elements: dict
    upgraded:
      description: The same for those that are newer.
      type: list
      elements: dict
    downgraded:
      description: The same for those that are older.
      type: list
      elements: dict
    files:
      description:
        - Paths, each with C(path), C(kind) (V(added), V(removed) or V(changed)), C(what) is different,
          and C(bytes) that it is larger.
      type: list
      elements: dict
    bytes:
      description: How much larger the files of O(after) are.
      type: int
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._image.compare import compare
from ansible_collections.osaas.fleet.plugins.module_utils._image.compare_page import page
from ansible_collections.osaas.fleet.plugins.module_utils._image.images import Images
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module

SPEC = ArgumentSpec(
    {
        "layers": {"type": "path", "required": True},
        "before": {"type": "str", "required": True},
        "after": {"type": "str", "required": True},
        "report": {"type": "path"},
    }
)


def work(module: AnsibleModule) -> Result:
    """Compare, and write the page."""
    params = module.params
    layers = Layers(Path(params["layers"]), ModuleRunner(module))
    images, names = Images(layers), (params["before"], params["after"])
    old, new = (layers.entries(images.layer(name).key) for name in names)
    was, now = ([package.nevra for package in images.get(name).packages] for name in names)
    found = compare((was, now), (old, new))
    changed = False
    if params["report"]:
        path, content = Path(params["report"]), page(*names, found).encode()
        changed = not path.is_file() or path.read_bytes() != content
        if changed and not module.check_mode:
            write_atomic(path, content)
    return {"changed": changed, "difference": found.to_dict()}


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
