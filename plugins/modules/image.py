#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build an image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Build an OS image from a definition
version_added: 0.1.0
description:
  - Builds an image, and the images that it stands upon, from definitions and the packages of one snapshot.
  - Everything is planned and checked first. What is missing, of the wrong type, given twice or in a circle
    is told with its file and line before anything is built.
  - Nothing is downloaded, and what is built has no network. Packages come out of the store;
    their checksums and signatures are checked.
  - The same definitions, snapshot and keys give the same bytes, wherever and whenever they are built.
  - Layers are kept under a digest of all that they were built from, and are not built twice.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._store
  - osaas.fleet._image.signing
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  definitions:
    description:
      - Directory of the definitions, one file C(NAME.yml) for each image.
      - A JSON Schema for editors is C(docs/image-definition.schema.json) of the collection's sources.
    type: path
    required: true
  name:
    description: The image to build.
    type: str
    required: true
  layers:
    description: Directory that layers are kept in.
    type: path
    required: true
  output:
    description:
      - Directory for artifacts. Those of an image are in a directory of its name, with a C(manifest.json).
      - Required if the definition of O(name) has artifacts.
    type: path
  gpgkey:
    description: Public keys that packages must be signed with. They are imported into the image.
    type: list
    elements: path
    default: []
  arch:
    description: Architecture of the image.
    type: str
    default: x86_64
  appliance:
    description:
      - Another image among O(definitions), which has the tools that artifacts are made with.
        It is built first.
      - Without it, the builder's own tools are used, and artifacts depend on their versions.
    type: str
  keep_days:
    description: For how many days a layer is kept that no image is made of any more.
    type: float
    default: 14
  max_parallel:
    description:
      - How many artifacts are made at a time; and how many of the images that features of O(name) copy from
        are built at a time.
    type: int
    default: 2
  verify_reproducible:
    description:
      - Build the image and its artifacts a second time, elsewhere, and fail unless they are the same.
        The message names the first file that is not.
    type: bool
    default: false
  state:
    description:
      - V(built) builds the image and its artifacts, as far as they are not there.
      - V(absent) removes its artifacts, and all layers that no other image is made of.
    type: str
    choices: [built, absent]
    default: built
seealso:
  - module: osaas.fleet.image_plan
  - module: osaas.fleet.snapshot
requirements:
  - bubblewrap, rpm and GNU coreutils
  - for artifacts, here or in O(appliance), the tools of their kind out of GNU tar, cpio, gzip, zstd,
    squashfs-tools, erofs-utils, e2fsprogs, btrfs-progs, dosfstools, mtools, veritysetup, systemd-repart
    and ukify
  - for artifacts of the kind C(sendstream), a kernel that knows Btrfs, loop devices and util-linux
  - the Python libraries createrepo_c, jsonschema, PyYAML, solv
"""

EXAMPLES = r"""
- name: Build the image of web servers
  osaas.fleet.image:
    store: /srv/osaas
    definitions: /srv/images
    name: web
    layers: /var/cache/osaas/layers
    output: /srv/osaas/images
    gpgkey:
      - /etc/pki/rpm-gpg/RPM-GPG-KEY-rocky-9
  register: web

- name: Remove it
  osaas.fleet.image:
    store: /srv/osaas
    definitions: /srv/images
    name: web
    layers: /var/cache/osaas/layers
    output: /srv/osaas/images
    state: absent
"""

RETURN = r"""
image:
  description: The image.
  returned: when O(state=built) and not in check mode
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    snapshot:
      description: Id of the snapshot that its packages come from.
      type: str
    digest:
      description: A SHA-256 over all that is in it. Images with the same digest cannot be told apart.
      type: str
    files:
      description: How many files it has.
      type: int
    bytes:
      description: The size of all its files.
      type: int
layers:
  description: Every layer of it, the first one first.
  returned: when O(state=built) and not in check mode
  type: list
  elements: dict
  contains:
    image:
      description: The image that the layer belongs to, O(name) or one that it stands upon.
      type: str
    phase:
      description: What was done, V(packages), V(removals), V(files) or V(commands).
      type: str
    key:
      description: Digest of what the layer was built from.
      type: str
    digest:
      description: Digest of what is in it.
      type: str
    cached:
      description: Whether it was there already.
      type: bool
    seconds:
      description: How long it took.
      type: float
artifacts:
  description: Files that were made of the image.
  returned: when O(state=built) and not in check mode
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
      description: Its SHA-256.
      type: str
    size:
      description: Its bytes.
      type: int
pruned:
  description: Keys of layers that were removed.
  returned: when not in check mode
  type: list
  elements: str
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.build import Builder, Step
from ansible_collections.osaas.fleet.plugins.module_utils._image.built import built
from ansible_collections.osaas.fleet.plugins.module_utils._image.fixes import fixed_cves
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_plan import plan_image
from ansible_collections.osaas.fleet.plugins.module_utils._image.images import Images
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers
from ansible_collections.osaas.fleet.plugins.module_utils._image.libraries import jsonschema, yaml
from ansible_collections.osaas.fleet.plugins.module_utils._image.outputs import Outputs
from ansible_collections.osaas.fleet.plugins.module_utils._image.reproduce import verify_reproducible
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, Result, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import createrepo_c, solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store

