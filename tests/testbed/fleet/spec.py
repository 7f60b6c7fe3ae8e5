# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a supervisor is told to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..distro import Distro
from .hosts import Host
from .instance import Instance


@dataclass(frozen=True)
class Spec:
    """A fleet to be. `stay`: outlive the program that starts it, once all hosts are up."""

    instance: Instance
    distro: Distro
    releases: Mapping[str, Path]  # release to the directory that upstream serves for it
    release: str
    hosts: tuple[Host, ...]
    store: Path | None
    cache: Path
    stay: bool
