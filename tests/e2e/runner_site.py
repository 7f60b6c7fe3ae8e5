# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site whose playbooks run through ansible-runner, as AWX runs them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import ansible_runner
import yaml
from demo.site import BIN, Site


class RunnerSite(Site):
    """Like Site; play() fails the test on any warning that Ansible prints."""

    def play(self, playbook: str, **variables: Any) -> int:
        """See Site.play."""
        return self.run(playbook, variables)[0]

    def run(self, playbook: str, variables: dict[str, Any], flags: str = "") -> tuple[int, str]:
        """The exit status and the output of a playbook, run with these `flags` besides."""
        given = yaml.safe_load(self.variables.read_text())
        private = self.directory / "runner"
        private.mkdir(exist_ok=True)
        # The runner keeps the flags of a run for the next one.
        (private / "env/cmdline").unlink(missing_ok=True)
        done = ansible_runner.run(
            private_data_dir=str(private),
            project_dir=str(self.directory),
            playbook=f"osaas.fleet.{playbook}",
            inventory=str(self.inventory),
            extravars=given | variables,
            cmdline=flags or None,
            envvars={
                "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
                # Over those of whoever runs the tests: the installed tarball is tried, not the checkout.
                "ANSIBLE_COLLECTIONS_PATH": str(self.directory / "collections"),
                "ANSIBLE_HOME": str(self.directory / "home"),
                "PATH": f"{self.bin}:{os.environ['PATH']}",
            },
            quiet=True,
        )
        text = (Path(done.config.artifact_dir) / "stdout").read_text()
        print(text)
        assert "[WARNING]" not in text and "[DEPRECATION" not in text, text
        assert done.rc is not None
        return int(done.rc), text

    def call(self, module: str, arguments: dict[str, Any]) -> None:
        """Run a module of the collection on the controller; it must succeed."""
        argv = [str(BIN / "ansible"), "localhost", "-m", f"osaas.fleet.{module}", "-a", json.dumps(arguments)]
        done = subprocess.run(
            argv, cwd=self.directory, env=self.environment(), check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(self, host: str, module: str, **arguments: Any) -> dict[str, Any]:
        """The result of a module of the collection on a host, be it a failure."""
        given = ["-a", json.dumps(arguments)] if arguments else []  # "{}" would be taken for free-form text
        argv = [str(BIN / "ansible"), host, "-o", "-m", f"osaas.fleet.{module}", *given]
        environment = self.environment() | {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
        done = subprocess.run(
            argv, cwd=self.directory, env=environment, check=False, capture_output=True, text=True
        )
        result: dict[str, Any] = json.loads(done.stdout.partition("=>")[2])
        return result

    def reboot(self, host: str) -> None:
        """Reboot a host, and wait until it is back."""
        argv = [str(BIN / "ansible"), host, "-m", "ansible.builtin.reboot"]
        subprocess.run(argv, cwd=self.directory, env=self.environment(), check=True, capture_output=True)
