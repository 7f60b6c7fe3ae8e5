# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The site's own signature, for metadata that is no longer the upstream's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import CommandError, InputError


@dataclass(frozen=True)
class SigningKey:
    """A key of the operator's: `id` as gpg takes it, `home` its GnuPG home (None: that of the user)."""

    id: str
    home: Path | None = None

    @classmethod
    def given(cls, id_: str | None, home: str | None) -> SigningKey | None:
        """The key that the options signing_key and gnupg_home give, if they do."""
        return cls(id_, Path(home) if home else None) if id_ else None

    def sign(self, runner: Runner, content: Path) -> bytes:
        """The ASCII-armored detached signature of `content`. Raises InputError if the key cannot sign."""
        argv = [*self._gpg, "--quiet", "--yes", "--pinentry-mode", "loopback"]
        argv += ["--local-user", self.id, "--digest-algo", "SHA256", "--armor", "--detach-sign"]
        signature = Path(f"{content}.asc")
        try:
            runner.run([*argv, "--output", str(signature), str(content)])
        except CommandError as error:
            raise InputError(
                f"it cannot sign: {error.stderr.strip() or error.what}".replace("\n", "; "),
                where=f"signing_key {self.id!r}",
                way_out="Give a key whose secret half is in gnupg_home and needs no passphrase",
            ) from error
        return signature.read_bytes()

    def has_signed(self, runner: Runner, content: Path, signature: Path) -> bool:
        """Whether `signature` is a good one of `content` by this very key."""
        own = self.fingerprints(runner)
        argv = [*self._gpg, "--status-fd", "1", "--verify", str(signature), str(content)]
        said = [line.split() for line in runner.run(argv, check=False).stdout.splitlines()]
        return any(words[1] == "VALIDSIG" and words[2] in own for words in said if len(words) > 2)

    def fingerprints(self, runner: Runner) -> frozenset[str]:
        """Of the keys, and their subkeys, that it may be; none if there is no such key."""
        listed = runner.run([*self._gpg, "--with-colons", "--list-secret-keys", "--", self.id], check=False)
        return frozenset(line.split(":")[9] for line in listed.stdout.splitlines() if line.startswith("fpr:"))

    @property
    def _gpg(self) -> list[str]:
        home = ["--homedir", str(self.home)] if self.home else []
        return ["gpg", *home, "--batch", "--no-tty"]
