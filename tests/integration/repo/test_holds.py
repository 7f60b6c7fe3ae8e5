# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds: a package that stays while the others move, good enough for dnf with all of its checks on."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from integration.repo.conftest import Upstream
from integration.repo.kill_at import changes, run_and_die
from integration.repo.related import build, offer, put, stock
from integration.repo.test_crash import no_litter
from integration.repo.test_playbooks import Desk
from integration.repo.test_prune import size
from integration.repo.test_story import contents, dnf, installed
from unit.harness import ModuleResult, run

LIB = ("lib", "1", "Provides: abi = 1")
APP = ("app", "1", "Requires: abi = 1")
LATER = "2099-12-31"


def hold(**given: str) -> dict[str, str]:
    return {"until": LATER, "reason": "TICKET-1", **given}


def cut(upstream: Upstream, *holds: dict[str, str], check: bool = False, **options: Any) -> ModuleResult:
    return upstream.module("snapshot", check=check, holds=list(holds), **{**upstream.signing, **options})


def held(upstream: Upstream, *holds: dict[str, str]) -> dict[str, Any]:
    result = cut(upstream, *holds)
    assert result.changed, result.msg
    snapshot: dict[str, Any] = result.data["snapshot"]
    return snapshot


def packages(upstream: Upstream, snapshot: dict[str, Any]) -> list[str]:
    tree = upstream.store / "snapshots" / snapshot["id"] / "os"
    return sorted(rpm.name.removesuffix("-1.noarch.rpm") for rpm in tree.rglob("*.rpm"))


def test_a_held_package_stays_while_others_move(upstream: Upstream, tmp_path: Path) -> None:
    first = offer(upstream, ("lib", "1", ""), ("other", "1", ""))
    stock(upstream, ("lib", "2", ""), ("other", "2", ""))
    before = contents(upstream.store / "snapshots")

    foreseen = cut(upstream, hold(source="lib"), check=True)
    assert foreseen.changed
    assert contents(upstream.store / "snapshots") == before
    result = cut(upstream, hold(source="lib", owner="me"))

    assert result.changed
    second = result.data["snapshot"]
    part = second["repositories"]["os"]
    assert part["metadata"] == "derived"
    assert part["derived"] == ["hold of source lib (1 packages left out, 1 carried forward)"]
    assert (part["packages"], part["gpgcheck"]) == (2, True)
    told = {
        **hold(source="lib", owner="me", until="2099-12-31T00:00:00+00:00"),
        "sources": ["lib"],
        "carried": ["lib-0:1-1.noarch"],
        "left_out": ["lib-0:2-1.noarch"],
    }
    assert second["holds"] == [told]
    assert result.data["holds"] == [{**told, "outcome": "applied"}]
    same = ("repomd_sha256", "derived", "packages")
    assert [foreseen.data["snapshot"]["repositories"]["os"][key] for key in same] == [
        part[key] for key in same
    ]
    assert packages(upstream, second) == ["lib-1", "other-2"]
    for check in (True, False):
        again = cut(upstream, hold(source="lib", reason="another one"), check=check)
        assert (again.changed, again.data["snapshot"]) == (False, second)
    states = [result.data["diff"][side] for side in ("before", "after")]
    assert [state["snapshot"] for state in states] == [first, second["id"]]
    assert states[1]["repositories"]["os"] == f"{part['repomd_sha256']} (2 packages); {part['derived'][0]}"
    root, base, keys = tmp_path / "root", f"file://{upstream.store}/snapshots", both(upstream)
    dnf(upstream, root, f"{base}/{first}/os", "install", "lib", "other", keys=keys)
    dnf(upstream, root, f"{base}/{second['id']}/os", "distro-sync", keys=keys)
    assert installed(root) == ["lib-1", "other-2"]
    third = held(upstream)
    assert third["repositories"]["os"]["metadata"] == "verbatim"
    dnf(upstream, root, f"{base}/{third['id']}/os", "distro-sync", keys=keys)
    assert installed(root) == ["lib-2", "other-2"]
    dnf(upstream, root, f"{base}/{second['id']}/os", "distro-sync", keys=keys)
    assert installed(root) == ["lib-1", "other-2"]


