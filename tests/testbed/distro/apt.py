# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages of a Debian suite, through apt and the mirror that the machine uses itself."""

from __future__ import annotations

from pathlib import Path

from .cache import DistroError
from .command import run

_SOURCE = """\
Types: deb
URIs: {mirror}
Suites: {suite}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


class Apt:
    """apt for one suite. It knows nothing of the machine's packages, and writes only below `place`."""

    def __init__(self, suite: str, place: Path) -> None:
        """Raises DistroError if the machine's own apt has no mirror of Debian."""
        self._suite, self._mirror = suite, _mirror()
        for empty in ("archives/partial", "lists/partial", "sources"):
            (place / empty).mkdir(parents=True, exist_ok=True)
        (place / "sources/suite.sources").write_text(_SOURCE.format(mirror=self._mirror, suite=suite))
        options = {
            "Dir::Etc::SourceList": "/dev/null",
            "Dir::Etc::SourceParts": str(place / "sources"),
            "Dir::State::Lists": str(place / "lists"),
            "Dir::State::Status": "/dev/null",
            "Dir::Cache": str(place),
            "Debug::NoLocking": "1",
            "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "0",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        self._flags = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]

    def update(self) -> None:
        """Fetch the list of the suite's packages. Raises DistroError, which names the mirror."""
        try:
            run(["apt-get", "-qq", *self._flags, "update", "--error-on=any"])
        except DistroError as error:
            raise DistroError(
                f"cannot read the package list of Debian's suite {self._suite} from {self._mirror}: "
                f"is that mirror reachable, and has it this suite? ({error})"
            ) from error

    def show(self, name: str) -> str:
        """The control fields of a package of the suite."""
        return run(["apt-cache", *self._flags, "show", "--no-all-versions", name])

    def download(self, names: list[str]) -> None:
        """Download `names` and all they depend on to `place`/archives, where nothing of older lists stays."""
        run(["apt-get", "-qq", *self._flags, "autoclean"])
        run(["apt-get", "-qq", "-y", *self._flags, "--download-only", "install", *names])


def _mirror() -> str:
    """Where the machine's own apt finds Debian."""
    targets = run(["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Component: main"])
    found = (line.partition(" ")[2] for line in targets.splitlines() if line.startswith("Debian "))
    mirror = next(found, None)
    if mirror is None:
        raise DistroError("apt knows of no mirror of Debian on this machine; run `apt-get update`")
    return mirror
