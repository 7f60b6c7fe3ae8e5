# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A clock that cannot be right makes good signatures and certificates look bad: say so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timezone

from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError


def doubt(release: str, now: datetime) -> str:
    """What to say of a clock that shows `now` (UTC), before the snapshot `release` was cut; or nothing."""
    made = datetime.strptime(release, "%Y%m%dT%H%M%S%z")
    if now >= made:
        return ""
    return f"the clock of this host shows {now:%Y-%m-%d %H:%M} UTC, before {release} was made"


@contextlib.contextmanager
def suspected(release: str) -> Iterator[None]:
    """Add the doubt, if there is any, to whatever fails."""
    try:
        yield
    except FleetError as error:
        said = doubt(release, datetime.now(timezone.utc))
        if not said:
            raise
        raise type(error)(
            f"{error.what}; {said}", where=error.where, way_out="Set its clock", details=error.details
        ) from error