def test_the_same_again_is_not_worked_out_again(upstream: Upstream) -> None:
    offer(upstream, ("lib", "1", ""), ("other", "1", ""))
    stock(upstream, ("lib", "2", ""), ("other", "2", ""))
    holds = [hold(source="lib"), hold(source="other", block="9")]
    first = cut(upstream, *holds)
    note = upstream.store / "last-cut.json"
    told = note.read_bytes()
    [primary] = (upstream.store / "mirrors" / "os" / "repodata").glob("*-primary.xml*")

    hidden = primary.rename(primary.with_name("hidden"))
    recalled = cut(upstream, *holds), cut(upstream, *holds, check=True)
    other = cut(upstream, *holds[:1])
    note.write_bytes(b"{}")
    forgotten = cut(upstream, *holds)
    hidden.rename(primary)
    anew = cut(upstream, *holds)

    assert [one["outcome"] for one in first.data["holds"]] == ["applied", "idle"]
    for again in (*recalled, anew):
        assert (again.changed, again.data["snapshot"]) == (False, first.data["snapshot"])
        assert again.data["holds"] == first.data["holds"]
    assert other.failed, "other holds, another question"
    assert forgotten.failed, "it is the note that knows"
    assert note.read_bytes() == told
    upstream.built.forge.key("other-site")
    signed = cut(upstream, *holds, signing_key="other-site@example.invalid")
    assert signed.changed, "signed by another key it is another state"


def published(upstream: Upstream) -> dict[str, bytes]:
    """The store without libsolv's caches."""
    found = contents(upstream.store)
    return {path: content for path, content in found.items() if not path.endswith(".solv")}


def both(upstream: Upstream) -> list[Path]:
    return [upstream.built.key, upstream.built.site_key]


@pytest.mark.parametrize("selector", [{"glob": "tiny-al*"}, {"source": "tiny"}])
def test_all_packages_of_a_source_are_carried_forward(upstream: Upstream, selector: dict[str, str]) -> None:
    upstream.sync()
    held(upstream)
    upstream.offer("2")
    upstream.sync()

    second = held(upstream, hold(**selector))

    assert packages(upstream, second) == [f"tiny-{name}-1" for name in ("alpha", "beta", "delta", "gamma")]


def test_upstream_dropped_it(upstream: Upstream) -> None:
    offer(upstream, ("lib", "1", ""), ("other", "1", ""))
    stock(upstream, ("other", "2", ""))
    assert packages(upstream, held(upstream, hold(source="lib"))) == ["lib-1", "other-2"]
    stock(upstream, ("other", "3", ""))
    assert packages(upstream, held(upstream, hold(source="lib"))) == ["lib-1", "other-3"]
    assert packages(upstream, held(upstream)) == ["other-3"]
    stock(upstream, ("other", "4", ""))
    again = held(upstream, hold(source="lib", version="1"))
    assert packages(upstream, again) == ["lib-1", "other-4"], "an older snapshot has it"


def test_a_version_of_long_ago(upstream: Upstream) -> None:
    for version in ("1", "2", "3"):
        offer(upstream, ("lib", version, ""))

    assert packages(upstream, held(upstream, hold(source="lib", version="1-1"))) == ["lib-1"]
    assert cut(upstream, hold(source="lib", version="9")).msg == (
        "hold of source lib: no mirror and no snapshot has version 9 of lib."
        " The mirrors and the last snapshot have lib-0:1-1, lib-0:3-1"
    )


