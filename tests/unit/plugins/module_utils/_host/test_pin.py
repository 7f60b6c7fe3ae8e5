# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be pinned, what is remembered, and where a rollback leads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import (
    Pin,
    Repository,
    Trust,
    check_pin,
    pin_from_json,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.pinning import next_pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.rollback import target_of

R1, R2, R3 = (
    Pin(f"2026110{number}T000000Z", "d", "http://store", (Repository("baseos", ("key",)),))
    for number in (1, 2, 3)
)


def test_json_round_trip() -> None:
    pin = replace(R2, previous=R1)
    assert pin_from_json(pin.as_json()) == pin
    assert "previous" not in R1.as_json()


@pytest.mark.parametrize("value", [{}, [], {**R1.as_json(), "repositories": [1]}])
def test_a_damaged_file_is_named(value: object) -> None:
    with pytest.raises(HostError, match=r"/etc/osaas/release.json: is not a pin .* Pin the host again"):
        pin_from_json(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"release": "latest"}, "release: 'latest' is not a snapshot id"),
        ({"url": "ftp://x"}, "url: 'ftp://x' is not a base URL"),
        ({"repositories": ()}, "repositories: is empty"),
        ({"repositories": (Repository("../x", ("key",)),)}, "repositories: '../x' is not a valid name"),
        ({"repositories": (Repository("a", ()),)}, "repositories: a: has no gpgkey"),
        ({"repositories": (Repository("a", ("no",)),)}, "repositories: a: key 'no' is not in gpgkeys"),
    ],
)
def test_what_cannot_be_pinned(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_pin(replace(R1, **change), Trust({"key": ""}))  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_previous_is_the_last_release_that_really_ran() -> None:
    assert next_pin(R1, None, None).previous is None
    on_r2 = next_pin(R2, R1, R1.release)
    assert on_r2.previous == R1
    assert next_pin(R2, on_r2, R1.release).previous == R1, "pinned again"
    assert next_pin(R3, on_r2, R2.release).previous == R2
    assert next_pin(R3, on_r2, R1.release).previous == R1, "r2 was pinned, but never ran"
    assert next_pin(R1, on_r2, R1.release).previous is None, "back by hand"


def test_rollback_target() -> None:
    assert target_of(replace(R2, previous=R1), R2.release) == R1
    assert target_of(R1, R2.release) == R1, "left already"
    with pytest.raises(HostError, match="has no release before 20261101T000000Z to go back to"):
        target_of(R1, R1.release)
    with pytest.raises(HostError, match="this host: is not pinned"):
        target_of(None, R1.release)


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(InputError, match=r"ca_cert: holds no certificate. Give its content, in PEM"):
        check_pin(R1, Trust({"key": ""}, "/etc/pki/ca.pem"))
