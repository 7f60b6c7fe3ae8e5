#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: List the images that were built, and those that were published
version_added: 0.1.0
description:
  - Returns what is known of the images in a directory of layers, and of their artifacts.
  - Or of those that were published into a store, and which channels point at them.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes.info
  - osaas.fleet._attributes.action_group
options:
  layers:
    description: Directory of layers that images were built in; they are returned as RV(images).
    type: path
  store:
    description: Store that images were published into; they are returned as RV(published).
    type: path
  name:
    description:
      - Return this image alone. It must have been built, if O(layers) is given.
      - From O(store), all releases of the image of this name are returned; or just one, given by its id or
        by a channel that points at it. It must have been published.
    type: str
  output:
    description: Directory of artifacts. Without it, RV(images[].artifacts) is empty.
    type: path
  gpgkey:
    description:
      - Files with public keys, ASCII-armored. Fail unless one of them signed the manifest of every release
        that is returned, and with it all of its files.
      - By default signatures are not looked at.
    type: list
    elements: path
    default: []
seealso:
  - module: osaas.fleet.image
  - module: osaas.fleet.image_diff
  - module: osaas.fleet.image_publish
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

- name: See which releases of it there are
  osaas.fleet.image_info:
    store: /srv/osaas
    name: web
  register: releases

- name: Show the newest one that was built from a snapshot
  ansible.builtin.debug:
    msg: "{{ (releases.published | selectattr('snapshot', 'equalto', '20261122T174400Z') | first).id }}"
"""

RETURN = r"""
published:
  description: The releases of images, newest first, each as M(osaas.fleet.image_publish) returns it.
  returned: when O(store) is given
  type: list
  elements: dict
channels:
  description: The id of the release that each channel points at, by channel name.
  returned: when O(store) is given
  type: dict
  sample:
    web-stable: web-20261122T180000Z
images:
  description: The images, by name.
  returned: when O(layers) is given
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
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import channels, find_images
from ansible_collections.osaas.fleet.plugins.module_utils._repo.manifest_signature import verify_manifests
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import open_store

SPEC = ArgumentSpec(
    {
        "layers": {"type": "path"},
        "store": {"type": "path"},
        "name": {"type": "str"},
        "output": {"type": "path"},
        "gpgkey": {"type": "list", "elements": "path", "default": [], "no_log": False},
    },
    required_one_of=[("layers", "store")],
)


def work(module: AnsibleModule) -> Result:
    """Read what was kept."""
    built = _built(module) if module.params["layers"] is not None else {}
    released = _published(module) if module.params["store"] is not None else {}
    return {"changed": False, **built, **released}


def _built(module: AnsibleModule) -> Result:
    params = module.params
    images = Images(Layers(Path(params["layers"]), ModuleRunner(module)))
    names = [params["name"]] if params["name"] is not None else images.names()
    return {"images": [_told(images, name, params["output"]) for name in names]}


def _published(module: AnsibleModule) -> Result:
    store, name = open_store(module.params["store"]), module.params["name"]
    found = find_images(store, name)
    places = [store.images / one.id for one in found]
    verify_manifests(ModuleRunner(module), places, [Path(key) for key in module.params["gpgkey"]])
    return {"published": [one.to_dict() for one in found], "channels": channels(store)}


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
