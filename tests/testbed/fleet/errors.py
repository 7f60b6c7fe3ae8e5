# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the fleet; the command line turns it into one line on stderr."""

from __future__ import annotations


class FleetError(Exception):
    """Something a person can act on. The message says what, where, and what to do."""
