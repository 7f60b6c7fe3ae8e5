# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a directory that stands for a host to its config: check, do, check, do; and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.config import read_config, write_config
from ansible_collections.osaas.fleet.plugins.module_utils._host.configuring import (
    Configured,
    Source,
    configure,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.services import Steps

PROVISIONING = {"hostname": "web-01", "root": {"password_hash": "$y$j9T$secret"}}
CONFIG: dict[str, Any] = {
    "provisioning": PROVISIONING,
    "boot": {"tries": 2},
    "runtime": {"health_checks": [{"kind": "units"}]},
}
NOWHERE = Source("", {}, "")


class Nothing:
    """A host on which no command need be run."""

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        raise AssertionError(argv)

    def warn(self, message: str) -> None:
        raise AssertionError(message)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host that was provisioned, and no more."""
    for name in ("STATE", "LOCK_FILE"):
        monkeypatch.setattr(paths, name, tmp_path / getattr(paths, name).relative_to("/"))
    write_config(tmp_path / "var/lib/osaas/config", {"provisioning": PROVISIONING})
    return tmp_path


def bring(root: Path, config: Any, *allow: str, pretend: bool = False) -> Configured:
    return configure(Nothing(), config, allow, NOWHERE, pretend=pretend, root=root)


def refusal(root: Path, config: Any, *allow: str) -> str:
    with pytest.raises(FleetError) as caught:
        bring(root, config, *allow)
    return str(caught.value)


def test_check_do_check_do(root: Path) -> None:
    directory = root / "var/lib/osaas/config"
    for pretend, changed in ((True, True), (False, True), (True, False), (False, False)):
        done = bring(root, CONFIG, "boot", "runtime", pretend=pretend)
        assert done.changed is changed
        assert done.fields == (("boot.tries", "runtime.health_checks") if changed else ())
        assert (read_config(directory) == CONFIG) is not (pretend and changed)
        assert done.steps == Steps() and not done.recovered


def test_tiers_that_are_not_given_stay(root: Path) -> None:
    bring(root, CONFIG, "boot", "runtime")
    assert bring(root, {"runtime": {}}, "runtime").fields == ("runtime.health_checks",)
    assert read_config(root / "var/lib/osaas/config") == {**CONFIG, "runtime": {}}


def test_secrets_are_compared_and_never_told(root: Path) -> None:
    done = bring(root, CONFIG, "boot", "runtime", pretend=True)
    assert "secret" not in repr(done)
    other = {"provisioning": {**PROVISIONING, "root": {"password_hash": "$y$j9T$other"}}}
    assert refusal(root, other, "runtime") == (
        "provisioning.root.password_hash: may not change now. "
        "Provision the host anew, by osaas.fleet.provision, or leave the field as it is"
    )


def test_what_may_not_change_stops_what_may(root: Path) -> None:
    message = refusal(root, CONFIG, "runtime")
    assert message == (
        "boot.tries: may not change now. "
        "Allow changes of boot, which take effect with the next deployment, or leave the field as it is"
    )
    assert "runtime" not in read_config(root / "var/lib/osaas/config")


def test_a_service_that_is_not_here_needs_a_store(root: Path) -> None:
    service = {"name": "one", "release": "one-20261122T174400Z", "digest": "1" * 64}
    assert refusal(root, {"runtime": {"services": [service]}}, "runtime") == (
        "services: one-20261122T174400Z is not on this host yet. "
        "Give the url of the store, and the gpgkeys that may have signed the image"
    )
    assert read_config(root / "var/lib/osaas/config") == {"provisioning": PROVISIONING}
