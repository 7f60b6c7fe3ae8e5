# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manifest and a description tell, and entries made of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import parse_entry
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import (
    Deployment,
    description_file,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import (
    deployment_entry,
    digest_of,
    next_sequence,
)

RELEASE = "web-20261122T174400Z"
FILES = {"root": "web.root", "verity": "web.verity", "linux": "web.vmlinuz", "initrd": "web.initramfs"}
ABOUT = {
    "format": 1,
    "image": "web",
    "version": "20261101T000000Z",
    "title": "Web\nserver",
    "root_hash": "ab" * 32,
    "salt": "00",
    "data_blocks": 2,
    "kernel": "6.1",
    "arguments": ["panic=5"],
    "files": FILES,
}


NAMES = (*FILES.values(), "web.deployment.json")


def manifest(names: Sequence[str] = NAMES, **row: Any) -> bytes:
    rows = [{"file": name, "sha256": "0" * 64, "size": 8192, **row} for name in names]
    return json.dumps({"artifacts": rows}).encode()


def test_an_entry_says_what_it_boots() -> None:
    raw = manifest()
    deployment = Deployment.read(RELEASE, raw, json.dumps(ABOUT).encode())
    digest = hashlib.sha256(raw).hexdigest()

    entry = deployment_entry(deployment, 7, 3, ["nosmt"])

    assert entry.file_name == f"osaas-000007-{digest[:16]}+3.conf"
    assert entry.text() == (
        "title Web server\nversion 7\nsort-key osaas\n"
        f"linux /osaas/{digest[:16]}/vmlinuz\ninitrd /osaas/{digest[:16]}/initramfs\n"
        f"options root=osaas osaas.entry=osaas-000007-{digest[:16]} osaas.digest={digest}"
        f" osaas.roothash={'ab' * 32} panic=5 nosmt\n"
    )
    assert parse_entry(entry.file_name, entry.text()) == entry
    assert digest_of(entry) == digest
    assert next_sequence([entry]) == 8


@pytest.mark.parametrize(
    ("raw", "about", "fault"),
    [
        (b"[]", ABOUT, "its manifest lists no artifacts"),
        (b"not JSON", ABOUT, "its manifest lists no artifacts"),
        (manifest(["../web.root"]), ABOUT, "its manifest has a row that is no file: '../web.root'"),
        (manifest(size=-1), ABOUT, "its manifest has a row that is no file: 'web.root'"),
        (manifest(sha256="0"), ABOUT, "its manifest has a row that is no file: 'web.root'"),
        (manifest(["web.root"]), ABOUT, "its description lacks, or has no usable, 'web.verity'"),
        (manifest(), {**ABOUT, "salt": "xyz"}, "its salt is not hexadecimal"),
        (manifest(), {**ABOUT, "data_blocks": 3}, "its root has 8192 bytes, not 3 blocks of 4096"),
        (manifest(), {**ABOUT, "arguments": ["a\nb"]}, "a kernel argument is empty or has blanks"),
    ],
)
def test_what_is_no_deployment(raw: bytes, about: dict[str, Any], fault: str) -> None:
    with pytest.raises(VerificationError) as refused:
        Deployment.read(RELEASE, raw, json.dumps(about).encode())

    assert str(refused.value) == f"release {RELEASE}: is no deployment: {fault}"


@pytest.mark.parametrize(
    ("names", "count"), [(["web.root"], 0), (["a.deployment.json", "b.deployment.json"], 2)]
)
def test_one_description_there_must_be(names: list[str], count: int) -> None:
    with pytest.raises(VerificationError) as refused:
        description_file(RELEASE, manifest(names))

    assert str(refused.value) == (
        f"release {RELEASE}: is no deployment: it has {count} files *.deployment.json."
        " Build the image with the artifact deployment"
    )
