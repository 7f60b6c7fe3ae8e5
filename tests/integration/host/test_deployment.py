# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images come to a host, are booted, fall back, and go."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import ROLES
from integration.host.conftest import Host, Published, Publisher
from integration.repo.moody import serve_moody


def names(image: Published, sequence: int) -> str:
    return f"osaas-{sequence:06d}-{image.digest[:16]}"


def test_four_steps(host: Host, image_a: Published, image_b: Published) -> None:
    before = host.info()
    foreseen = host.stage(image_b, check=True)
    assert foreseen.changed
    assert host.info()["staged"] == []

    staged = host.stage(image_b)
    assert staged.changed
    assert staged.data["deployment"]["release"] == image_b.release
    assert staged.data["diff"] == foreseen.data["diff"]
    assert not host.stage(image_b, check=True).changed
    assert not host.stage(image_b).changed
    after = host.info()
    assert after["staged"] == [image_b.digest]
    assert {name for name in after if after[name] != before[name]} - {"data", "esp"} == {
        "staged",
        "deployments",
    }

    foreseen = host.commit(image_b, check=True)
    assert (foreseen.changed, foreseen.data["reboot_required"]) == (True, True)
    assert host.entries() == [f"{names(image_a, 1)}.conf"]
    committed = host.commit(image_b)
    assert committed.changed
    assert committed.data["entry"] == f"{names(image_b, 2)}+3.conf"
    assert committed.data["diff"] == foreseen.data["diff"]
    assert host.entries() == [f"{names(image_a, 1)}.conf", f"{names(image_b, 2)}+3.conf"]
    assert not host.commit(image_b, check=True).changed
    assert not host.commit(image_b).changed
    assert host.info()["committed"] == image_b.digest


def test_what_arrives_is_what_was_published(host: Host, image_b: Published) -> None:
    assert not host.stage(image_b).failed

    place = host.paths.deployments / image_b.digest
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.iterdir()}
    published = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in image_b.directory.iterdir()
    }
    assert found.pop("release.json")
    assert found == {
        "manifest.json": published["manifest.json"],
        "manifest.json.asc": published["manifest.json.asc"],
        "deployment.json": published["web.deployment.json"],
        "root.erofs": published["web.root.erofs"],
        "root.verity": published["web.root.verity"],
        "vmlinuz": published["web.vmlinuz"],
        "initramfs": published["web.initramfs"],
    }
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o444}


def test_only_blocks_that_differ_are_fetched(host: Host, publisher: Publisher, image_b: Published) -> None:
    with serve_moody(publisher.store) as moody:
        staged = host.stage(image_b, url=moody.url)

    assert not staged.failed, staged.msg
    size = image_b.root.stat().st_size
    fetched, copied = staged.data["bytes_fetched"], staged.data["bytes_copied"]
    print(f"root {size} bytes, fetched {fetched} with kernel and tree, copied {copied}")
    assert copied > 0.85 * size
    assert fetched < 0.25 * size
    assert len(moody.requests) < 20


def test_a_kernel_that_is_here_is_not_fetched(host: Host, publisher: Publisher) -> None:
    older, newer = (publisher.publish({"usr/name": name}, kernel="6.1") for name in (b"1", b"2"))
    host.stage(older)

    with serve_moody(publisher.store) as moody:
        staged = host.stage(newer, url=moody.url)

    assert not staged.failed, staged.msg
    assert not [path for path, _range in moody.requests if path.endswith(("vmlinuz", "initramfs"))]
    host.deployment("absent", older)
    host.commit(newer)
    assert host.boot() == newer.digest


def test_a_deployment_is_on_trial_until_it_is_blessed(
    host: Host, image_a: Published, image_b: Published
) -> None:
    host.stage(image_b)
    host.commit(image_b)
    assert host.boot() == image_b.digest

    trial = host.info()
    assert trial["booted"]["good"] is False
    assert (trial["current"], trial["previous"]) == (None, image_a.digest)
    assert [entry["file"] for entry in trial["entries"]] == [
        f"{names(image_b, 2)}+2-1.conf",
        f"{names(image_a, 1)}.conf",
    ]

    host.bless()
    host.bless()  # once is enough
    known = host.info()
    assert (known["current"], known["previous"]) == (image_b.digest, image_a.digest)
    assert host.entries() == [f"{names(image_a, 1)}.conf", f"{names(image_b, 2)}.conf"]
    assert {one["release"]: one["state"] for one in known["deployments"]} == {
        image_a.release: "good",
        image_b.release: "running",
    }