def test_block(upstream: Upstream) -> None:
    offer(upstream, ("lib", "1", ""), ("new", "1", ""))
    stock(upstream, ("lib", "1", ""), ("lib", "2", ""), ("lib", "3", ""), ("new", "1", ""))
    blocked = hold(source="lib", block="2"), hold(source="new", block="*")

    snapshot = held(upstream, *blocked)

    assert packages(upstream, snapshot) == ["lib-1", "lib-2"]
    stock(upstream, ("lib", "3", ""), ("new", "2", ""))
    assert packages(upstream, held(upstream, *blocked)) == ["lib-2"]


def test_a_hold_that_leaves_something_uninstallable(upstream: Upstream) -> None:
    bad = ("bad", "1", "Requires: nowhere")
    offer(upstream, LIB, APP, bad)
    top = ("top", "1", "Requires: app = 2")
    stock(upstream, ("lib", "2", "Provides: abi = 2"), ("app", "2", "Requires: abi = 2"), top, bad)
    state = published(upstream)
    for check in (True, False):
        result = cut(upstream, hold(source="lib"), check=check)
        assert result.msg == (
            "hold of source lib (TICKET-1): what the snapshot would have could not be installed:"
            " app-0:2-1.noarch (nothing provides abi = 2 needed by app-0:2-1.noarch),"
            " top-0:1-1.noarch (top-0:1-1.noarch requires app = 2, which only app-0:2-1.noarch provides;"
            " nothing provides abi = 2 needed by app-0:2-1.noarch)."
            " Hold these packages too, or lift this hold"
        )
    reverse = cut(upstream, hold(source="app"), hold(source="bad"))
    assert reverse.msg == (
        "hold of source app (TICKET-1): what the snapshot would have could not be installed:"
        " app-0:1-1.noarch (nothing provides abi = 1 needed by app-0:1-1.noarch),"
        " top-0:1-1.noarch (nothing provides app = 2 needed by top-0:1-1.noarch)."
        " Hold these packages too, or lift this hold"
    ), "that the package nobody mends was broken before is no news"
    assert [one["package"] for one in reverse.data["broken"]] == ["app-0:1-1.noarch", "top-0:1-1.noarch"]
    assert published(upstream) == state
    assert packages(upstream, held(upstream, hold(source="lib"), hold(glob="ap*"), hold(source="top"))) == [
        "app-1",
        "bad-1",
        "lib-1",
    ]


MODULE = """\
---
document: modulemd
version: 2
data:
  name: m
  stream: "1"
  version: {version}
  context: c0ffee
  arch: noarch
  summary: A stream
  description: A stream of two packages
  license: {{module: [MIT]}}
  profiles: {{default: {{rpms: [lib, app]}}}}
  artifacts: {{rpms: [{rpms}]}}
...
---
document: modulemd-defaults
version: 1
data: {{module: m, stream: "1", profiles: {{"1": [default]}}}}
...
"""


def modular(upstream: Upstream, tmp_path: Path, version: str, *names: str) -> None:
    """Let the upstream have a module of these packages, and sync."""
    shutil.rmtree(upstream.path)
    upstream.path.mkdir()
    for name in names:
        shutil.copy(build(upstream, name, version, "ModularityLabel: m:1:1:c0ffee"), upstream.path)
    upstream.index()
    rpms = ", ".join(f'"{name}-0:{version}-1.noarch"' for name in names)
    (tmp_path / "modules.yaml").write_text(MODULE.format(version=version, rpms=rpms))
    describe(upstream, tmp_path / "modules.yaml")


def describe(upstream: Upstream, path: Path) -> None:
    """Give the upstream this record, and sync."""
    argv = ("/usr/bin/modifyrepo_c", "--mdtype", path.stem, path, upstream.path / "repodata")
    upstream.built.forge.run(*argv)
    upstream.built.forge.sign_metadata(upstream.path)
    synced = upstream.sync()
    assert not synced.failed, synced.msg


