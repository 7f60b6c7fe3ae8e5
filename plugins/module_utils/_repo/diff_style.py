# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""How the page of a difference looks. Colours keep a contrast of 4.5:1, in the light and in the dark."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --back: #ffffff; --text: #1f2328; --dim: #59636e; --line: #d1d9e0; --soft: #f6f8fa; --link: #0a58ca;
  --critical: #a40e26; --important: #9a3b00; --moderate: #7a5200; --low: #1a6334; --other: #4d5863;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0d1117; --text: #e6edf3; --dim: #9aa5b1; --line: #30363d; --soft: #161b22; --link: #79b8ff;
    --critical: #ff9492; --important: #ffa657; --moderate: #e3b341; --low: #6fdd8b; --other: #adbac7;
  }
}
* { box-sizing: border-box }
html { scroll-behavior: smooth; scroll-padding-top: 1rem }
body {
  font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 72rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem;
}
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .25rem }
h2 { font-size: 1.2rem; margin: 3rem 0 .75rem }
h2 small { font-weight: 400; color: var(--dim); margin-left: .25rem }
header p, .empty { color: var(--dim); margin: 0 }
code { font: .875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
td code { white-space: nowrap }
th code { white-space: normal }
nav ul { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem;
  list-style: none; margin: 1.75rem 0 0; padding: 0 }
nav li > * { display: block; height: 100%; padding: .75rem 1rem; border: 1px solid var(--line);
  border-radius: .5rem; background: var(--soft); color: var(--dim); text-decoration: none }
nav a { color: var(--link) }
nav a:hover, nav a:focus-visible { border-color: var(--link); outline: 2px solid var(--link) }
nav b { display: block; font-size: 1.75rem; line-height: 1.2; font-variant-numeric: tabular-nums }
nav a b { color: var(--text) }
section { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .45rem 1rem .45rem 0;
  border-bottom: 1px solid var(--line) }
thead th { color: var(--dim); font-size: .85rem; font-weight: 600; white-space: nowrap;
  border-bottom-width: 2px }
tbody th { font-weight: 600; white-space: nowrap }
tbody tr:hover > * { background: var(--soft) }
.number { text-align: right; padding-right: 0; white-space: nowrap; font-variant-numeric: tabular-nums }
.badge { color: var(--other); border: 1px solid; border-radius: 1rem; padding: 0 .6rem; font-size: .85rem;
  white-space: nowrap }
.critical { color: var(--critical) } .important { color: var(--important) }
.moderate { color: var(--moderate) } .low { color: var(--low) }
.cves { display: flex; flex-wrap: wrap; gap: 0 1rem; font-variant-numeric: tabular-nums }
.cves span { white-space: nowrap }
.empty { margin-top: 3rem }
@media print { body { max-width: none; padding: 0 } nav a { color: inherit } }
"""
