# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The one exception tree. Modules and actions catch `FleetError` once, at the edge, and fail with it."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence


class FleetError(Exception):
    """Anything an operator can be told in one line: what is wrong, where, by which rule, and the way out.

    `where` names the object (a repo, a file, a host, an option); `way_out` says what to do about it.
    `details` is data that a module returns beside its message, for example the tail of a log.
    """

    def __init__(
        self, what: str, *, where: str = "", way_out: str = "", details: Mapping[str, t.Any] | None = None
    ) -> None:
        self.what = what
        self.where = where
        self.way_out = way_out
        self.details = dict(details or {})
        super().__init__(what, where, way_out)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.way_out}" if self.way_out else text


class InputError(FleetError):
    """What the operator gave breaks a rule."""


class UpstreamError(FleetError):
    """An upstream repo cannot be reached, changed under us, or breaks the format."""


class VerificationError(FleetError):
    """A signature, checksum or size does not prove what it must."""


class StoreError(FleetError):
    """The content-addressed store, or what stands in it, is not as it must be."""


class LedgerError(FleetError):
    """The ledger refuses, is locked for too long, or is of another version."""


class HostError(FleetError):
    """A host is not in the state that the step needs."""


class CommandError(FleetError):
    """A command ended with a status that is not zero."""

    def __init__(self, argv: Sequence[str], status: int, stdout: str, stderr: str) -> None:
        self.argv = tuple(argv)
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        lines = (stderr.strip() or stdout.strip() or "no output").splitlines()
        super().__init__(f"exit status {status}: {lines[-1]}", where=argv[0])


class AllErrors(FleetError):
    """Several faults found in one go; every one of them is told."""

    def __init__(self, errors: Sequence[FleetError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(str(error) for error in errors))
