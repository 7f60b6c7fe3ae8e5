# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight on real repos: what a snapshot broke, and what it would do to hosts."""

from __future__ import annotations

from typing import Any

from integration.repo.conftest import Upstream
from integration.repo.related import offer

LIB = ("lib", "1", "Provides: abi = 1")
APP = ("app", "1", "Requires: abi = 1")
OLD = ["lib-0:1-1.noarch", "app-0:1-1.noarch"]


def check(upstream: Upstream, snapshot: str, *packages: list[str], **options: Any) -> Any:
    sets = [
        {"name": f"set{index}", "hosts": ["web-01", "web-02", "web-03"], "packages": one}
        for index, one in enumerate(packages)
    ]
    return upstream.module("snapshot_check", snapshot=snapshot, package_sets=sets, **options)


def test_a_good_snapshot(upstream: Upstream) -> None:
    offer(upstream, LIB, APP)
    second = offer(upstream, ("lib", "2", "Provides: abi = 1"), APP, ("new", "1", ""))

    foreseen = upstream.module("snapshot_check", check=True, snapshot=second)
    assert foreseen.changed
    assert not (upstream.store / "checks").exists()
    result = check(upstream, second, OLD, ["app-2:9-1.noarch", "vendor-0:1-1.noarch"])
    assert not result.failed, result.msg
    [good, odd] = result.data["check"]["package_sets"]
    assert (good["upgrade"], good["install"], good["remove"]) == (["lib-0:2-1.noarch"], [], [])
    assert good["download"] > 1000
    assert odd["unknown"] == ["app-2:9-1.noarch", "vendor-0:1-1.noarch"]
    assert odd["downgrade"] == ["app-0:1-1.noarch"]
    assert not check(upstream, second, OLD, ["app-2:9-1.noarch", "vendor-0:1-1.noarch"]).changed


def test_a_broken_snapshot(upstream: Upstream) -> None:
    """The library lost what the application needs, which breaks what needs the application too."""
    top = ("top", "1", "Requires: app")
    bad = ("bad", "1", "Requires: nowhere")
    offer(upstream, LIB, APP, top, bad)
    second = offer(upstream, ("lib", "2", "Provides: abi = 2"), APP, top, bad)

    result = check(upstream, second, [*OLD, "top-0:1-1.noarch"])

    broken = {one["package"]: one["reasons"] for one in result.data["check"]["broken"]}
    missing = "nothing provides abi = 1 needed by app-0:1-1.noarch"
    assert broken == {
        "app-0:1-1.noarch": [missing],
        "top-0:1-1.noarch": ["top-0:1-1.noarch requires app, which only app-0:1-1.noarch provides", missing],
    }
    assert result.data["check"]["known_broken"] == 1
    [told] = result.data["check"]["package_sets"]
    assert told["remove"] == ["app-0:1-1.noarch", "top-0:1-1.noarch"]
    assert f"app-0:1-1.noarch cannot be installed: {missing}" in result.msg
    assert "set0 (web-01, web-02 and 1 more): app-0:1-1.noarch would be removed: " in result.msg
    verdict = (upstream.store / "checks" / f"{second}.json").read_text()
    assert '"passed": false' in verdict
    assert "web-01" not in verdict
    listed = upstream.module("snapshot_info").data["checks"]
    assert [(name, one["passed"]) for name, one in listed.items()] == [(second, False)]


def test_removals_can_be_allowed(upstream: Upstream) -> None:
    offer(upstream, LIB, ("old", "1", "Requires: abi = 1"))
    second = offer(upstream, ("lib", "2", "Provides: abi = 1\nConflicts: old"))
    packages = ["lib-0:1-1.noarch", "old-0:1-1.noarch"]

    refused = check(upstream, second, packages)
    assert refused.failed
    assert "old-0:1-1.noarch would be removed: " in refused.msg
    assert "conflicts with old" in refused.msg
    allowed = check(upstream, second, packages, allow_removals=["ol*"])
    assert not allowed.failed, allowed.msg
    assert allowed.data["check"]["package_sets"][0]["remove"] == ["old-0:1-1.noarch"]


