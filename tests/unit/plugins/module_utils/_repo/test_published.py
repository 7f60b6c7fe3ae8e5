# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published images as they are read, and the releases that a channel may name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError, InputError, StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_release_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import channels, find_images, move
from ansible_collections.osaas.fleet.plugins.module_utils._repo.published import published, read_image
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from unit.plugins.module_utils._repo.stores import make_store

ID = "web-20261122T174400Z"
MANIFEST = {
    "image": "web",
    "snapshot": "20261120T000000Z",
    "digest": "c" * 64,
    "packages": ["bash-0:5-1.x86_64"],
    "artifacts": [{"kind": "tar", "file": "web.tar.zst", "sha256": "a" * 64, "size": 7}],
}


def publish(store: Store, name: str, **changes: Any) -> Path:
    """An image of which only the manifest is there."""
    place = store.images / name
    place.mkdir(parents=True)
    (place / "manifest.json").write_text(json.dumps({**MANIFEST, **changes}))
    return place / "manifest.json"


def test_what_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    manifest = publish(store, ID)

    found = read_image(store, ID)

    assert found.digest == hashlib.sha256(manifest.read_bytes()).hexdigest()
    assert (found.created, found.packages) == ("2026-11-22T17:44:00+00:00", 1)
    assert found.to_dict()["bytes"] == 7


def test_newest_first_and_by_name(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    for name in ("web-20261122T174400Z", "web-20261121T000000Z", "my-db-20261122T000000Z"):
        publish(store, name, image=name[:-17])
    (store.images / ".web-20261123T000000Z.half").mkdir()

    order = ["web-20261122T174400Z", "my-db-20261122T000000Z", "web-20261121T000000Z"]
    assert [image.id for image in published(store)] == order
    assert [image.id for image in find_images(store, "web")] == [order[0], order[2]]
    assert [image.id for image in find_images(store, order[1])] == [order[1]]
    move(store, "stable", order[2], who="me", reason="test")
    assert [image.id for image in find_images(store, "stable")] == [order[2]]
    assert str((store.channels / "stable").readlink()) == f"../images/{order[2]}"
    move(store, "stable", order[0], who="me", reason="test")
    assert str((store.superseded / "channels/stable").readlink()) == f"../../images/{order[2]}"
    assert channels(store) == {"stable": order[0]}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"image": "mail"}, "the manifest is that of another image"),
        ({"artifacts": [{"file": "x"}]}, "the manifest is damaged: KeyError('kind')"),
        (
            {"packages": None},
            "the manifest is damaged: TypeError(\"object of type 'NoneType' has no len()\")",
        ),
        (
            {"artifacts": [{**MANIFEST["artifacts"][0], "file": "../x"}]},  # type: ignore[dict-item]
            "'../x' is not a valid name",
        ),
    ],
)
def test_damaged(tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    store = Store(tmp_path)
    manifest = publish(store, ID, **changes)
    with pytest.raises(StoreError) as raised:
        read_image(store, ID)
    assert str(raised.value) == f"{manifest}: {what}"


def test_what_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(FleetError) as raised:
        read_image(Store(tmp_path), ID)
    assert str(raised.value) == f"{ID}: there is no such image. See those in {tmp_path}/images"
    for name in ("web", "web-20261122T1744Z", "-20261122T174400Z", "../web-20261122T174400Z"):
        with pytest.raises(InputError) as refused:
            check_release_id(name, where="keep")
        assert str(refused.value) == (
            f"keep: {name!r} is not the id of a release."
            " Give one like 20261122T174400Z or web-20261122T174400Z"
        )