@pytest.mark.parametrize("which", ["lib", "*"])
def test_a_modular_package_keeps_its_stream(upstream: Upstream, tmp_path: Path, which: str) -> None:
    modular(upstream, tmp_path, "1", "app", "lib")
    held(upstream)
    modular(upstream, tmp_path, "2", "app", "lib")

    second = held(upstream, hold(glob=which))

    root, keys = tmp_path / "root", both(upstream)
    url = f"file://{upstream.store}/snapshots/{second['id']}/os"
    assert "1 [d]" in dnf(upstream, root, url, "module", "list", keys=keys)
    dnf(upstream, root, url, "install", "@m", keys=keys)
    assert installed(root) == ["app-2" if which == "lib" else "app-1", "lib-1"]
    assert not cut(upstream, hold(glob=which)).changed


ADVISORY = """<update from="x" status="final" type="security" version="1"><id>{id}</id><title>t</title>
<issued date="2026-11-22 00:00:00"/><description>d</description><pkglist><collection short="c"><name>c</name>
<package name="{name}" version="{version}" release="1" epoch="0" arch="noarch"/></collection></pkglist>
</update>"""


def advise(upstream: Upstream, tmp_path: Path, *advisories: tuple[str, str, str]) -> None:
    """Let the upstream have these advisories (id, name, version), and sync."""
    texts = [ADVISORY.format(id=id_, name=name, version=version) for id_, name, version in advisories]
    (tmp_path / "updateinfo.xml").write_text(f"<updates>{''.join(texts)}</updates>")
    describe(upstream, tmp_path / "updateinfo.xml")


def test_an_advisory_is_held_back(upstream: Upstream, tmp_path: Path) -> None:
    stock(upstream, ("lib", "1", ""), ("other", "1", ""))
    advise(upstream, tmp_path, ("ADV-1", "lib", "1"))
    held(upstream)
    stock(upstream, ("lib", "2", ""), ("other", "1", ""))
    advise(upstream, tmp_path, ("ADV-2", "lib", "2"), ("ADV-3", "other", "1"))
    assert packages(upstream, held(upstream)) == ["lib-2", "other-1"], "it was too late to hold it"

    snapshot = held(upstream, hold(advisory="ADV-2"))

    assert packages(upstream, snapshot) == ["lib-1", "other-1"]
    [effect] = snapshot["holds"]
    assert (effect["advisory"], effect["sources"]) == ("ADV-2", ["lib"])
    [path] = (upstream.store / "snapshots" / snapshot["id"] / "os/repodata").glob("*updateinfo.xml.gz")
    updates = gzip.decompress(path.read_bytes()).decode()
    assert all((name in updates) == (name != "ADV-2") for name in ("ADV-1", "ADV-2", "ADV-3"))
    assert not cut(upstream, hold(advisory="ADV-2")).changed


def test_holds_that_do_nothing_are_told(upstream: Upstream) -> None:
    offer(upstream, ("lib", "1", ""))
    stock(upstream, ("lib", "2", ""))
    holds = [
        hold(source="lib", until="2026-01-01T12:00:00+02:00"),
        hold(glob="nothing*"),
        hold(source="lib", block="7", reason="no newer than that"),
        hold(source="lib"),
    ]

    options = {"store": str(upstream.store), "holds": holds}
    result = run("snapshot", options, check=False, diff=True, tmp=upstream.tmp)

    assert result.warnings == (
        "hold of glob nothing*: nothing fits it that no hold before it took",
        "hold of source lib: nothing fits it that no hold before it took",
        "hold of source lib: it expired at 2026-01-01T12:00:00+02:00 and is ignored",
    )
    outcomes = [one["outcome"] for one in result.data["holds"]]
    assert outcomes == ["unmatched", "idle", "unmatched", "expired"]
    assert packages(upstream, result.data["snapshot"]) == ["lib-2"]
    assert result.data["snapshot"]["holds"] == []
    assert result.data["snapshot"]["repositories"]["os"]["metadata"] == "verbatim"


