# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""modules.yaml: what is cut, and what must stay as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.modules import (
    Document,
    carry_modules,
    cut_modules,
    merge_modules,
    read_modules,
    streams,
)

TEXT = """\
# a comment
---
document: modulemd
version: 2
data: {name: m, stream: 1.10, artifacts: {rpms: ["a-0:1-1.x", "a-0:1-1.src"]}}
---
document: modulemd
version: 2
data: {name: m, stream: 2.0, artifacts: {rpms: ["b-0:1-1.x", "c-0:1-1.x"]}, profiles: {p: {rpms: [b, c]}}}
---
document: modulemd-defaults
version: 1
data: {module: m, stream: 1.10, profiles: {1.10: [p], 2.0: [p]}}
---
document: modulemd-obsoletes
version: 1
data: {module: m, stream: 1.10}
"""


def documents(tmp_path: Path, text: str = TEXT) -> list[Document]:
    (tmp_path / "modules.yaml").write_text(text)
    return read_modules(tmp_path / "modules.yaml", where="os: modules")


def test_streams(tmp_path: Path) -> None:
    found = streams(documents(tmp_path))
    assert found["a-0:1-1.x"] == "m:1.10", "no number, which would make it 1.1"
    assert found["c-0:1-1.x"] == "m:2.0"


def test_nothing_gone_is_nothing_changed(tmp_path: Path) -> None:
    read = documents(tmp_path)
    assert cut_modules(read, {"a-0:1-1.x"}, set(), set()) == read


def test_a_stream_without_packages_goes_with_all_that_speaks_of_it(tmp_path: Path) -> None:
    gone = {"a-0:1-1.x", "b-0:1-1.x"}
    stream, defaults = cut_modules(documents(tmp_path), {"c-0:1-1.x"}, gone, {"a", "b"})
    assert (stream.stream, stream.artifacts) == (("m", "2.0"), ["c-0:1-1.x"])
    assert stream.data["profiles"] == {"p": {"rpms": ["c"]}}
    assert defaults.data == {"module": "m", "profiles": {"2.0": ["p"]}}
    everything = {*gone, "c-0:1-1.x"}
    assert cut_modules(documents(tmp_path), set(), everything, {"a", "b", "c"}) == []


def test_carried_packages_bring_their_stream(tmp_path: Path) -> None:
    stream, defaults = carry_modules(documents(tmp_path), {"b-0:1-1.x"})
    assert (stream.kind, stream.stream) == ("modulemd", ("m", "2.0"))
    assert defaults.data == {"module": "m", "profiles": {"2.0": ["p"]}}
    assert carry_modules(documents(tmp_path), {"elsewhere-0:1-1.x"}) == []


def test_a_stream_whose_packages_are_all_carried_keeps_its_defaults(tmp_path: Path) -> None:
    read = documents(tmp_path)
    carried = [
        Document("---", {"document": "modulemd", "data": {"name": "m", "stream": "1.10", "version": 0}})
    ]
    left = cut_modules(read, {"b-0:1-1.x"}, {"a-0:1-1.x"}, {"a"}, carried)
    assert left == read[1:]
    assert merge_modules(left, [*carried, read[2]]) == [*left, *carried]
    assert merge_modules([], [*carried, read[2]]) == [*carried, read[2]]


@pytest.mark.parametrize("text", ["---\n[", "---\njust words\n", "---\ndata: 1\n", "---\n" + "[" * 5000])
def test_not_modules(tmp_path: Path, text: str) -> None:
    with pytest.raises(UpstreamError, match="os: modules: this is not a list of modules: "):
        documents(tmp_path, text)
