# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key that signs the distribution: made once, without a passphrase, in a keyring inside the cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .cache import DistroError, new_directory, write_atomic
from .command import run

KEY_NAME = "RPM-GPG-KEY-testbed"
_OWNER = "Testbed Linux release key <release@testbed.invalid>"
_CLOCK = "20261001T000000!"  # stands still, so that the same content signed again has the same bytes
_LONGEST_HOME = 85  # bytes: the agent's socket names must fit into the 107 of a socket address


@dataclass(frozen=True)
class Key:
    """home: GNUPGHOME with the secret key; public: the armored public key; fingerprint: 40 digits."""

    home: Path
    public: Path
    fingerprint: str


@contextmanager
def signing_key(root: Path) -> Iterator[Key]:
    """The key below `root`, made if it is not there; the agent that gpg starts is ended with the block.

    Raises DistroError if the path is too long for gpg's sockets.
    """
    home, public = root / "gnupg", root / KEY_NAME
    if len(bytes(home)) > _LONGEST_HOME:
        raise DistroError(f"{home}: too long a path for gpg's sockets; at most {_LONGEST_HOME} bytes will do")
    try:
        if not public.exists():
            with new_directory(home) as beside:
                beside.chmod(0o700)
                (beside / "gpg.conf").write_text(f"faked-system-time {_CLOCK}\n")
            gpg(home, "--passphrase", "", "--quick-generate-key", _OWNER, "rsa3072", "sign", "never")
            write_atomic(public, gpg(home, "--armor", "--export"))
        yield Key(home, public, fingerprint(home))
    finally:
        end_agent(home)


def gpg(home: Path, *arguments: str) -> str:
    return run(["gpg", "--homedir", str(home), "--batch", "--no-tty", "--quiet", *arguments])


def fingerprint(home: Path) -> str:
    """The fingerprint of the only key of a keyring."""
    records = (line.split(":") for line in gpg(home, "--with-colons", "--list-keys").splitlines())
    return next(record[9] for record in records if record[0] == "fpr")


def end_agent(home: Path) -> None:
    """End the gpg-agent of the keyring `home`, if there is one."""
    if home.exists():
        run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"])