def test_the_hold_that_is_to_blame_is_named(upstream: Upstream) -> None:
    """What a package lacks may be a file, or a package that lacks something itself."""
    lib, tool, other = "Provides: abi = 1", "Provides: /usr/bin/tool", ""
    offer(upstream, ("lib", "1", lib), ("tool", "1", other), ("other", "1", other))
    stock(
        upstream,
        ("lib", "2", "Provides: abi = 2"),
        ("tool", "2", tool),
        ("other", "2", other),
        ("app", "1", "Requires: abi = 2\nProvides: app-abi"),
        ("top", "1", "Requires: app-abi"),
        ("user", "1", "Requires: /usr/bin/tool"),
    )
    holds = [hold(source=name, reason=name) for name in ("other", "tool", "lib")]

    assert cut(upstream, *holds).msg == (
        "hold of source tool (tool): what the snapshot would have could not be installed:"
        " user-0:1-1.noarch (nothing provides /usr/bin/tool needed by user-0:1-1.noarch)."
        " Hold these packages too, or lift this hold; "
        "hold of source lib (lib): what the snapshot would have could not be installed:"
        " app-0:1-1.noarch (nothing provides abi = 2 needed by app-0:1-1.noarch),"
        " top-0:1-1.noarch (top-0:1-1.noarch requires app-abi, which only app-0:1-1.noarch provides;"
        " nothing provides abi = 2 needed by app-0:1-1.noarch)."
        " Hold these packages too, or lift this hold"
    )


def test_a_hold_needs_a_key(upstream: Upstream) -> None:
    offer(upstream, ("lib", "1", ""))
    stock(upstream, ("lib", "2", ""))

    for check in (True, False):
        assert upstream.module("snapshot", check=check, holds=[hold(source="lib")]).msg == (
            "os: this is no longer what upstream signed (hold of source lib (1 packages left out, 1 carried"
            " forward)). Give a signing_key for derived metadata"
        )


@pytest.mark.parametrize("checksum", ["sha1", "sha512"])
def test_metadata_with_other_digests(upstream: Upstream, tmp_path: Path, checksum: str) -> None:
    """The store knows files by sha256, whatever upstream names them by."""
    weak = {"allow_weak_digests": True}
    for version in ("1", "2"):
        put(upstream, ("lib", version, ""), ("other", version, ""))
        upstream.index(options=(f"--checksum={checksum}",))
        synced = upstream.sync(repository=weak)
        assert not synced.failed, synced.msg
        snapshot = held(upstream, *([hold(source="lib")] if version == "2" else []))

    assert packages(upstream, snapshot) == ["lib-1", "other-2"]
    root, url = tmp_path / "root", f"file://{upstream.store}/snapshots/{snapshot['id']}/os"
    dnf(upstream, root, url, "install", "lib", "other", keys=both(upstream))
    assert installed(root) == ["lib-1", "other-2"]
    assert not cut(upstream, hold(source="lib")).changed


def test_unheld_repos_stay_verbatim(upstream: Upstream) -> None:
    offer(upstream, ("lib", "1", ""))
    other = {"name": "other", "baseurl": [upstream.url], "gpgkey": [str(upstream.built.key)]}
    upstream.offer("1")
    upstream.module("repo_sync", repositories=[other])
    stock(upstream, ("lib", "2", ""))

    repositories = held(upstream, hold(source="lib"))["repositories"]

    assert {name: part["metadata"] for name, part in repositories.items()} == {
        "os": "derived",
        "other": "verbatim",
    }


