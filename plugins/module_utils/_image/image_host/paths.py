# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Where an image has what makes it the root of an image host."""

from __future__ import annotations

DIRECTORY = "/usr/lib/osaas"
ROOT_SCRIPT = f"{DIRECTORY}/osaas-root"
PROGRAM = f"{DIRECTORY}/host.pyz"
PERSISTENT = f"{DIRECTORY}/persistent"
GROWTH = f"{DIRECTORY}/repart.d"
