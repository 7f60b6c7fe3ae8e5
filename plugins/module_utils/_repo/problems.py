# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Why libsolv found no way, told as a chain of reasons."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv

RULE_CLASS = 0xFF00  # the bits of a rule's type that tell what made the rule


def package_reasons(problems: Iterable[t.Any]) -> tuple[str, ...]:
    """What packages require and conflict with, each once. Jobs only say what was to be done."""
    infos = [
        info for problem in problems for rule in problem.findallproblemrules() for info in rule.allinfos()
    ]
    package = [info for info in infos if info.type & RULE_CLASS == solv.Solver.SOLVER_RULE_PKG]
    return tuple(dict.fromkeys(info.problemstr() for info in package or infos))
