#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan an image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_plan
short_description: Check the definition of an image, and plan its packages
version_added: 0.1.0
description:
  - Reads the definition of an image and those that it stands upon, resolves their packages against one
    snapshot, and checks that everything fits together. Nothing is built.
  - The plan can be written to a file, to be kept beside the definition and compared in review.
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
    description: The image to plan.
    type: str
    required: true
  arch:
    description: Architecture of the image.
    type: str
    default: x86_64
  path:
    description: A file to write the plan to, as JSON.
    type: path
  graph:
    description:
      - A file to draw the image into, as SVG. It shows the image and its parents, the layers of each,
        their features with what they provide, and which feature requires which.
    type: path
  relock:
    description:
      - Plan without regard to the lock files that definitions name under C(lock), and write these anew.
      - A lock file says which packages an image gets. Without this option, a plan that is another fails.
    type: bool
    default: false
seealso:
  - module: osaas.fleet.image
requirements:
  - rpm
  - dot of Graphviz, for O(graph)
  - the Python libraries jsonschema, PyYAML, solv
"""

EXAMPLES = r"""
- name: See what the image of web servers would be made of
  osaas.fleet.image_plan:
    store: /srv/osaas
    definitions: /srv/images
    name: web
    path: /srv/images/web.plan.json
    graph: /srv/images/web.svg

- name: Move on to the packages that the snapshot has now
  osaas.fleet.image_plan:
    store: /srv/osaas
    definitions: /srv/images
    name: web
    relock: true
"""

RETURN = r"""
snapshot:
  description: Id of the snapshot that packages come from.
  returned: success
  type: str
images:
  description: The image and those that it stands upon, the first one first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    features:
      description: Its features in the order in which they are applied, each with its file and line.
      type: list
      elements: str
    deferred:
      description: Users and groups that packages are expected to make, which is looked up when they are in.
      type: list
      elements: str
    install:
      description:
        - Packages to install. Each has C(nevra), C(repository), C(href), C(sha256), C(size) in bytes,
          C(reason), V(asked) or V(required), and C(installed), the bytes that it takes once it is installed.
      type: list
      elements: dict
    remove:
      description: Packages to remove.
      type: list
      elements: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text, write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_plan import plan_image
from ansible_collections.osaas.fleet.plugins.module_utils._image.libraries import jsonschema, yaml
from ansible_collections.osaas.fleet.plugins.module_utils._image.picture import draw, picture
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "definitions": {"type": "path", "required": True},
        "name": {"type": "str", "required": True},
        "arch": {"type": "str", "default": "x86_64"},
        "path": {"type": "path"},
        "graph": {"type": "path"},
        "relock": {"type": "bool", "default": False},
    }
)


def work(module: AnsibleModule) -> Result:
    """Plan, and write it down if that is wanted."""
    params = module.params
    for library, found in (("jsonschema", jsonschema), ("PyYAML", yaml), ("solv", solv)):
        if found is None:
            module.fail_json(msg=missing_required_lib(library, reason="to plan an image"))
    check_name(params["name"], where="name")
    store, sources, locked = open_store(params["store"]), Path(params["definitions"]), not params["relock"]
    runner = ModuleRunner(module)
    plan = plan_image(runner, store, sources, params["name"], params["arch"], locked=locked)
    files = {} if locked else {sources / name: json_text(lock) for name, lock in plan.locks().items()}
    if params["path"] is not None:
        files[Path(params["path"])] = json_text(plan.to_dict())
    if params["graph"] is not None:
        files[Path(params["graph"])] = draw(runner, picture(plan))
    diff = [_write(path, text, dry=module.check_mode) for path, text in files.items()]
    return {"changed": any(one["before"] != one["after"] for one in diff), **plan.to_dict(), "diff": diff}


def _write(path: Path, text: str, *, dry: bool) -> dict[str, str]:
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not dry:
        write_atomic(path, text.encode())
    return {"before_header": str(path), "after_header": str(path), "before": before, "after": text}


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
