# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run tasks inside a layer of an image while it is built."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_layer
short_description: Run tasks inside a layer of an image that is being built
version_added: 0.1.0
description:
  - Each command has a sandbox of its own, with the layer as its whole file system and without network.
    No process outlives it; C(/run) and C(/tmp) are empty each time.
  - The image builder uses it for roles; see the kind C(ansible_role) of features. It is of no use elsewhere.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - ansible.builtin.connection_pipelining
requirements:
  - bubblewrap
options:
  layer_root:
    description: Directory of the layer's root.
    type: path
    required: true
    vars:
      - name: osaas_layer_root
  layer_epoch:
    description: Time of the image, in seconds since 1970.
    type: int
    required: true
    vars:
      - name: osaas_layer_epoch
"""

import shutil
import subprocess
import typing as t
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase
from ansible_collections.osaas.fleet.plugins.module_utils._image.links import place_in
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import sandboxed


class Connection(ConnectionBase):
    """A layer as a host."""

    transport = "osaas.fleet.image_layer"
    has_pipelining = True

    def _connect(self) -> Connection:
        root = self._root
        if not root.is_dir():
            raise AnsibleConnectionFailure(f"{root}: there is no such layer")
        self._connected = True
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a line of shell in the layer; returns its status and what it wrote."""
        self._connect()
        epoch = t.cast("int", self._option("layer_epoch"))
        argv = sandboxed(self._root, epoch, ["/bin/sh", "-c", cmd])
        done = subprocess.run(argv, input=in_data or b"", capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the layer."""
        if not Path(in_path).is_file():
            raise AnsibleFileNotFound(f"{in_path}: there is no such file")
        shutil.copyfile(in_path, self._place(out_path))

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the layer."""
        if not self._place(in_path).is_file():
            raise AnsibleFileNotFound(f"{in_path}: there is no such file in the layer")
        shutil.copyfile(self._place(in_path), out_path)

    def close(self) -> None:
        """Nothing is left open between commands."""
        self._connected = False

    @property
    def _root(self) -> Path:
        return Path(t.cast("str", self._option("layer_root")))

    def _option(self, name: str) -> object:
        return self.get_option(name)  # type: ignore[no-untyped-call]  # ansible-core's

    def _place(self, path: str) -> Path:
        """Where a path of the layer lies for the builder; no link leads out of the layer."""
        return place_in(self._root, path)
