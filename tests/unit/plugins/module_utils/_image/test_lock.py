# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import write_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.lock import Lock, read_lock
from ansible_collections.osaas.fleet.plugins.module_utils._image.rpm_plan import PlannedPackage, RpmPlan
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place

PLACE = Place("web.yml", 3)
AGAIN = "Write it anew with relock of image_plan, and review what changed"


def plan(*nevras: str, sha256: str = "aa", remove: tuple[str, ...] = ()) -> RpmPlan:
    packages = [PlannedPackage(nevra, "baseos", f"{nevra}.rpm", sha256, 1, "asked", 2) for nevra in nevras]
    return RpmPlan("20261122T174400Z", "x86_64", tuple(packages), remove)


def lock(*nevras: str) -> Lock:
    return Lock("web.lock.json", PLACE, plan(*nevras))


def test_a_lock_forbids_other_versions_of_what_it_names() -> None:
    held = lock("bash-0:5.1-1.x86_64")

    assert held.forbids("bash-0:5.2-1.x86_64", ())
    assert not held.forbids("bash-0:5.1-1.x86_64", ())
    assert not held.forbids("jq-0:1.7-1.x86_64", ())
    assert not held.forbids("bash-0:5.2-1.x86_64", {"bash"})


def test_a_plan_that_differs_is_told_package_by_package() -> None:
    held = lock("bash-0:5.1-1.x86_64", "jq-0:1.6-1.x86_64")

    with pytest.raises(InputError) as refused:
        held.check(
            plan("bash-0:5.1-1.x86_64", "less-0:1-1.x86_64", sha256="bb", remove=("a-0:1-1.noarch",)), ()
        )

    assert str(refused.value) == (
        "web.yml:3: the lock web.lock.json cannot be met: bash-0:5.1-1.x86_64 has other bytes,"
        f" -jq-0:1.6-1.x86_64, +less-0:1-1.x86_64, +removal of a-0:1-1.noarch. {AGAIN}"
    )


def test_what_a_feature_names_exactly_is_not_bound() -> None:
    lock("bash-0:5.1-1.x86_64").check(plan("bash-0:5.2-1.x86_64"), {"bash"})


def test_a_snapshot_without_a_locked_package() -> None:
    with pytest.raises(InputError) as refused:
        lock("bash-0:5.1-1.x86_64").check_offered(["bash-0:5.2-1.x86_64"], ())

    assert str(refused.value) == (
        f"web.yml:3: the lock web.lock.json cannot be met: the snapshot has no bash-0:5.1-1.x86_64. {AGAIN}"
    )


def test_a_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "web.lock.json", plan("bash-0:5.1-1.x86_64").to_dict())

    assert read_lock(tmp_path, "web.lock.json", PLACE) == lock("bash-0:5.1-1.x86_64")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"snapshot": 1, "arch": 2, "install": 3, "remove": []}'])
def test_what_is_no_lock_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "web.lock.json").write_text(text)

    with pytest.raises(InputError) as refused:
        read_lock(tmp_path, "web.lock.json", PLACE)

    assert str(refused.value) == f"web.yml:3: web.lock.json is no lock. {AGAIN}"


def test_a_lock_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_lock(tmp_path, "web.lock.json", PLACE)

    assert str(refused.value) == (
        "web.yml:3: there is no lock web.lock.json. Write it with relock of image_plan"
    )
