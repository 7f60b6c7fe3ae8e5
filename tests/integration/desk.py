# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks of the collection, as an operator runs them against this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Desk:
    """Where the operator types commands, as `operator`."""

    directory: Path

    def play(self, playbook: str, *flags: str, **variables: Any) -> list[str]:
        """What `ansible-playbook osaas.fleet.PLAYBOOK -e @fleet.yml` says, but for what it did."""
        status, output = self.run(f"osaas.fleet.{playbook}", flags, variables)
        assert status == 0, output
        assert "[WARNING]" not in output and "[DEPRECATION" not in output, output
        lines = [line.strip() for line in output.splitlines()]
        assert lines[-1] == "1 hosts ok", output
        return [line for line in lines[2:-1] if line and not re.match(r"\d\d:\d\d:\d\d ", line)]

    def refused(self, playbook: str, *flags: str, **variables: Any) -> str:
        """Why the playbook fails: task and message."""
        status, output = self.run(f"osaas.fleet.{playbook}", flags, variables)
        assert status == 2, output
        reason = re.search(r"localhost +(.+ FAILED: .+?)(?: \([0-9.]+ s\))?\n\n", output, re.DOTALL)
        assert reason, output
        return reason[1]

    def run(self, playbook: str, flags: tuple[str, ...], variables: dict[str, Any]) -> tuple[int, str]:
        """Exit status and output of a playbook."""
        argv = ["ansible-playbook", playbook, "-e", "@fleet.yml", *flags]
        argv += ["-e", json.dumps(variables)] if variables else []
        environment = {
            **os.environ,
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_STDOUT_CALLBACK": "osaas.fleet.fleet_progress",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "ANSIBLE_REMOTE_TMP": str(self.directory / "remote_tmp"),  # USER has no home
            "USER": "operator",
        }
        done = subprocess.run(
            argv, cwd=self.directory, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr
