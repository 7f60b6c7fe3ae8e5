# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Whether a detached signature is a good one by a key that the reader trusts: gpgv says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner


def signature_fault(runner: Runner, ring: Path, content: Path, signature: Path) -> str:
    """Why `signature` is no good one of `content` by a key of this `ring`; "" if it is."""
    argv = ["gpgv", "--homedir", str(ring.parent), "--keyring", str(ring), "--status-fd", "1"]
    done = runner.run([*argv, str(signature), str(content)], check=False)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("[GNUPG:] ")]
    found = {line[1]: line for line in lines}
    if {"GOODSIG", "VALIDSIG"} <= found.keys() and "BADSIG" not in found:
        return ""
    return _why(found, content.name)


def _why(found: Mapping[str, Sequence[str]], content: str) -> str:
    if "BADSIG" in found:
        return f"the signature does not fit {content}"
    for status, words in (("EXPKEYSIG", "an expired key"), ("REVKEYSIG", "a revoked key")):
        if status in found:
            return f"signed by {words} ({found[status][2]})"
    if "EXPSIG" in found:
        return "the signature has expired"
    if "NO_PUBKEY" in found:
        return f"signed by a key that is not allowed ({found['NO_PUBKEY'][2]})"
    return "this is not a signature"