def test_what_does_not_come_up_is_remembered_and_refused(
    host: Host, image_a: Published, image_b: Published
) -> None:
    host.stage(image_b)
    host.commit(image_b, tries=2)

    assert [host.boot() for _boot in range(3)] == [image_b.digest, image_b.digest, image_a.digest]

    failed = host.info()["failed"]
    assert [(one["digest"], one["release"], one["reason"]) for one in failed] == [
        (image_b.digest, image_b.release, "did not come up in 2 tries")
    ]
    for state in ("staged", "committed"):
        given: dict[str, Any] = {}
        if state == "staged":
            given = {"release": image_b.release, "url": host.url}
        refused = host.deployment(state, image_b, gpgkeys=[{"name": "site", "content": host.key}], **given)
        assert refused.msg == (
            f"release {image_b.release}: failed on this host at {failed[0]['when']}:"
            " did not come up in 2 tries. Deploy another release, or set force if the cause is gone"
        )
    assert host.commit(image_b, force=True).changed
    assert host.info()["failed"] == []
    assert host.boot() == image_b.digest
    host.bless()
    assert host.info()["current"] == image_b.digest


def test_a_roll_back_takes_one_commit_and_no_store(
    host: Host, image_a: Published, image_b: Published, publisher: Publisher
) -> None:
    host.stage(image_b)
    host.commit(image_b)
    host.boot()
    host.bless()
    publisher.store.rename(publisher.store.with_name("gone"))

    foreseen = host.commit(image_a, check=True)
    rolled = host.commit(image_a)

    assert foreseen.data["diff"] == rolled.data["diff"]
    assert rolled.data["entry"] == f"{names(image_a, 3)}+3.conf"
    assert host.entries() == [f"{names(image_b, 2)}.conf", f"{names(image_a, 3)}+3.conf"]
    assert host.boot() == image_a.digest
    host.bless()
    assert (host.info()["current"], host.info()["previous"]) == (image_a.digest, image_b.digest)


def test_to_stay_with_what_runs_is_no_trial(host: Host, image_a: Published, image_b: Published) -> None:
    host.stage(image_b)
    host.commit(image_b)

    stayed = host.commit(image_a)

    assert stayed.data["reboot_required"] is False
    assert host.entries() == [f"{names(image_b, 2)}+3.conf", f"{names(image_a, 3)}.conf"]
    assert host.info()["current"] == image_a.digest
    assert host.boot() == image_a.digest


def test_other_kernel_arguments_are_a_trial_with_the_old_ones_to_fall_back_to(
    host: Host, image_a: Published
) -> None:
    changed = host.commit(image_a, kernel_arguments=["nosmt"], tries=1)

    assert changed.data["entry"] == f"{names(image_a, 2)}+1.conf"
    assert "nosmt" in (host.paths.entries / changed.data["entry"]).read_text()
    assert not host.commit(image_a, kernel_arguments=["nosmt"], tries=1).changed
    host.boot()
    assert host.info()["current"] is None
    host.boot()
    assert host.info()["current"] == image_a.digest
    assert host.info()["booted"]["entry"] == names(image_a, 1)
    assert host.info()["failed"] == []


def test_what_nothing_needs_goes(host: Host, publisher: Publisher, image_a: Published) -> None:
    images = [image_a]
    for number in range(4):
        image = publisher.publish({"usr/name": str(number).encode()})
        host.stage(image)
        host.commit(image)
        host.boot()
        host.bless()
        images.append(image)

    assert len(host.info()["deployments"]) == 3
    foreseen = host.stage(images[-1], check=True)
    again = host.stage(images[-1])
    assert foreseen.data["diff"] == again.data["diff"]
    digests = {one["digest"] for one in host.info()["deployments"]}

    assert (again.changed, again.data["removed"]) == (True, [images[-3].digest])
    assert digests == {images[-1].digest, images[-2].digest}
    assert len(host.entries()) == 2
    kernels = {path.name for path in host.paths.kernels.iterdir()}
    assert kernels == {image.digest[:16] for image in images[-2:]}
    assert list(host.paths.staging.iterdir()) == []


