# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what rpm was unpacking goes."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host.leftovers import remove_leftovers


def test_remove_leftovers(tmp_path: Path) -> None:
    names = ("tool", "tool;6721e3ff", "tool;6721e3f", "other;6721e3ff", "odd;12345678")
    for name in names:
        (tmp_path / name).write_text(name)
    (tmp_path / "link;6721e3ff").symlink_to("nowhere")
    (tmp_path / "dir;6721e3ff").mkdir()
    owned = [str(tmp_path / name) for name in ("tool", "link", "dir", "odd", "odd;12345678")]
    gone = remove_leftovers([*owned, "/no/such/directory/file"])
    assert gone == [f"{tmp_path}/link;6721e3ff", f"{tmp_path}/tool;6721e3ff"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "dir;6721e3ff",
        "odd;12345678",
        "other;6721e3ff",
        "tool",
        "tool;6721e3f",
    ]
