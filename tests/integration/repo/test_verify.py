# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of damage that a store can take is found, told, and repaired, or kept away from clients."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from integration.repo.conftest import Upstream
from integration.repo.related import offer, stock
from integration.repo.state import differing, faults, state
from integration.repo.test_crash import described, no_litter
from integration.repo.test_story import contents
from unit.harness import ModuleResult

RPM = "Packages/tiny-alpha-1-1.noarch.rpm"


@pytest.fixture
def snapshot(upstream: Upstream) -> str:
    """A store whose only snapshot has what the mirror has; its id."""
    assert upstream.sync().changed
    name: str = upstream.module("snapshot", **upstream.signing).data["snapshot"]["id"]
    upstream.module("channel", name="stable", release=name, who="me", reason="test")
    return name


def verify(upstream: Upstream, **options: Any) -> ModuleResult:
    return upstream.module("store_verify", **options)


def repair(upstream: Upstream, *, known: bool = True) -> ModuleResult:
    return verify(upstream, repair=True, retries=0, repositories=described(upstream) if known else [])


def tree(upstream: Upstream) -> Path:
    return (upstream.store / "mirrors" / "os").resolve()


def spoil(path: Path) -> None:
    """Change one bit, in place: every link to it has it."""
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    path.chmod(0o444)


def object_of(upstream: Upstream, href: str) -> Path:
    inode = (tree(upstream) / href).stat().st_ino
    return next(path for path in upstream.store.glob("objects/sha256/*/*") if path.stat().st_ino == inode)


def below(upstream: Upstream, path: Path) -> str:
    return str(path.relative_to(upstream.store))


def test_a_good_store(upstream: Upstream, snapshot: str) -> None:
    result = verify(upstream)

    files = list(upstream.store.glob("objects/sha256/*/*"))
    size = sum(path.stat().st_size for path in files)
    assert not result.failed, result.msg
    assert result.msg == f"{len(files)} files of {size} bytes and 1 trees are as they must be"
    assert result.data["verify"] == {
        "objects": len(files),
        "bytes": size,
        "trees": 1,
        "unneeded": 0,
        "unneeded_bytes": 0,
        "faults": [],
        "repaired": {},
        "left": [],
    }


Harm = Callable[[Upstream, str], str]  # does it, and returns the path of the fault


def _flip(href: str) -> Harm:
    def harm(upstream: Upstream, _snapshot: str) -> str:
        path = object_of(upstream, href)
        spoil(path)
        return below(upstream, path)

    return harm


def _lose_object(upstream: Upstream, _snapshot: str) -> str:
    path = object_of(upstream, RPM)
    path.unlink()
    return below(upstream, path)


def _lose_file(upstream: Upstream, _snapshot: str) -> str:
    path = object_of(upstream, RPM)
    (tree(upstream) / RPM).unlink()
    return below(upstream, path)


def _lose_both(upstream: Upstream, snapshot: str) -> str:
    _lose_object(upstream, snapshot)
    (tree(upstream) / RPM).unlink()
    digest = next(iter(upstream.built.packages["1"].glob("tiny-alpha*")))
    return below(upstream, _object(upstream, digest))


def _object(upstream: Upstream, same: Path) -> Path:
    digest = hashlib.sha256(same.read_bytes()).hexdigest()
    return upstream.store / "objects" / "sha256" / digest[:2] / digest


def _lose_tree(upstream: Upstream, _snapshot: str) -> str:
    path = object_of(upstream, "repodata/repomd.xml")
    shutil.rmtree(tree(upstream))
    return below(upstream, path)


def _cut_short(upstream: Upstream, _snapshot: str) -> str:
    path = object_of(upstream, RPM)
    os.truncate(path, 100)
    return below(upstream, path)


def _mode(upstream: Upstream, _snapshot: str) -> str:
    path = object_of(upstream, RPM)
    path.chmod(0o644)
    return below(upstream, path)


def _snapshot_mode(upstream: Upstream, snapshot: str) -> str:
    (upstream.store / "snapshots" / snapshot).chmod(0o755)
    return f"snapshots/{snapshot}"


