# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An Ansible role that is run on the image."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature, Phase
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import PATH, TEXT
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Executable, Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root
from ansible_collections.osaas.fleet.plugins.module_utils._image.sources import source_tree
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place
from ansible_collections.osaas.fleet.plugins.module_utils._image.world import below

PYTHON = "/usr/bin/python3"
CONNECTION = "osaas.fleet.image_layer"
HOST = "layer"


@dataclass(frozen=True)
class AnsibleRoleFeature(Feature, kind="ansible_role"):
    """It sees the image as a host without network, and without facts: those would be the builder's.

    Each task has a sandbox of its own: no process outlives its task, and /run and /tmp are empty again.
    """

    source: str
    files: tuple[str, ...]
    variables: str = "{}"  # JSON
    outputs: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()

    phase: t.ClassVar = Phase.COMMANDS
    about: t.ClassVar = (
        "An Ansible role beside the definition, run on the image without network and without facts. The"
        " image needs /usr/bin/python3; the builder, ansible-core and this collection."
    )
    options: t.ClassVar = {
        "source": {**TEXT, "description": "Directory of the role, relative to the definition."},
        "variables": {"type": "object", "description": "Variables of the role."},
        "outputs": {
            "type": "array",
            "items": PATH,
            "description": "Files that it makes or changes.",
        },
        "directories": {
            "type": "array",
            "items": PATH,
            "description": "Directories in which it may make and change what it likes.",
        },
    }
    required: t.ClassVar = ("source",)

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Feature:
        tree = source_tree(sources, options["source"], place)
        files = tuple(f"{options['source']}/{path}" for path, found in tree if stat.S_ISREG(found.st_mode))
        variables = json.dumps(options.get("variables", {}), sort_keys=True)
        return super().read({**options, "files": files, "variables": variables}, place, sources)

    def provides(self) -> Iterable[Item]:
        for path in self.outputs:
            yield PathItem(path, FileType.FILE)

    def requires(self) -> Iterable[Requirement]:
        for program in (PYTHON, "/bin/sh"):
            yield Requirement(Key("path", program), Executable())

    def overrides(self) -> Iterable[Key]:
        return [Key("path", path) for path in self.outputs]

    def may_change(self, path: str) -> bool:
        inside = any(path == directory or below(path, directory) for directory in self.directories)
        return inside or super().may_change(path)

    def inputs(self) -> Iterable[str]:
        return self.files

    def apply(self, root: Root) -> None:
        with tempfile.TemporaryDirectory(prefix="osaas-role-") as scratch:
            play = Path(scratch) / "play.json"
            play.write_text(json.dumps([self._play(root)]), encoding="utf-8")
            argv = [sys.executable, "-m", "ansible", "playbook", f"--inventory={HOST},", str(play)]
            quiet = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_RETRY_FILES_ENABLED": "0", "ANSIBLE_HOME": scratch}
            done = root.sandbox.runner.run(argv, check=False, env={**quiet, "LC_ALL": "C.UTF-8"})
        if done.status:
            lines = [line for line in done.stdout.splitlines() if line.startswith("fatal:")]
            told = (lines or done.stderr.splitlines() or ["no output"])[-1]
            raise InputError(f"the role {self.source} failed: {told}", where=str(self.place))

    def _play(self, root: Root) -> Mapping[str, t.Any]:
        return {
            "name": f"Role {self.source}",
            "hosts": HOST,
            "gather_facts": False,
            "connection": CONNECTION,
            "environment": {"PYTHONDONTWRITEBYTECODE": "1"},
            "vars": {
                **json.loads(self.variables),
                "ansible_python_interpreter": PYTHON,
                "ansible_remote_tmp": "/var/tmp/.ansible",  # noqa: S108  # the layer's, emptied when it is sealed
                "ansible_pipelining": True,
                "osaas_layer_root": os.fspath(root.sandbox.root),
                "osaas_layer_epoch": root.sandbox.epoch,
            },
            "roles": [{"role": os.fspath((root.sources / self.source).resolve())}],
        }