def test_what_is_staged_again_stays(host: Host, publisher: Publisher) -> None:
    images = [publisher.publish({"usr/name": name}) for name in (b"1", b"2", b"3")]
    for image in images[:2]:
        host.stage(image, keep=9)

    again = host.stage(images[0], keep=1)
    assert again.data["removed"] == []
    host.stage(images[2], keep=1)

    assert host.info()["staged"] == [images[2].digest, images[0].digest]


def test_what_runs_is_never_removed(host: Host, image_a: Published, image_b: Published) -> None:
    host.stage(image_b)
    host.commit(image_b)

    assert host.deployment("absent", image_a).msg == (
        f"deployment {image_a.digest}: runs now. Commit and boot another one first"
    )
    host.boot()
    host.bless()
    assert host.deployment("absent", image_a).msg == (
        f"deployment {image_a.digest}: is what this host falls back to. Set force to do without"
    )
    foreseen = host.deployment("absent", image_a, check=True, force=True)
    assert host.info()["previous"] == image_a.digest
    removed = host.deployment("absent", image_a, force=True)
    assert removed.changed
    assert foreseen.data["diff"] == removed.data["diff"]
    assert not host.deployment("absent", image_a, force=True).changed
    assert host.entries() == [f"{names(image_b, 2)}.conf"]
    assert not host.paths.kernel(image_a.digest).exists()


def test_a_damaged_deployment_is_as_good_as_none_and_mended_by_staging(
    host: Host, image_b: Published
) -> None:
    host.stage(image_b)
    (host.paths.deployments / image_b.digest / "deployment.json").unlink()

    assert host.info()["staged"] == []
    assert host.commit(image_b).msg.startswith(f"deployment {image_b.digest}: is not here; here is web-")
    assert host.stage(image_b).changed
    assert host.info()["staged"] == [image_b.digest]


def test_a_damaged_block_at_hand_is_fetched(host: Host, image_a: Published, image_b: Published) -> None:
    root = host.paths.deployments / image_a.digest / ROLES["root"]
    content = bytearray(root.read_bytes())
    for place in range(0, len(content) - 4100, 1 << 20):
        content[place + 4100] ^= 1
    root.write_bytes(content)

    assert not host.stage(image_b).failed

    assert host.commit(image_b).changed
    assert host.boot() == image_b.digest


def test_drift_is_what_neither_image_nor_identity_has(host: Host) -> None:
    paths = host.paths
    for top, files in {
        paths.lower: {
            "etc/motd": "hi",
            "etc/gone": "x",
            "usr/bin/tool": "1",
            "etc/shadow": "root:*:\na:*:\n",
        },
        paths.identity: {"hostname": "web-1\n"},
        paths.upper: {
            "etc/motd": "hello",
            "etc/hostname": "web-1\n",
            "etc/shadow": "root:secret:\na:*:\n",
            "usr/bin/tool": "1",
            "usr/bin/other": "2",
            "usr/lib/__pycache__/x.pyc": "",
            "tmp/x": "",
        },
    }.items():
        for name, text in files.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text)
    (paths.lower / "usr/lib").mkdir()
    os.mknod(paths.upper / "etc/gone", stat.S_IFCHR, os.makedev(0, 0))

    told = host.info()

    assert told["drift"] is True
    assert told["drift_reasons"] == [
        "/etc/gone was removed",
        "/etc/motd was changed",
        "/usr/bin/other was added",
    ]
    (paths.identity / "hostname").write_text("web-2\n")
    assert "/etc/hostname was added" in host.info()["drift_reasons"]


def test_another_host_is_no_image_host(tmp_path: Path, image_b: Published, host: Host) -> None:
    other = Host(tmp_path / "other", host.store, host.key)
    other.root.mkdir()

    assert other.stage(image_b).msg == (
        f"{other.paths.booted}: is not there: this host was not booted from a deployment."
        " Deployments need an image host; see the playbook provision"
    )
    assert list(other.root.iterdir()) == []
