# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of somebody who builds images: the collection, definitions, a key, a store, layers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from integration.image.site import OWNER, make_key
from testbed.distro import Distro

from .site import BIN, REPOSITORIES, SiteError, clean_environment, install_collection

IMAGES = Path(__file__).parent / "images"
PAGE = "<h1>Hello from an image</h1> built {}\n"
CONFIGURATION = """\
[defaults]
inventory = {directory}/inventory.yml
collections_path = {directory}/collections
home = {directory}/home
stdout_callback = osaas.fleet.fleet_progress
retry_files_enabled = false
"""


INVENTORY = """\
all:
  hosts:
    localhost: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""


@dataclass(frozen=True)
class Workbench:
    """Where images are built. What is there of an earlier run is used again: layers, the store, the key."""

    directory: Path

    @property
    def store(self) -> Path:
        """Where images are published."""
        return self.directory / "store"

    @property
    def layers(self) -> Path:
        """Where layers are kept."""
        return self.directory / "layers"

    def play(self, playbook: str, **variables: Any) -> None:
        """Run a playbook of the collection before a person's eyes. Raises SiteError if it fails."""
        argv = [str(BIN / "ansible-playbook"), f"osaas.fleet.{playbook}", "-e", "@fleet.yml"]
        argv += ["-e", json.dumps(variables)] if variables else []
        done = subprocess.run(argv, cwd=self.directory, env=self._environment(), check=False)
        if done.returncode:
            raise SiteError(f"osaas.fleet.{playbook} ended with status {done.returncode}")

    def ask(self, module: str, **options: Any) -> dict[str, Any]:
        """What a module returns. Raises SiteError if it fails."""
        argv = [str(BIN / "ansible"), "localhost", "-m", f"osaas.fleet.{module}", "-a", json.dumps(options)]
        environment = self._environment() | {"ANSIBLE_LOAD_CALLBACK_PLUGINS": "0"}
        done = subprocess.run(
            argv, cwd=self.directory, env=environment, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise SiteError(f"osaas.fleet.{module} failed: {done.stdout}{done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout.partition("=>")[2])
        return answer

    def root(self, image: str) -> Path:
        """All files of an image that was built."""
        told = self.ask("image_info", layers=str(self.layers), name=image)
        return self.layers / str(told["images"][0]["layers"][-1]) / "root"

    def _environment(self) -> dict[str, str]:
        return clean_environment() | {"ANSIBLE_CONFIG": str(self.directory / "ansible.cfg")}


@contextmanager
def workbench(directory: Path, distro: Distro) -> Iterator[Workbench]:
    """Lay the directory out, with a web page that is new each time; no process of it is left in the end."""
    # A testbed that was built anew may have other packages of the same names, which a store rightly refuses.
    known, upstream = directory / "upstream.xml", distro.release("r1") / "baseos/repodata/repomd.xml"
    if not known.exists() or known.read_bytes() != upstream.read_bytes():
        shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(upstream, known)
    for name in ("collections", "definitions", "graphs"):
        shutil.rmtree(directory / name, ignore_errors=True)
    for tarball in directory.glob("osaas-fleet-*.tar.gz"):
        tarball.unlink()
    install_collection(directory)
    shutil.copytree(IMAGES, directory / "definitions")
    page = PAGE.format(datetime.now(UTC).isoformat(timespec="seconds"))
    (directory / "definitions/index.html").write_text(page)
    (directory / "graphs").mkdir()
    (directory / "inventory.yml").write_text(INVENTORY)
    (directory / "ansible.cfg").write_text(CONFIGURATION.format(directory=directory))
    shutil.copy(distro.key, directory / distro.key.name)
    with make_key(directory) as key:
        site = Workbench(directory)
        variables = {
            "osaas_store": str(site.store),
            "osaas_repositories": [
                {
                    "name": name,
                    "baseurl": [f"file://{distro.release('r1') / name}"],
                    "gpgkey": [str(directory / distro.key.name)],
                }
                for name in REPOSITORIES
            ],
            "osaas_images": ["base", "web"],
            "osaas_definitions": str(directory / "definitions"),
            "osaas_layers": str(site.layers),
            "osaas_artifacts": str(directory / "images"),
            "osaas_graphs": str(directory / "graphs"),
            "osaas_appliance": "tools",
            "osaas_package_gpgkey": [str(directory / distro.key.name)],
            "osaas_signing_key": OWNER,
            "osaas_gnupg_home": str(key.home),
            "osaas_snapshot_gpgkey": [str(key.public)],
        }
        text = yaml.safe_dump(variables, sort_keys=False, width=110)
        (directory / "fleet.yml").write_text(text)
        yield site