def test_cut_with_holds_killed_anywhere(upstream: Upstream) -> None:
    offer(upstream, ("lib", "1", ""))
    stock(upstream, ("lib", "2", ""))
    options = {**upstream.signing, "holds": [hold(source="lib")]}
    old = shutil.copytree(upstream.store, f"{upstream.store}.old", symlinks=True, copy_function=os.link)
    total = changes(upstream, "snapshot", **options)
    assert total > 30
    for fatal in range(1, total + 1, total // 10):
        shutil.rmtree(upstream.store)
        shutil.copytree(old, upstream.store, symlinks=True, copy_function=os.link)
        run_and_die(upstream, fatal, "snapshot", **options)
        result = cut(upstream, hold(source="lib"))
        assert not result.failed, result.msg
        assert packages(upstream, result.data["snapshot"]) == ["lib-1"]
        assert len(list((upstream.store / "snapshots").iterdir())) == 2
        no_litter(upstream)


def test_holds_of_a_playbook(upstream: Upstream) -> None:
    """As the README shows it, in a file of variables where YAML makes a date of the end."""
    offer(upstream, ("lib", "1", ""))
    put(upstream, ("lib", "2", ""))
    desk = Desk(upstream.tmp.parent / "desk", upstream)
    desk.directory.mkdir()
    (desk.directory / "fleet.yml").write_text(
        f"""\
osaas_store: {upstream.store}
osaas_repositories:
  - {{name: os, baseurl: [{upstream.url}], gpgkey: [{upstream.built.key}]}}
osaas_signing_key: {upstream.signing["signing_key"]}
osaas_gnupg_home: {upstream.signing["gnupg_home"]}
osaas_holds:
  - source: lib
    reason: TICKET-1
    until: 2099-12-31
"""
    )

    desk.play("sync")

    newest = desk.snapshots()[-1]
    manifest = json.loads((upstream.store / "snapshots" / newest / "manifest.json").read_text())
    assert packages(upstream, manifest) == ["lib-1"]
    assert [one["until"] for one in manifest["holds"]] == ["2099-12-31T00:00:00+00:00"]
    desk.play("sync")
    assert desk.snapshots()[-1] == newest


def test_prune_counts_what_holds_made(upstream: Upstream) -> None:
    """Trees of holds go with the snapshots that they were made for, and manifests with their signatures."""
    offer(upstream, ("lib", "1", ""))
    stock(upstream, ("lib", "2", ""))
    held(upstream, hold(source="lib"))
    last = held(upstream)
    before = size(upstream.store) - (upstream.store / "at.map").stat().st_size

    pruned = upstream.module("store_prune", keep=[], keep_newest=1, keep_days=0)

    assert not pruned.failed, pruned.msg
    assert (
        before - (size(upstream.store) - (upstream.store / "at.map").stat().st_size)
        == (pruned.data["prune"]["freed"])
    )
    assert packages(upstream, last) == ["lib-2"]
    verified = upstream.module("store_verify")
    assert not verified.failed, verified.msg


def test_the_manifest_is_signed(upstream: Upstream, tmp_path: Path) -> None:
    unsigned = offer(upstream, ("lib", "1", ""))
    stock(upstream, ("lib", "2", ""))
    snapshot = held(upstream)
    trusted: dict[str, Any] = {"gpgkey": [str(upstream.built.site_key)]}

    everything = upstream.module("snapshot_info").data
    assert everything["signed"] == {unsigned: False, snapshot["id"]: True}
    good = upstream.module("snapshot_info", name=snapshot["id"], **trusted)
    assert (good.failed, good.data["snapshots"]) == (False, [snapshot])
    assert upstream.module("snapshot_info", **trusted).msg == f"{unsigned}: manifest.json: it is not signed"
    stranger: dict[str, Any] = {"gpgkey": [str(upstream.built.other_key)]}
    message = upstream.module("snapshot_info", name=snapshot["id"], **stranger).msg
    assert message.startswith(f"{snapshot['id']}: manifest.json: signed by a key that is not allowed (")
    path = upstream.store / "snapshots" / snapshot["id"] / "manifest.json"
    raw = {**json.loads(path.read_text()), "creator": "somebody else"}
    del raw["holds"], raw["digest"]
    path.chmod(0o644)
    path.write_text(json.dumps({**raw, "digest": snapshot["digest"]}))
    assert upstream.module("snapshot_info", name=snapshot["id"], **trusted).msg == (
        f"{snapshot['id']}: manifest.json: the signature does not fit manifest.json"
    )
