# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Testbed Linux: a real RPM distribution made of the Debian packages that the machine's own apt offers."""

from __future__ import annotations

from .build import Distro, ensure_distro
from .cache import DistroError
from .root import install_root

__all__ = ["Distro", "DistroError", "ensure_distro", "install_root"]
