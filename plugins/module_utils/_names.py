# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Names of releases and other things that end up in paths, URLs and files."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError

# ISO 8601 basic format, UTC: sorts by age as text, and is safe in a path and a URL.
SNAPSHOT_ID = re.compile(r"\d{8}T\d{6}Z")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}")
IMAGE_ID = re.compile(rf"({NAME.pattern})-({SNAPSHOT_ID.pattern})")  # the image, and when it was published


def snapshot_id(moment: datetime) -> str:
    """The id of a snapshot cut at `moment` (an aware datetime), for example 20261122T174400Z."""
    return moment.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def image_id(name: str, moment: datetime) -> str:
    """The id of the image `name` as it was published at `moment`, for example web-20261122T174400Z."""
    return f"{name}-{snapshot_id(moment)}"


def is_release_id(value: str) -> bool:
    """Whether it is the id of a snapshot or an image."""
    return bool(SNAPSHOT_ID.fullmatch(value) or IMAGE_ID.fullmatch(value))


def check_release_id(value: str, *, where: str) -> str:
    """Return `value` if it is the id of a snapshot or an image. Raises InputError."""
    if not is_release_id(value):
        raise InputError(
            f"{value!r} is not the id of a release",
            where=where,
            way_out="Give one like 20261122T174400Z or web-20261122T174400Z",
        )
    return value


def check_snapshot_id(value: str, *, where: str) -> str:
    """Return `value` if it is a snapshot id. Raises InputError: a pin never names a channel or "latest"."""
    if not SNAPSHOT_ID.fullmatch(value):
        raise InputError(
            f"{value!r} is not a snapshot id",
            where=where,
            way_out="Give one like 20261122T174400Z; channels are resolved on the controller",
        )
    return value


def check_name(value: str, *, where: str) -> str:
    """Return `value` if it can be a path component and a repo id. Raises InputError."""
    if not NAME.fullmatch(value) or value in (".", ".."):
        raise InputError(
            f"{value!r} is not a valid name",
            where=where,
            way_out="Use letters, digits, '.', '_' and '-', beginning with a letter or digit, 127 at most",
        )
    return value
