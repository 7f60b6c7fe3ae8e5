# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repo playbooks as an operator runs them: sync, preflight, promote, back again, prune."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest
from integration.desk import Desk as AnyDesk
from integration.repo.conftest import Upstream
from integration.repo.related import put

SETS = [{"name": "web", "hosts": ["web-01", "web-02"], "packages": ["tool-0:1-1.noarch", "lib-0:1-1.noarch"]}]
FIRST = (("tool", "1", "Requires: lib"), ("lib", "1", ""))
BROKEN = (("tool", "2", "Requires: lib >= 3"), ("lib", "1", ""))
MENDED = (("tool", "3", "Requires: lib"), ("lib", "1", ""))
LATEST = (("tool", "4", "Requires: lib"), ("lib", "1", ""))


@dataclass(frozen=True)
class Desk(AnyDesk):
    """One with a store that has an upstream."""

    upstream: Upstream

    def snapshots(self) -> list[str]:
        """Ids, oldest first."""
        return sorted(path.name for path in (self.upstream.store / "snapshots").glob("*"))

    def channels(self) -> dict[str, str]:
        """Where each channel points."""
        links = (self.upstream.store / "channels").glob("*")
        return {link.name: link.readlink().name for link in links if link.is_symlink()}

    def state(self) -> dict[str, float]:
        """Every file of the store, and when it changed; but for the lock, which readers may take."""
        files = self.upstream.store.rglob("*")
        return {
            str(file): file.lstat().st_mtime
            for file in files
            if file.name != "store.lock" and not file.is_dir()
        }


NIGHTLY = """\
- import_playbook: osaas.fleet.sync
- import_playbook: osaas.fleet.preflight
  vars: {osaas_release: untested}
- import_playbook: osaas.fleet.promote
  vars: {osaas_release: untested, osaas_channel: testing, osaas_reason: passed its checks}
"""


@pytest.fixture
def desk(upstream: Upstream) -> Desk:
    directory = upstream.tmp.parent / "desk"
    directory.mkdir()
    repository = {"name": "os", "baseurl": [upstream.url], "gpgkey": [str(upstream.built.key)]}
    (directory / "sets.json").write_text(json.dumps(SETS))
    variables = {
        "osaas_store": str(upstream.store),
        "osaas_repositories": [repository],
        "osaas_package_sets_file": str(directory / "sets.json"),
    }
    (directory / "fleet.yml").write_text(json.dumps(variables))
    return Desk(directory, upstream)


def test_from_upstream_to_stable_and_back(desk: Desk) -> None:
    put(desk.upstream, *FIRST)
    assert desk.play("sync", "--check") == ["os: a new state"]
    assert not desk.snapshots()
    mirror, snapshot = desk.play("sync")
    (first,) = desk.snapshots()
    assert re.fullmatch(r"os: a new state, 2 packages of [0-9.]+ KB, [0-9.]+ KB downloaded", mirror)
    words = rf"snapshot {first}: new, 2 packages of [0-9.]+ KB, channel untested now points at it"
    assert re.fullmatch(words, snapshot)
    mirror, snapshot = desk.play("sync")
    assert re.fullmatch(r"os: as before, 2 packages of [0-9.]+ KB", mirror)
    assert re.fullmatch(rf"snapshot {first}: as before, .+, channel untested points at it", snapshot)

    move = {"osaas_release": "untested", "osaas_reason": "looks good"}
    unchecked = f"Move the channel FAILED: {first}: it was never checked. Check it with snapshot_check"
    assert desk.refused("promote", osaas_channel="testing", **move) == unchecked
    good = desk.play("preflight", osaas_release="untested")
    assert any(line.startswith(f"{first} breaks nothing in 1 package sets") for line in good), good
    before = desk.state()
    assert desk.play("promote", "--check", osaas_channel="testing", **move) == [
        f"channel testing: {first}, new"
    ]
    assert desk.state() == before
    for channel in ("testing", "stable"):
        assert desk.play("promote", osaas_channel=channel, **move) == [f"channel {channel}: {first}, new"]

    put(desk.upstream, *BROKEN)
    desk.play("sync")
    _, broken = desk.snapshots()
    found = desk.refused("preflight", osaas_release="untested")
    assert "nothing provides lib >= 3 needed by tool-0:2-1.noarch" in found
    assert "web (web-01, web-02): tool-0:1-1.noarch would be removed" in found
    failed = desk.refused("promote", osaas_channel="testing", **move)
    assert failed.startswith(f"Move the channel FAILED: {broken}: it failed its checks of ")
    assert desk.channels() == {"untested": broken, "testing": first, "stable": first}

    put(desk.upstream, *MENDED)
    desk.play("sync")
    mended = desk.snapshots()[-1]
    desk.play("preflight", osaas_release="untested")
    assert desk.play("promote", osaas_channel="stable", **move) == [f"channel stable: {mended}, was {first}"]
    back = {"osaas_release": "testing", "osaas_reason": "tool is slow", "osaas_channel": "stable"}
    assert desk.play("promote", **back) == [f"channel stable: {first}, was {mended}"]
    assert desk.play("promote", **back) == [f"channel stable: {first}, as before"]
    history = json.loads((desk.upstream.store / "channels/stable.json").read_text())
    assert [(move["to"], move["who"], move["reason"]) for move in history] == [
        (first, "operator", "looks good"),
        (mended, "operator", "looks good"),
        (first, "operator", "tool is slow"),
    ]

    put(desk.upstream, *LATEST)
    desk.play("sync")
    latest = desk.snapshots()[-1]
    policy = {"osaas_keep": [], "osaas_keep_newest": 1, "osaas_keep_days": 0}
    before = desk.state()
    assert desk.play("prune", "--check", **policy)[-1].startswith("1 of 4 snapshots and images would go")
    assert desk.state() == before
    assert desk.play("prune", **policy)[-1].startswith("1 of 4 snapshots and images went")
    # Where a channel was before its last move stays, to be gone back to.
    assert desk.snapshots() == [first, mended, latest]


