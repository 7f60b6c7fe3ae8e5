# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install a system root from a release with the machine's own dnf, apart from the machine's configuration."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from .build import FLAVOURS, Distro
from .cache import DistroError, Progress
from .keys import end_agent
from .publish import REPOS

_MAIN = """\
[main]
gpgcheck=1
best=True
skip_if_unavailable=False
install_weak_deps=False
installonly_limit=3
clean_requirements_on_remove=True
plugins=0
reposdir=/nonexistent
"""

_REPO = """
[{repo}]
name=Testbed Linux {release} {repo}
baseurl=file://{place}
gpgkey=file://{key}
gpgcheck=1
repo_gpgcheck=1
"""


def install_root(distro: Distro, release: str, root: Path, *, progress: Progress) -> None:
    """Install groups core and tools (with beacon) of a release into the directory `root`.

    The log lies beside it as `<root>.log`. Raises DistroError with dnf's last words.
    """
    dnf(distro, release, root, "install", "@core", "@tools", progress=progress)


def dnf(distro: Distro, release: str, root: Path, *arguments: str, progress: Progress) -> None:
    """Run dnf in the root, with the two repos of a release and nothing else; all signatures are checked.

    Raises DistroError with dnf's last words.
    """
    root = root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    log = root.with_name(f"{root.name}.log")
    progress(f"dnf {' '.join(arguments)} in {root} from {release}")
    with tempfile.TemporaryDirectory() as scratch:
        home, cache = Path(scratch, "home"), Path(scratch, "cache")
        home.mkdir()
        # The build machine's rpm keeps its database below $HOME: say where the system's own lies.
        (home / ".rpmmacros").write_text("%_dbpath /usr/lib/sysimage/rpm\n")
        (home / "dnf.conf").write_text(
            _MAIN
            + "".join(
                _REPO.format(repo=repo, release=release, place=distro.release(release) / repo, key=distro.key)
                for repo in REPOS
            )
        )
        with log.open("a") as output:
            done = subprocess.run(
                [
                    "dnf",
                    "--assumeyes",
                    f"--config={home / 'dnf.conf'}",
                    f"--installroot={root}",
                    f"--releasever={FLAVOURS[distro.flavour].major}",
                    f"--setopt=cachedir={cache}",
                    *arguments,
                ],
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        for keyring in cache.glob("*/pubring"):
            end_agent(keyring)
    if done.returncode:
        words = [line for line in log.read_text().splitlines() if line.strip()]
        raise DistroError(f"dnf failed with status {done.returncode}: {words[-1]}; the whole log: {log}")