SPEC = ArgumentSpec(
    {
        "store": {"type": "path", "required": True},
        "definitions": {"type": "path", "required": True},
        "name": {"type": "str", "required": True},
        "layers": {"type": "path", "required": True},
        "output": {"type": "path"},
        "gpgkey": {"type": "list", "elements": "path", "default": [], "no_log": False},
        "arch": {"type": "str", "default": "x86_64"},
        "appliance": {"type": "str"},
        "keep_days": {"type": "float", "default": 14},
        "max_parallel": {"type": "int", "default": 2},
        "verify_reproducible": {"type": "bool", "default": False},
        "signing_key": {"type": "str", "no_log": False},
        "gnupg_home": {"type": "path"},
        "state": {"type": "str", "choices": ["built", "absent"], "default": "built"},
    }
)


def work(module: AnsibleModule) -> Result:
    """Build it, or take it away."""
    _check(module)
    layers = Layers(Path(module.params["layers"]), ModuleRunner(module))
    with layers.lock():
        return _build(module, layers) if module.params["state"] == "built" else _remove(module, layers)


def _check(module: AnsibleModule) -> None:
    libraries = {"createrepo_c": createrepo_c, "jsonschema": jsonschema, "PyYAML": yaml, "solv": solv}
    for library, found in libraries.items():
        if found is None:
            module.fail_json(msg=missing_required_lib(library, reason="to plan an image"))
    check_name(module.params["name"], where="name")


def _build(module: AnsibleModule, layers: Layers) -> Result:
    params, name = module.params, module.params["name"]
    builder = _builder(module, layers, name)
    artifacts = builder.plan.images[-1].definition.artifacts
    if artifacts and not params["output"]:
        raise InputError("the definition has artifacts", where=name, way_out="Say where to put them: output")
    if module.check_mode:
        return {"changed": bool(builder.missing())}
    steps = list(builder.build())
    images = Images(layers)
    _record(images, builder, steps)
    image = steps[-1].layer
    if params["appliance"] is not None:
        appliance = _builder(module, layers, params["appliance"])
        _record(images, appliance, list(appliance.build()))
    made, changed = [], not all(step.cached for step in steps)
    finished = images.finished(name, params["appliance"], artifacts)
    if artifacts:
        key = SigningKey.given(params["signing_key"], params["gnupg_home"])
        outputs = Outputs(Path(params["output"]) / name, key, params["max_parallel"])
        current = outputs.current(finished, artifacts)
        made = outputs.make(finished, artifacts) if current is None else current
        changed = changed or current is None
    if params["verify_reproducible"]:
        verify_reproducible(builder, finished, artifacts, made)
    return {
        "changed": changed,
        "image": {"name": name, "snapshot": builder.plan.snapshot.id, **vars(image.summary)},
        "layers": [_told(step) for step in steps],
        "artifacts": [vars(output) for output in made],
        "pruned": images.prune(params["keep_days"]),
    }


def _builder(module: AnsibleModule, layers: Layers, name: str) -> Builder:
    params, runner = module.params, ModuleRunner(module)
    sources = Path(params["definitions"])
    plan = plan_image(runner, open_store(params["store"]), sources, name, params["arch"])
    keys = [Path(key) for key in params["gpgkey"]]
    return Builder(runner, layers, plan, sources, keys, params["max_parallel"])


def _record(images: Images, builder: Builder, steps: Sequence[Step]) -> None:
    """Keep what is to be known of an image. Raises InputError if there is nothing in it."""
    plan, keys = builder.plan, builder.stack()
    definition = plan.images[-1].definition
    if not steps:
        where = str(definition.place)
        raise InputError("the image has no features: there is nothing to build", where=where)
    known = images.find(definition.name)
    same = known is not None and known.snapshot == plan.snapshot.id and list(known.layers) == keys
    cves = known.cves if known and same else fixed_cves(builder.runner, plan.trees.values(), plan.nevras)
    images.record(built(plan, keys, cves, builder.copied()))


def _remove(module: AnsibleModule, layers: Layers) -> Result:
    images, name = Images(layers), module.params["name"]
    output = Path(module.params["output"] or layers.directory) / name
    there = images.find(name) is not None or (module.params["output"] is not None and output.is_dir())
    if module.check_mode or not there:
        return {"changed": there, "pruned": []}
    if module.params["output"] is not None and output.is_dir():
        shutil.rmtree(output)
    images.forget(name)
    return {"changed": True, "pruned": images.prune(0)}


def _told(step: Step) -> dict[str, object]:
    return {
        "image": step.image,
        "phase": step.phase.name.lower(),
        "key": step.layer.key,
        "digest": step.layer.summary.digest,
        "cached": step.cached,
        "seconds": round(step.seconds, 3),
    }


def main() -> None:
    """Entry point."""
    run_module(SPEC, work)


if __name__ == "__main__":
    main()
