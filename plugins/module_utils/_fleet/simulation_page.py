# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A simulation as one HTML page that needs nothing else: a table and inline SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.simulate import Outcome, Point

_COLORS = ("#2f6f4f", "#2f5f9f", "#b07a1a", "#a8322a", "#6b4c9a", "#555555")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 860, 260, 70, 40
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 66rem; margin: 2rem auto }
body { padding: 0 1rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .3rem .8rem; border-bottom: 1px solid #ddd }
th:nth-child(-n+2), td:nth-child(-n+2), th:last-child, td:last-child { text-align: left }
td:nth-child(3), td:first-child { white-space: nowrap }
svg { width: 100%; height: auto } text { font: 12px system-ui, sans-serif; fill: #555 }
"""
_HEADINGS = (
    "fails",
    "state",
    "after",
    "done",
    "broken",
    "lost",
    "untouched",
    "peak",
    "peak in a domain",
    "late",
    "why",
)


def page(
    title: str, notes: Sequence[str], outcomes: Mapping[float, Outcome], rows: Sequence[Sequence[str]]
) -> str:
    """The page. `outcomes` are by failure rate (a share); `rows` are the table's, under table_headings()."""
    names = [f"{100 * rate:g} % fail" for rate in outcomes]
    curves = [outcome.curve for outcome in outcomes.values()]
    body = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(note)}</p>" for note in notes),
        _table(rows),
        "<h2>Hosts on the release</h2>",
        _chart(names, curves, lambda point: point.done),
        "<h2>Hosts broken</h2>",
        _chart(names, curves, lambda point: point.failed),
        "<h2>Hosts unavailable</h2>",
        _chart(names, curves, lambda point: point.unavailable),
        "<h2>Domains by the most hosts unavailable in them at once</h2>",
        _bars(names, list(outcomes.values())),
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n'
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def table_headings() -> Sequence[str]:
    """Of the table of outcomes."""
    return _HEADINGS


def table_row(rate: float, outcome: Outcome) -> list[str]:
    """An outcome as a row of the table."""
    return [
        f"{100 * rate:g} %",
        outcome.state,
        duration(outcome.seconds),
        str(outcome.done),
        str(outcome.failed),
        str(outcome.lost),
        str(outcome.untouched),
        str(outcome.peak),
        str(max(outcome.peak_by_domain.values())),
        str(len(outcome.late)),
        outcome.reason,
    ]


def duration(seconds: float) -> str:
    """For a person: 3 d 04:05 h."""
    minutes = round(seconds / 60)
    days, minutes = divmod(minutes, 24 * 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02} h"
    return f"{days} d {clock}" if days else clock


def _table(rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in _HEADINGS)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _chart(names: Sequence[str], curves: Sequence[Sequence[Point]], value: Callable[[Point], int]) -> str:
    """Lines over time, in days or hours."""
    longest = max((curve[-1].time for curve in curves), default=0.0) or 1.0
    unit, seconds = ("d", 86400) if longest > 86400 else ("h", 3600)
    longest = _round(longest / seconds) * seconds
    highest = _round(max((value(point) for curve in curves for point in curve), default=0) or 1)
    wide, high = _WIDTH - _LEFT - 10, _HEIGHT - _BOTTOM - 10
    lines = []
    for name, curve, color in zip(names, curves, _COLORS):
        points = " ".join(
            f"{_LEFT + wide * point.time / longest:.1f},{10 + high * (1 - value(point) / highest):.1f}"
            for point in curve
        )
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2">'
            f"<title>{escape(name)}</title></polyline>"
        )
    bottom = [f"{longest / seconds * part / 4:g} {unit}" for part in range(5)]
    return _frame(names, bottom, highest, lines)


def _bars(names: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    """How many domains (height) had so many hosts unavailable at once (across)."""
    tallies = []
    for outcome in outcomes:
        tally: dict[int, int] = {}
        for peak in outcome.peak_by_domain.values():
            tally[peak] = tally.get(peak, 0) + 1
        tallies.append(tally)
    most = max((peak for tally in tallies for peak in tally), default=0)
    highest = _round(max((count for tally in tallies for count in tally.values()), default=0) or 1)
    wide, high = _WIDTH - _LEFT - 10, _HEIGHT - _BOTTOM - 10
    slot = wide / (most + 1)
    thick = slot * 0.8 / max(1, len(names))
    bars = []
    for index, (name, tally, color) in enumerate(zip(names, tallies, _COLORS)):
        for peak, count in sorted(tally.items()):
            left, tall = _LEFT + slot * (peak + 0.1) + thick * index, high * count / highest
            bars.append(
                f'<rect x="{left:.1f}" y="{10 + high - tall:.1f}" width="{thick:.1f}" height="{tall:.1f}"'
                f' fill="{color}"><title>{escape(name)}: {count} domains</title></rect>'
            )
    marks = [
        f'<text x="{_LEFT + slot * (peak + 0.5):.1f}" y="{_HEIGHT - 22}" text-anchor="middle">{peak}</text>'
        for peak in range(0, most + 1, max(1, most // 12))
    ]
    return _frame(names, [], highest, [*bars, *marks])


def _round(least: float) -> float:
    """The end of an axis that holds `least`, and has round numbers at its quarters."""
    power = 10.0 ** math.floor(math.log10(least / 4))
    quarters = (step * power for step in (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 10))
    return 4 * next(quarter for quarter in quarters if quarter * 4 >= least * (1 - 1e-9))


def _frame(names: Sequence[str], bottom: Sequence[str], highest: float, marks: Sequence[str]) -> str:
    """Axes, their words and a legend around the marks."""
    wide, high = _WIDTH - _LEFT - 10, _HEIGHT - _BOTTOM - 10
    parts = []
    for part in range(5):
        y = 10 + high * (1 - part / 4)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y}" y2="{y}" stroke="#e4e4e4"/>')
        words = f"{highest * part / 4:,g}" if highest >= 4 or part in (0, 4) else ""
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{words}</text>')
    for index, words in enumerate(bottom):
        x = _LEFT + wide * index / max(1, len(bottom) - 1)
        anchor = "end" if index == len(bottom) - 1 else "middle"
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 22}" text-anchor="{anchor}">{words}</text>')
    for index, (name, color) in enumerate(zip(names, _COLORS)):
        x = _LEFT + index * 150
        parts.append(f'<rect x="{x}" y="{_HEIGHT - 13}" width="10" height="10" fill="{color}"/>')
        parts.append(f'<text x="{x + 15}" y="{_HEIGHT - 4}">{escape(name)}</text>')
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">' + "".join([*parts, *marks]) + "</svg>"
