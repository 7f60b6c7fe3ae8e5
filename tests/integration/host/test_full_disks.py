# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ESP or a data partition that fills up, for real: it is told with the arithmetic, and room mends it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.host.conftest import Host, Published, Publisher

MIB = 1 << 20


def fill(directory: Path, leave: int) -> Path:
    """Leave so many bytes in a small file system."""
    filler = directory / "filler"
    free = (
        int(subprocess.run(["stat", "-fc%a", str(directory)], capture_output=True, check=True).stdout) * 4096
    )
    with filler.open("wb") as stream:
        for _page in range((free - leave) // 4096):
            stream.write(bytes(4096))
    return filler


@pytest.fixture
def small(publisher: Publisher, image_a: Published, tmp_path: Path) -> Iterator[Host]:
    """A host whose data partition has 40 MiB, and whose ESP has 4 MiB."""
    made = Host(tmp_path / "small", publisher.store, publisher.key.public.read_text())
    mounted = []
    try:
        for directory, size in ((made.paths.data, "40m"), (made.paths.esp, "4m")):
            directory.mkdir(parents=True)
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)], check=True
            )
            mounted.append(directory)
        made.provision(image_a)
        yield made
    finally:
        for directory in reversed(mounted):
            subprocess.run(["umount", str(directory)], check=True)


def test_a_full_data_partition_is_told_before_anything_comes(
    small: Host, image_a: Published, image_b: Published
) -> None:
    filler = fill(small.paths.data, 4 * MIB)

    refused = small.stage(image_b)

    size = (
        sum(path.stat().st_size for path in image_b.directory.glob("web.*"))
        - (image_b.directory / "web.deployment.json").stat().st_size
    )
    assert refused.msg == (
        f"{small.paths.data}: {size / MIB:.1f} MiB and 1.0 MiB to spare are needed, 4.0 MiB are free,"
        f" and 0.0 MiB of deployments may go: {size / MIB + 1 - 4:.1f} MiB too little."
        " Remove what else lies there, or use a larger disk"
    )
    assert small.boot() == image_a.digest
    filler.unlink()
    assert not small.stage(image_b).failed


def test_a_data_partition_that_fills_up_meanwhile(
    small: Host, image_a: Published, image_b: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    filler = fill(small.paths.data, 6 * MIB)
    with monkeypatch.context() as patch:
        patch.setattr(f"{STAGE}.free_bytes", lambda _directory: 64 * MIB)  # nobody foresaw it

        refused = small.stage(image_b)

    part = small.paths.staging / image_b.digest / "root.erofs.part"
    assert refused.msg == (
        f"{part}: cannot be written: No space left on device. Make room, and run it again: what came is kept"
    )
    assert small.boot() == image_a.digest
    filler.unlink()
    staged = small.stage(image_b)
    assert not staged.failed
    small.commit(image_b)
    assert small.boot() == image_b.digest


STAGE = "ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_stage"


def test_a_full_esp_is_told_before_anything_comes(
    small: Host, image_a: Published, image_b: Published
) -> None:
    filler = fill(small.paths.esp, MIB)

    refused = small.stage(image_b)

    kernel = sum((image_b.directory / name).stat().st_size for name in ("web.vmlinuz", "web.initramfs"))
    assert refused.msg == (
        f"{small.paths.esp}: {kernel / MIB:.1f} MiB and 1.0 MiB to spare are needed, 1.0 MiB are free,"
        f" and 0.0 MiB of deployments may go: {kernel / MIB:.1f} MiB too little."
        " Remove what else lies there, or use a larger disk"
    )
    filler.unlink()
    small.stage(image_b)
    fill(small.paths.esp, MIB)
    assert small.commit(image_b).msg == refused.msg
    assert small.boot() == image_a.digest


def test_an_esp_is_freed_of_what_failed(small: Host, publisher: Publisher, image_a: Published) -> None:
    """Even if so many deployments were to be kept."""
    failed, good = (publisher.publish({"usr/name": name}) for name in (b"failed", b"good"))
    small.stage(failed)
    small.commit(failed, tries=1, keep=5)
    assert [small.boot(), small.boot()] == [failed.digest, image_a.digest]
    small.stage(good, keep=5)
    fill(small.paths.esp, MIB + 4096)

    committed = small.commit(good, keep=5)

    assert not committed.failed, committed.msg
    assert committed.data["removed"] == [failed.digest]
    assert small.boot() == good.digest
    assert [one["digest"] for one in small.info()["failed"]] == [failed.digest]
