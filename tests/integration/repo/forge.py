# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes real upstreams: RPMs out of one spec, signed by real keys, in repos with signed metadata."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SPEC = """\
Name: tiny
Version: {version}
Release: 1
Summary: Test packages
License: GPL-3.0-or-later
BuildArch: noarch
%description
Test packages.
{packages}
%install
mkdir -p %{{buildroot}}/usr/share/tiny
{files}
"""
PACKAGE = """\
%package {name}
Summary: Test package {name}
%description {name}
Test package {name}.
%files {name}
/usr/share/tiny/{name}
"""


@dataclass(frozen=True)
class Forge:
    """A workshop below `root` with a GnuPG home of its own."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "GNUPGHOME": str(self.root / "gnupg"), "LC_ALL": "C"}

    def run(self, *argv: str | Path) -> str:
        done = subprocess.run(
            [str(word) for word in argv], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def key(self, name: str) -> Path:
        """Make a signing key `name`; returns the file with its public half."""
        (self.root / "gnupg").mkdir(mode=0o700, exist_ok=True)
        identity = f"{name} <{name}@example.invalid>"
        batch = ("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "")
        self.run(*batch, "--quick-generate-key", identity, "rsa2048", "sign", "never")
        public = self.root / f"{name}.asc"
        public.write_text(self.run("gpg", "--batch", "--armor", "--export", f"{name}@example.invalid"))
        return public

    def build(self, version: str, names: list[str], payload: int = 2000) -> Path:
        """Build one unsigned package for each of `names`, with `payload` bytes that do not compress."""
        top = self.root / f"build-{version}"
        top.mkdir()
        files = [f"head -c {payload} /dev/urandom > %{{buildroot}}/usr/share/tiny/{name}" for name in names]
        packages = [PACKAGE.format(name=name) for name in names]
        spec = top / "tiny.spec"
        spec.write_text(SPEC.format(version=version, packages="\n".join(packages), files="\n".join(files)))
        self.run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", spec)
        return top / "RPMS" / "noarch"

    def sign(self, key: str, *rpms: Path) -> None:
        defines = ("--define", "__gpg /usr/bin/gpg", "--define", f"_gpg_name {key}@example.invalid")
        self.run("rpmsign", *defines, "--addsign", *rpms)

    def index(self, repo: Path, *, key: str = "upstream", options: tuple[str, ...] = ()) -> None:
        """Make the metadata of the packages in `repo`, and sign it."""
        shutil.rmtree(repo / "repodata", ignore_errors=True)
        self.run("/usr/bin/createrepo_c", "--quiet", "--general-compress-type=gz", *options, repo)
        self.sign_metadata(repo, key=key)

    def sign_metadata(self, repo: Path, *, key: str = "upstream") -> None:
        repomd = repo / "repodata" / "repomd.xml"
        Path(f"{repomd}.asc").unlink(missing_ok=True)
        batch = ("gpg", "--batch", "--quiet", "--local-user", f"{key}@example.invalid")
        self.run(*batch, "--armor", "--detach-sign", "--output", f"{repomd}.asc", repomd)

    def close(self) -> None:
        """End the gpg-agent of this home."""
        self.run("gpgconf", "--kill", "all")
