# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo leaves on the screen: one table of all hosts and rollouts, and the times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def table(rollouts: Sequence[dict[str, Any]], titles: Sequence[str] = ("r2", "r3", "r4")) -> list[str]:
    """Host by host: where it stands, what it had before and has after, how each rollout went, time lost."""
    last = rollouts[-1]
    heads = ("host", "rack", "wave", "before", "after", *titles, "minutes unavailable")
    by_host = [{host["host"]: host for host in rollout["hosts"]} for rollout in rollouts]
    rows = [
        (
            host["host"],
            host["domain"],
            host["wave"],
            by_host[0][host["host"]]["from_release"],
            host["release"],
            *(_result(hosts[host["host"]]) for hosts in by_host),
            f"{sum(hosts[host['host']]['unavailable_seconds'] for hosts in by_host) / 60:.2f}",
        )
        for host in sorted(last["hosts"], key=lambda host: host["host"])
    ]
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in (heads, *rows)
    ]
    rule = "  ".join("─" * width for width in widths)
    notes = [f"{title}: {_note(rollout)}" for title, rollout in zip(titles, rollouts, strict=True)]
    return [lines[0].rstrip(), rule, *(line.rstrip() for line in lines[1:]), "", *notes]


def _result(host: dict[str, Any]) -> str:
    return "not touched" if host["state"] == "eligible" else str(host["state"])


def _note(rollout: dict[str, Any]) -> str:
    reason = f", {rollout['reason']}" if rollout["reason"] else ""
    return f"release {rollout['release']} {rollout['state']}{reason}"


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min"


def times(path: Path, *, cold: bool, total: float, parts: Sequence[tuple[str, float]]) -> list[str]:
    """What this run took, beside the last run of the other kind; remembered in `path`."""
    known: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
    known["cold" if cold else "warm"] = total
    path.write_text(json.dumps(known))
    shares = ", ".join(f"{name} {clock(seconds)}" for name, seconds in parts)
    told = [
        f"{kind} {clock(known[kind])}" if kind in known else f"{kind} not measured yet"
        for kind in ("cold", "warm")
    ]
    return [f"This run took {clock(total)}: {shares}.", f"Start to end: {', '.join(told)}."]
