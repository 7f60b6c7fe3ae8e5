# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site that builds images, signs them with a key of its own, and publishes them into a store."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.image.conftest import Workshop
from unit.harness import ModuleResult, run

OWNER = "site@example.invalid"


@dataclass(frozen=True)
class SiteKey:
    """A key: its GnuPG home, and a file with the public half."""

    home: Path
    public: Path

    @property
    def signing(self) -> dict[str, Any]:
        """Options that let a module sign with it."""
        return {"signing_key": OWNER, "gnupg_home": str(self.home)}


@contextmanager
def make_key(directory: Path) -> Iterator[SiteKey]:
    """The key in a directory, made if there is none; its agent is stopped in the end."""
    key = SiteKey(directory / "gnupg", directory / "site.asc")
    try:
        if not key.public.exists():
            _generate(key)
        yield key
    finally:
        subprocess.run(["gpgconf", "--homedir", str(key.home), "--kill", "all"], check=True)


def _generate(key: SiteKey) -> None:
    shutil.rmtree(key.home, ignore_errors=True)
    key.home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(key.home), "--batch", "--quiet"]
    subprocess.run([*gpg, "--passphrase", "", "--quick-generate-key", OWNER, "ed25519", "sign"], check=True)
    exported = subprocess.run([*gpg, "--armor", "--export", OWNER], check=True, capture_output=True)
    key.public.write_bytes(exported.stdout)


@dataclass(frozen=True)
class Site:
    """A workshop, a key, and a store that the images of the workshop go into."""

    workshop: Workshop
    key: SiteKey
    store: Path

    @property
    def definitions(self) -> dict[str, Any]:
        """Where images are defined and built."""
        return {
            "definitions": str(self.workshop.definitions),
            "layers": str(self.workshop.directory / "here/layers"),
        }

    def build(self, name: str) -> None:
        """Build, with artifacts that are signed."""
        built = self.workshop.build(name, **self.key.signing)
        assert not built.failed, built.msg

    def test(self, name: str) -> ModuleResult:
        """Run the image's own tests."""
        released = self.workshop.released
        given = {"name": name, "gpgkey": [str(released.distro.key)], **self.definitions}
        return self._run("image_test", store=str(released.store), **given)

    def publish(self, name: str, *, check: bool = False, **options: Any) -> ModuleResult:
        """Publish it into the store."""
        output, keys = str(self.workshop.directory / "here/images"), [str(self.key.public)]
        given = {"name": name, "output": output, "gpgkey": keys, **self.definitions, **options}
        return self.module("image_publish", check=check, **given)

    def module(self, name: str, /, *, check: bool = False, **options: Any) -> ModuleResult:
        """Run a module on the store."""
        return self._run(name, check=check, store=str(self.store), **options)

    def _run(self, module: str, /, *, check: bool = False, **options: Any) -> ModuleResult:
        result = run(module, options, check=check, diff=False, tmp=self.workshop.directory)
        assert not result.warnings, result.warnings
        return result


def make_site(workshop: Workshop, key: SiteKey, store: Path) -> Site:
    """A site with an empty store."""
    (store / "mirrors").mkdir(parents=True)
    return Site(workshop, key, store)
