# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site whose playbooks run through ansible-runner, as AWX runs them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ansible_runner
import yaml
from demo.site import Site


class RunnerSite(Site):
    """Like Site; play() fails the test on any warning that Ansible prints."""

    def play(self, playbook: str, **variables: Any) -> int:
        """See Site.play."""
        given = yaml.safe_load(self.variables.read_text())
        private = self.directory / "runner"
        private.mkdir(exist_ok=True)
        done = ansible_runner.run(
            private_data_dir=str(private),
            project_dir=str(self.directory),
            playbook=f"osaas.fleet.{playbook}",
            inventory=str(self.inventory),
            extravars=given | variables,
            envvars={
                "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
                "PATH": f"{self.bin}:{os.environ['PATH']}",
            },
            quiet=True,
        )
        log = Path(done.config.artifact_dir) / "stdout"
        text = log.read_text()
        print(text)
        assert "[WARNING]" not in text and "[DEPRECATION" not in text, text
        assert done.rc is not None
        return int(done.rc)
