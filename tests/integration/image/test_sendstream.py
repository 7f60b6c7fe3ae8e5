# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams of Btrfs, received by btrfs-receive(8) in a file system that has nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import listing
from integration.image.conftest import Workshop
from unit.harness import run

WEB = """parent: base
features:
  - file: {path: /srv/index.html, content: VERSION}
  - hardlink: {path: /srv/again.html, target: /srv/index.html}
  - file: {path: /usr/bin/true, source: same, mode: "0700", replace: true}
  - file: {path: /usr/bin/ls, content: VERSION, mode: "0755", replace: true}
  - remove: {path: /usr/bin/yes}
  - directory: {path: /srv/thing}
  - symlink: {path: /srv/there, target: thing}
  - file: {path: /srv/thing/one, content: one, capabilities: [cap_net_raw], attributes: {user.a: b}}
"""
SIBLING = """parent: base
features:
  - directory: {path: /srv/index.html}
  - file: {path: /srv/index.html/page, content: page}
  - file: {path: /srv/thing, content: thing}
  - symlink: {path: /srv/there, target: nowhere, dangling: true}
  - file: {path: /usr/bin/ls, content: "ls", mode: "0755", replace: true, attributes: {user.a: b}}
"""
RECEIVE = """
set -e
truncate -s 1G "$1/disk" && mkfs.btrfs -q "$1/disk" && mkdir "$1/mounted" "$1/out"
mount -t btrfs -o loop "$1/disk" "$1/mounted"
at=$1; shift
for stream; do zstd -q -dc "$stream" | btrfs -q receive "$at/mounted"; done
cp -a "$at"/mounted/* "$at/out"
umount "$at/mounted"
"""


def send(workshop: Workshop, name: str, output: str, **options: Any) -> Path:
    """Make a stream of an image; returns its path."""
    asked = {
        "layers": str(workshop.directory / "here/layers"),
        "name": name,
        "output": str(workshop.directory / output),
        "artifacts": [{"sendstream": {"compression_level": 1, **options}}],
    }
    made = run("image_artifact", asked, check=False, diff=False, tmp=workshop.directory)
    assert not made.failed, made.msg
    [artifact] = made.data["artifacts"]
    return workshop.directory / output / name / str(artifact["file"])


def receive(scratch: Path, *streams: Path) -> dict[str, Path]:
    """Receive them one after the other; returns a copy of each subvolume, by the name of its image."""
    scratch.mkdir()
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", RECEIVE, "receive", str(scratch)]
    done = subprocess.run([*argv, *map(str, streams)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {path.name.partition("-")[0]: path for path in (scratch / "out").iterdir()}


def left_behind(workshop: Workshop) -> list[str]:
    """Loop devices and mounts of ours."""
    devices = subprocess.run(["losetup", "--all"], check=True, capture_output=True, text=True).stdout
    lines = [*devices.splitlines(), *Path("/proc/self/mounts").read_text().splitlines()]
    return [line for line in lines if str(workshop.directory) in line]


def test_what_an_image_has_over_another_goes_upon_that(workshop: Workshop) -> None:
    base = workshop.root(workshop.build("base"))
    (workshop.definitions / "same").write_bytes((base / "usr/bin/true").read_bytes())
    workshop.define("web", WEB.replace("VERSION", "one"))
    web = workshop.root(workshop.build("web"))

    workshop.define("sibling", SIBLING)
    sibling = workshop.root(workshop.build("sibling"))

    whole, over = send(workshop, "sibling", "whole"), send(workshop, "web", "over", parent="sibling")

    received = receive(workshop.directory / "received", whole, over)
    assert list(listing(received["sibling"])) == list(listing(sibling))
    assert list(listing(received["web"])) == list(listing(web))
    assert (received["web"] / "srv/index.html").samefile(received["web"] / "srv/again.html")
    assert over.stat().st_size < whole.stat().st_size / 20
    assert left_behind(workshop) == []


def test_an_image_goes_upon_what_it_was_before(workshop: Workshop) -> None:
    text = "parent: base\nfeatures: [file: {path: /srv/page, content: VERSION}]\n"
    stream = "artifacts: [sendstream: {parent: web, compression_level: 1}]\n"
    workshop.define("web", text.replace("VERSION", "one") + stream)
    first = workshop.build("web")
    whole = workshop.directory / "first"
    whole.write_bytes((workshop.directory / "here/images/web/web.sendstream.zst").read_bytes())
    workshop.define("web", text.replace("VERSION", "two") + stream)

    second = workshop.build("web", keep_days=0)

    assert not first.failed and not second.failed, second.msg
    assert first.data["layers"][-1]["key"] not in second.data["pruned"]
    over = workshop.directory / "here/images/web/web.sendstream.zst"
    assert over.stat().st_size < 2000
    receive(workshop.directory / "received", whole, over)
    pages = (workshop.directory / "received/out").glob("*/srv/page")
    assert sorted(page.read_text() for page in pages) == ["one", "two"]
    assert not workshop.build("web", keep_days=0).changed


def test_a_stream_upon_an_image_that_was_never_built(workshop: Workshop) -> None:
    workshop.define("web", "parent: base\nfeatures: []\nartifacts: [sendstream: {parent: other}]\n")

    refused = workshop.build("web")

    layers = workshop.directory / "here/layers"
    assert refused.msg == f"{layers}: no image other was built here. Build it first"


def test_a_builder_that_is_killed_leaves_no_mount(workshop: Workshop) -> None:
    assert not workshop.build("base").failed
    asked = {
        "layers": str(workshop.directory / "here/layers"),
        "name": "base",
        "output": str(workshop.directory / "images"),
        "artifacts": [{"sendstream": {}}],
    }
    with subprocess.Popen(
        [sys.executable, "-m", "ansible_collections.osaas.fleet.plugins.modules.image_artifact"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    ) as module:
        assert module.stdin is not None
        module.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": asked}))
        module.stdin.close()
        wait_for(lambda: left_behind(workshop) != [])
        os.kill(module.pid, signal.SIGKILL)

    wait_for(lambda: left_behind(workshop) == [])
    send(workshop, "base", "images")
    assert [path.name for path in (workshop.directory / "images").iterdir()] == ["base"]


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
