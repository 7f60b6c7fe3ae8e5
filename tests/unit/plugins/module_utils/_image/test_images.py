# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of images that were built, and which layers are pruned."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import write_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.built import Built
from ansible_collections.osaas.fleet.plugins.module_utils._image.images import DAY, Images
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import RECORD, Layers

NO_RUNNER = cast(Runner, SimpleNamespace())  # these tests run no command


def image(name: str, *layers: str, copied: tuple[str, ...] = ()) -> Built:
    return Built(name, "x86_64", "20261122T174400Z", 1, layers, (), {}, {}, copied)


@pytest.fixture
def images(tmp_path: Path) -> Images:
    """Layers one to six, each a day older than the one before it."""
    for days, key in enumerate(("one", "two", "three", "four", "five", "six"), 1):
        summary = {"digest": "0" * 64, "files": 1, "bytes": 1}
        (tmp_path / key).mkdir()
        write_json(tmp_path / key / RECORD, {"key": key, "summary": summary})
        built = time.time() - days * DAY
        os.utime(tmp_path / key / RECORD, (built, built))
    return Images(Layers(tmp_path, NO_RUNNER))


def test_layers_go_that_no_image_is_made_of(images: Images) -> None:
    images.record(image("web", "three", "four", copied=("five",)))

    assert images.prune(1.5) == ["six", "two"]
    assert images.prune(1.5) == []
    assert images.prune(0) == ["one"]
    images.forget("web")
    assert images.prune(0) == ["five", "four", "three"]


def test_what_an_image_was_before_is_kept(images: Images) -> None:
    for top in ("one", "two", "two", "three"):
        images.record(image("web", top))

    assert images.previous("web") == image("web", "two")
    assert images.find("web") == image("web", "three")
    assert images.names() == ["web"]
    assert images.prune(0) == ["five", "four", "one", "six"]


def test_an_image_whose_layers_are_gone(images: Images) -> None:
    images.record(image("web", "seven"))

    with pytest.raises(InputError) as caught:
        images.finished("web", None)

    where = images.layers.directory
    assert str(caught.value) == f"{where}: the layers of the image web are gone. Build it again"