def test_obsoleted_is_replaced_not_removed(upstream: Upstream) -> None:
    offer(upstream, LIB, APP)
    second = offer(upstream, LIB, ("app-ng", "2", "Obsoletes: app < 2\nProvides: app = 2"))

    result = check(upstream, second, OLD)

    assert not result.failed, result.msg
    [told] = result.data["check"]["package_sets"]
    assert (told["replace"], told["install"]) == (["app-0:1-1.noarch"], ["app-ng-0:2-1.noarch"])


def test_requirements_with_conditions(upstream: Upstream) -> None:
    """One is void, one is met, one is not, and one can be met in no way that leaves the package itself."""
    void = ("void", "1", "Requires: (nowhere if absent)")
    met = ("met", "1", "Requires: (nowhere or lib)")
    unmet = ("unmet", "1", "Requires: (nowhere if lib)\nRequires: lib")
    torn = ("torn", "1", "Requires: (lib and foe)")
    snapshot = offer(upstream, LIB, void, met, unmet, torn, ("foe", "1", "Conflicts: lib"))

    broken = {one["package"]: one["reasons"] for one in check(upstream, snapshot).data["check"]["broken"]}

    assert sorted(broken) == ["torn-0:1-1.noarch", "unmet-0:1-1.noarch"]
    assert any("nowhere if lib" in reason for reason in broken["unmet-0:1-1.noarch"])
    assert any("foe-1-1.noarch conflicts with lib" in reason for reason in broken["torn-0:1-1.noarch"])


def test_held_packages_are_shown(upstream: Upstream) -> None:
    offer(upstream, LIB, APP)
    offer(upstream, ("lib", "2", "Provides: abi = 1"), APP)
    hold = {"source": "lib", "version": "1", "reason": "regression", "until": "2199-12-31"}
    held = upstream.module("snapshot", holds=[hold], **upstream.signing)
    assert not held.failed, held.msg

    result = check(upstream, held.data["snapshot"]["id"], OLD)

    assert not result.failed, result.msg
    [told] = result.data["check"]["package_sets"]
    assert (told["held"], told["upgrade"]) == (["lib-0:1-1.noarch"], [])


def test_old_kernels_make_room(upstream: Upstream) -> None:
    """dnf keeps three; what needs the one that goes would go with it, and that is a fault."""
    kernels = [("core", version, "Provides: installonlypkg(kernel)") for version in "1234"]
    driver = ("driver", "1", "Requires: core = 1")
    offer(upstream, *kernels[:3], driver)
    last = offer(upstream, *kernels)
    installed = [f"core-0:{version}-1.noarch" for version in "123"]

    result = check(upstream, last, installed, [*installed, "driver-0:1-1.noarch"])

    plain, driven = result.data["check"]["package_sets"]
    assert (plain["passed"], plain["install"], plain["expire"]) == (
        True,
        ["core-0:4-1.noarch"],
        installed[:1],
    )
    assert driven["remove"] == ["driver-0:1-1.noarch"]
    assert "driver-0:1-1.noarch would be removed: " in result.msg


def test_files_that_only_the_file_lists_have(upstream: Upstream) -> None:
    offer(upstream, LIB)
    second = offer(upstream, LIB, ("user", "1", "Requires: /usr/share/nowhere"))

    assert "nothing provides /usr/share/nowhere needed by user-0:1-1.noarch" in check(upstream, second).msg


def test_a_bad_package_name(upstream: Upstream) -> None:
    only = offer(upstream, LIB)

    assert check(upstream, only, ["lib"]).msg == (
        "set0: 'lib' is not the name of a package build. Give it as name-[epoch:]version-release.arch"
    )