def test_a_package_that_is_held(desk: Desk) -> None:
    put(desk.upstream, *FIRST)
    desk.play("sync")
    put(desk.upstream, *MENDED)
    hold = {"source": "tool", "version": "1-1", "owner": "shop", "reason": "slow", "until": "2099-01-01"}
    signing = {f"osaas_{name}": value for name, value in desk.upstream.signing.items()}
    _mirror, held, snapshot = desk.play("sync", osaas_holds=[hold], **signing)
    words = "hold tool: applied, 1 packages kept, 1 left out, until 2099-01-01T00:00:00+00:00 (slow)"
    assert held == words
    unsigned, newest = desk.snapshots()
    assert snapshot.startswith(f"snapshot {newest}: new, 2 packages")

    trusted = {"osaas_snapshot_gpgkey": [str(desk.upstream.built.site_key)]}
    assert desk.play("preflight", osaas_release=newest, **trusted)
    move = {"osaas_channel": "testing", "osaas_reason": "test", **trusted}
    assert desk.play("promote", osaas_release=newest, **move) == [f"channel testing: {newest}, new"]
    words = f" FAILED: {unsigned}: manifest.json: it is not signed"
    assert desk.refused("promote", osaas_release=unsigned, **move) == f"Move the channel{words}"
    refused = desk.refused("preflight", osaas_release=unsigned, **trusted)
    assert refused == f"Look the release up in the store{words}"


def test_a_night_in_one_playbook(desk: Desk) -> None:
    (desk.directory / "nightly.yml").write_text(NIGHTLY)
    put(desk.upstream, *FIRST)
    status, output = desk.run("nightly.yml", (), {})
    (first,) = desk.snapshots()
    assert status == 0 and desk.channels() == {"untested": first, "testing": first}, output
    put(desk.upstream, *BROKEN)
    status, output = desk.run("nightly.yml", (), {})
    assert status == 2 and "Promote a release" not in output, output
    assert desk.channels() == {"untested": desk.snapshots()[-1], "testing": first}


def test_what_is_not_told_or_not_there(desk: Desk) -> None:
    missing = "See that all is told FAILED: Validation of arguments failed:\nmissing required arguments: {}"
    move = {"osaas_channel": "stable", "osaas_release": "testing"}
    assert desk.refused("promote", **move) == missing.format("osaas_reason")
    (desk.directory / "fleet.yml").write_text("{}")
    assert desk.refused("sync") == missing.format("osaas_repositories, osaas_store")


def test_tags_and_limits_that_fit_nothing(desk: Desk) -> None:
    for flags in (("--tags", "nothing"), ("--limit", "web-01")):
        status, output = desk.run("osaas.fleet.sync", flags, {})
        assert status == 0 and "0 hosts ok" in output, output
    assert not desk.snapshots()


def test_a_signature_that_is_missing(desk: Desk) -> None:
    (desk.upstream.path / "repodata/repomd.xml.asc").unlink()
    failed = desk.refused("sync")
    assert failed.startswith("Sync the mirrors with their upstreams FAILED: os: repodata/repomd.xml.asc: ")
    assert not desk.snapshots() and not desk.channels()
