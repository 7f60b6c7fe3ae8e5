# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory a sync takes at its peak, verbatim and derived; packages have 60 files each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from bench.measure import Cost, Table, measure
from bench.synthetic import FILES, synthetic

ROOT = Path(__file__).parents[2]
KEY = """\
%no-protection
Key-Type: RSA
Key-Length: 2048
Name-Email: bench@example.invalid
%commit
"""


def run(work: Path, packages: int) -> list[Table]:
    """See __main__.py; from files, for there is nothing to learn about a network here."""
    repo, gnupg = synthetic(packages), work / "gnupg"
    gnupg.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(gnupg), "--batch", "--quiet", "--generate-key"]
    subprocess.run(gpg, input=KEY, text=True, capture_output=True, check=True)
    try:
        rows = {
            "repo_sync, verbatim": _sync(work, repo),
            "repo_sync, the same again": _sync(work, repo),
            "repo_sync, derived": _sync(work, repo, exclude=["*-000000"]),
        }
    finally:
        subprocess.run(["gpgconf", "--homedir", str(gnupg), "--kill", "all"], check=True)
    shutil.rmtree(work / "store")
    title = f"Memory, {packages} packages with {FILES} files each, no signatures, file: upstream, one run"
    return [Table(title, "repo_sync, verbatim", rows)]


def _sync(work: Path, repo: Path, **choice: object) -> Cost:
    described = {"name": "os", "baseurl": [f"file://{repo}/"], "gpgcheck": False, "repo_gpgcheck": False}
    arguments = {
        "store": str(work / "store"),
        "repositories": [{**described, **choice}],
        "signing_key": "bench@example.invalid",
        "gnupg_home": str(work / "gnupg"),
        "_ansible_remote_tmp": str(work),
    }
    module = "ansible_collections.osaas.fleet.plugins.modules.repo_sync"
    argv = [sys.executable, "-m", module, json.dumps({"ANSIBLE_MODULE_ARGS": arguments})]
    return measure(argv, {"PYTHONPATH": str(ROOT / ".cache" / "collections")}, work / "log")