def _record(upstream: Upstream, _snapshot: str) -> str:
    path = tree(upstream).with_name(f"{tree(upstream).name}.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "packages": 99}))
    return below(upstream, path)


def _no_record(upstream: Upstream, _snapshot: str) -> str:
    path = tree(upstream).with_name(f"{tree(upstream).name}.json")
    path.write_text("{")
    return below(upstream, path)


def _snapshot_link(upstream: Upstream, snapshot: str) -> str:
    (upstream.store / "snapshots" / snapshot / "os").unlink()
    return f"snapshots/{snapshot}/os"


def _channel_link(upstream: Upstream, snapshot: str) -> str:
    link = upstream.store / "channels" / "stable"
    link.unlink()
    link.symlink_to(upstream.tmp)
    return "channels/stable"


def _map(upstream: Upstream, _snapshot: str) -> str:
    (upstream.store / "at.map").write_text("")
    return "at.map"


def _manifest(name: str, told: str = "manifest.json") -> Harm:
    def harm(upstream: Upstream, snapshot: str) -> str:
        spoil(upstream.store / "snapshots" / snapshot / name)
        return f"snapshots/{snapshot}/{told}"

    return harm


def _no_manifest(upstream: Upstream, snapshot: str) -> str:
    (upstream.store / "snapshots" / snapshot / "manifest.json").unlink()
    return f"snapshots/{snapshot}/manifest.json"


HARMS: dict[str, tuple[Harm, str, str]] = {
    "a bit of a package": (_flip(RPM), "damaged", "fetched"),
    "a bit of repomd.xml": (_flip("repodata/repomd.xml"), "damaged", "fetched"),
    "a bit of the signature": (_flip("repodata/repomd.xml.asc"), "damaged", "fetched"),
    "the end of a package": (_cut_short, "damaged", "fetched"),
    "an object": (_lose_object, "missing", "linked"),
    "a file of a tree": (_lose_file, "missing", "linked"),
    "both": (_lose_both, "missing", "fetched"),
    "a whole tree": (_lose_tree, "missing", "linked"),
    "a mode": (_mode, "mode", "mode set"),
    "the mode of a snapshot": (_snapshot_mode, "mode", "mode set"),
    "a record": (_record, "record", "written anew"),
    "the format of a record": (_no_record, "record", "written anew"),
    "a bit of a manifest": (_manifest("manifest.json"), "manifest", "taken from its copy"),
    "a bit of its signature": (_manifest("manifest.json.asc"), "manifest", "taken from its copy"),
    "a bit of its copy": (_manifest("manifest.json.copy", "manifest.json.copy"), "manifest", "copied"),
    "a manifest": (_no_manifest, "manifest", "taken from its copy"),
    "a link of a snapshot": (_snapshot_link, "link", "set"),
    "a channel": (_channel_link, "link", "set"),
    "the map": (_map, "link", "written anew"),
}


@pytest.mark.parametrize("name", HARMS)
def test_harm_is_found_and_repaired(upstream: Upstream, snapshot: str, name: str) -> None:
    harm, what, done = HARMS[name]
    before = state(upstream.store)
    path = harm(upstream, snapshot)

    found = verify(upstream)
    assert found.failed
    assert (what, path) in faults(found)
    assert f"; {faults(found)[0][1]}: " in found.msg
    assert found.msg.endswith(". Run it with repair")
    spoiled = state(upstream.store)
    foreseen = verify(upstream, check=True, repair=True)
    assert foreseen.changed
    assert not foreseen.failed
    assert state(upstream.store) == spoiled, "a look changes nothing"

    mended = repair(upstream)
    assert not mended.failed, mended.msg
    assert mended.changed
    assert mended.data["verify"]["repaired"][path] == done
    healed = verify(upstream)
    assert not healed.failed, healed.msg
    assert not repair(upstream).changed
    assert differing(before, state(upstream.store)) <= ({path} if what == "record" else set())
    no_litter(upstream)


def test_what_nobody_has_is_kept_away_from_clients(upstream: Upstream, snapshot: str) -> None:
    """Until upstream has it again: then the next sync heals the mirror, and the next repair the snapshot."""
    before = state(upstream.store)
    bad = object_of(upstream, RPM)
    spoil(bad)
    spoiled = bad.read_bytes()
    (upstream.path / RPM).rename(upstream.tmp / "kept")

    result = repair(upstream)

    assert result.changed
    assert result.failed
    assert result.msg.endswith(
        f"1 missing; {below(upstream, bad)}: the tree does not have it."
        " Sync and cut again as before, then repair again"
    )
    [(path, done)] = result.data["verify"]["repaired"].items()
    assert path == below(upstream, bad)
    assert done.startswith(f"quarantined: os: {RPM}: 404 Not Found (from {upstream.url})")
    assert not (tree(upstream) / RPM).exists(), "nothing damaged is served"
    cell = upstream.store / "quarantine" / bad.name
    assert cell.read_bytes() == spoiled
    assert json.loads(cell.with_name(f"{cell.name}.json").read_text())["snapshots"] == [snapshot]
    assert upstream.module("snapshot").msg == (
        "os: damaged files of this mirror are in quarantine. Sync it first"
    )
    again = repair(upstream)
    assert (again.failed, again.changed) == (True, False)

    (upstream.tmp / "kept").rename(upstream.path / RPM)
    assert upstream.sync().changed
    healed = verify(upstream)
    assert not healed.failed, healed.msg
    shutil.rmtree(upstream.store / "quarantine")
    records = {below(upstream, path) for path in upstream.store.glob("trees/*/*.json")}
    assert differing(before, state(upstream.store)) <= records, "the time of the sync is in the record"


def test_an_older_snapshot_is_healed_by_a_repair_after_the_sync(upstream: Upstream, snapshot: str) -> None:
    old = contents(upstream.store / "snapshots" / snapshot)
    shared = next(iter(upstream.built.packages["1"].glob("tiny-alpha*")))
    upstream.offer("2")
    shutil.copy(shared, upstream.path / "Packages")
    upstream.index()
    assert upstream.sync().changed
    newer = upstream.module("snapshot").data["snapshot"]["id"]
    spoil(_object(upstream, shared))

    result = repair(upstream, known=False)

    [fault] = result.data["verify"]["faults"]
    assert fault["snapshots"] == [snapshot, newer]
    assert fault["repositories"] == ["os"]
    assert fault["bytes"] == shared.stat().st_size
    [done] = result.data["verify"]["repaired"].values()
    assert done == "quarantined: no repository is given that it could be fetched from"
    assert upstream.sync().changed
    assert not (upstream.store / "snapshots" / snapshot / "os" / RPM).exists()
    assert not repair(upstream, known=False).failed
    assert contents(upstream.store / "snapshots" / snapshot) == old


def test_derived_metadata_is_made_again_by_a_sync(upstream: Upstream) -> None:
    """No upstream has it. The site signs it anew, which makes another state."""
    choice = {"include": ["tiny-alpha"]}
    assert upstream.sync(repository=choice, **upstream.signing).changed
    before = contents(upstream.store / "mirrors" / "os")
    primary = next(name for name in before if name.endswith("primary.xml.gz"))
    spoil(object_of(upstream, primary))

    assert "quarantined: " in next(iter(repair(upstream).data["verify"]["repaired"].values()))
    assert upstream.sync(repository=choice, **upstream.signing).changed
    assert contents(upstream.store / "mirrors" / "os") == before
    healed = verify(upstream)
    assert not healed.failed, healed.msg


def test_what_is_not_the_stores_is_told_and_left_alone(upstream: Upstream, snapshot: str) -> None:
    strangers = ["objects/sha256/ab/readme", f"trees/os/{tree(upstream).name}/notes.txt"]
    for name in strangers:
        (upstream.store / name).parent.mkdir(exist_ok=True)
        (upstream.store / name).write_text("mine")
    directory = upstream.store / "snapshots" / snapshot
    directory.chmod(0o755)
    (directory / "extra").symlink_to("/etc")
    directory.chmod(0o555)

    for result in (verify(upstream), repair(upstream)):
        assert sorted(faults(result)) == [
            ("foreign", strangers[0]),
            ("foreign", f"snapshots/{snapshot}/extra"),
            ("foreign", strangers[1]),
        ]
        assert result.failed
        assert not result.changed


def test_a_snapshot_that_nothing_is_known_of_is_kept_away(upstream: Upstream, snapshot: str) -> None:
    """One lost manifest must not keep all other snapshots from being used."""
    upstream.offer("2")
    upstream.sync()
    newer = upstream.module("snapshot").data["snapshot"]["id"]
    upstream.module("channel", name="stable", release=newer, who="me", reason="test")
    lost = upstream.store / "snapshots" / newer
    raw = json.loads((lost / "manifest.json").read_text())
    (lost / "manifest.json").chmod(0o644)
    (lost / "manifest.json").write_text(json.dumps({**raw, "digest": "0" * 64}))
    spoil(lost / "manifest.json.copy")
    assert upstream.module("snapshot_info").failed

    result = repair(upstream)

    assert faults(result) == [("manifest", f"snapshots/{newer}")]
    told = "quarantined: the manifest does not fit its digest, and it has no good copy"
    assert result.data["verify"]["repaired"][f"snapshots/{newer}"] == told
    assert not result.failed, result.msg
    listed = upstream.module("snapshot_info").data
    assert [one["id"] for one in listed["snapshots"]] == [snapshot]
    assert listed["channels"] == {"stable": snapshot}, "where it was before"
    cell = upstream.store / "quarantine" / newer
    assert json.loads((cell / "manifest.json").read_text())["id"] == newer
    assert json.loads(cell.with_name(f"{newer}.json").read_text())["why"] == (
        "the manifest does not fit its digest"
    )
    assert not verify(upstream).failed


def test_manifests_that_the_site_did_not_sign(upstream: Upstream, snapshot: str) -> None:
    upstream.offer("2")
    upstream.sync()
    unsigned = upstream.module("snapshot").data["snapshot"]["id"]
    trusted = {"gpgkey": [str(upstream.built.site_key)]}
    assert not verify(upstream).failed

    for result in (verify(upstream, **trusted), verify(upstream, repair=True, **trusted)):
        assert faults(result) == [("manifest", f"snapshots/{unsigned}/manifest.json.asc")]
        assert (result.failed, result.changed) == (True, False)
        assert f"snapshots/{unsigned}/manifest.json.asc: it is not signed" in result.msg
    stranger = verify(upstream, gpgkey=[str(upstream.built.other_key)])
    assert sorted(path for _what, path in faults(stranger)) == [
        f"snapshots/{name}/manifest.json.asc" for name in sorted((snapshot, unsigned))
    ]


def test_a_mirror_that_points_elsewhere_is_synced_anew(upstream: Upstream, snapshot: str) -> None:
    link = upstream.store / "mirrors" / "os"
    right = link.readlink()
    link.unlink()
    link.symlink_to("/etc")

    result = repair(upstream)

    assert result.data["verify"]["repaired"] == {"mirrors/os": "removed"}
    assert upstream.sync().changed
    assert link.readlink() == right


def test_unneeded_objects_are_counted_and_no_fault(upstream: Upstream, snapshot: str) -> None:
    lone = upstream.store / "lone"
    lone.write_text("nobody's")
    place = _object(upstream, lone)
    place.parent.mkdir(exist_ok=True)
    lone.rename(place)
    place.chmod(0o444)

    found = verify(upstream)
    assert not found.failed
    assert (found.data["verify"]["unneeded"], found.data["verify"]["unneeded_bytes"]) == (1, 8)
    upstream.module("store_prune", keep=[])
    assert verify(upstream).data["verify"]["unneeded"] == 0


def test_a_look_needs_no_lock_and_a_repair_does(upstream: Upstream, snapshot: str) -> None:
    spoil(object_of(upstream, RPM))
    with (upstream.store / "store.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert faults(verify(upstream))
        assert "another run is writing to this store" in repair(upstream).msg
    assert not repair(upstream).failed


def test_a_snapshot_with_a_hold_is_held_against_its_own_metadata(upstream: Upstream) -> None:
    """Its package is carried forward: no upstream has it any more, but the snapshot before has."""
    offer(upstream, ("lib", "1", ""), ("other", "1", ""))
    stock(upstream, ("lib", "2", ""), ("other", "2", ""))
    hold = {"source": "lib", "until": "2099-12-31", "reason": "test"}
    held = upstream.module("snapshot", holds=[hold], **upstream.signing).data["snapshot"]["id"]
    good = verify(upstream)
    assert not good.failed, good.msg
    assert good.data["verify"]["trees"] == 3
    before = contents(upstream.store / "snapshots" / held)

    (upstream.store / "snapshots" / held / "os" / "lib-1-1.noarch.rpm").unlink()

    [fault] = verify(upstream).data["verify"]["faults"]
    assert (fault["what"], fault["snapshots"]) == ("missing", [held])
    assert not repair(upstream, known=False).failed
    assert contents(upstream.store / "snapshots" / held) == before


def test_the_metadata_of_a_hold_is_made_again_by_a_cut(upstream: Upstream) -> None:
    offer(upstream, ("lib", "1", ""), ("other", "1", ""))
    stock(upstream, ("lib", "2", ""), ("other", "2", ""))
    order = {"holds": [{"source": "lib", "until": "2099-12-31", "reason": "test"}], **upstream.signing}
    first = upstream.module("snapshot", **order).data["snapshot"]
    held = upstream.store / "snapshots" / first["id"] / "os"
    before = contents(held)
    [primary] = held.glob("repodata/*-primary.xml*")
    spoil(primary)
    lost = repair(upstream, known=False)
    assert lost.failed
    assert lost.msg.endswith("Sync and cut again as before, then repair again")
    assert not primary.exists()

    assert upstream.module("snapshot", check=True, **order).changed
    again = upstream.module("snapshot", **order)

    assert (again.changed, again.data["snapshot"]) == (True, first)
    assert contents(held) == before
    assert not verify(upstream).failed
    assert not upstream.module("snapshot", **order).changed


def test_a_state_that_is_signed_anew_shares_its_files(upstream: Upstream, snapshot: str) -> None:
    upstream.built.forge.sign_metadata(upstream.path, key="stranger")
    keys = [str(upstream.built.key), str(upstream.built.other_key)]
    assert upstream.sync(repository={"gpgkey": keys}).changed

    result = verify(upstream)

    assert not result.failed, result.msg
    assert (result.data["verify"]["trees"], result.data["verify"]["unneeded"]) == (2, 0)
