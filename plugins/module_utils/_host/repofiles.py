# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The text of .repo files: what a pin writes, and how other repos are disabled, to be undone later."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin

_SECTION = re.compile(r"\s*\[(?P<id>[^\]]+)\]")
_ENABLED = re.compile(r"\s*enabled\s*[=:]\s*(?P<value>\S*)", re.IGNORECASE)
_FALSE = ("0", "no", "false", "off")


def render(pin: Pin) -> str:
    """The .repo file of `pin`: packages and metadata must be signed, and an absent repo is an error.

    Over HTTPS the server must be vouched for, whatever dnf.conf says.
    """
    blocks = ["# Written by osaas.fleet.host_pin; changes are overwritten.\n"]
    for repository in pin.repositories:
        keys = " ".join(f"file://{paths.key_file(key)}" for key in repository.keys)
        blocks.append(
            f"[{repository.name}]\n"
            f"name={repository.name} of release {pin.release}\n"
            f"baseurl={pin.baseurl(repository)}\n"
            "enabled=1\n"
            "gpgcheck=1\n"
            "repo_gpgcheck=1\n"
            f"gpgkey={keys}\n"
            "skip_if_unavailable=0\n"
            "sslverify=1\n"
        )
        if pin.ca:
            blocks[-1] += f"sslcacert={paths.ca_file(pin.ca)}\n"
    return "\n".join(blocks)


def enabled_ids(text: str) -> tuple[str, ...]:
    """The repo ids that dnf would use from a .repo file: enabled unless the section says otherwise."""
    state: dict[str, bool] = {}
    for section, line in _lines(text):
        if section:
            option = _ENABLED.match(line)
            state[section] = option["value"].lower() not in _FALSE if option else state.get(section, True)
    return tuple(section for section, enabled in state.items() if enabled)


def disable(text: str, allowed: Collection[str]) -> str:
    """The same file with every repo disabled whose id is not in `allowed`; other lines stay as they are."""
    chosen = {section for section in enabled_ids(text) if section not in allowed}
    if not chosen:
        return text
    out = []
    for section, line in _lines(text):
        if section in chosen and _ENABLED.match(line):
            continue
        out.append(line)
        if section in chosen and _SECTION.match(line):
            out.append("enabled=0\n")
    return "".join(out)


def original(saved: str | None, current: str) -> str:
    """What the file was before it was disabled: `saved`, unless somebody changed the file since then."""
    if saved is not None and _skeleton(saved) == _skeleton(current):
        return saved
    return current


def _skeleton(text: str) -> str:
    return "".join(line for _section, line in _lines(text) if not _ENABLED.match(line))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Each line with the section that it is in; a section's header belongs to it."""
    section = ""
    for line in text.splitlines(keepends=True):
        whole = line if line.endswith("\n") else f"{line}\n"
        header = _SECTION.match(line)
        section = header["id"] if header else section
        yield section, whole
