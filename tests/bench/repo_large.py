# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two percent changed cost beside a cold sync where packages have a size as they have in the world."""

from __future__ import annotations

from pathlib import Path

from integration.repo.nginx import serve

from bench.measure import Table, medians
from bench.origin import origin
from bench.repo_sync import RUNS, Bench, share

PACKAGES, PAYLOAD = 1000, 1_000_000  # those of EL9's AppStream have 1.9 MB on average


def run(work: Path, packages: int) -> list[Table]:
    """See __main__.py; as many packages as are said above, for a cache has an end."""
    (work / "www").mkdir()
    with serve(work / "www", work / "nginx") as nginx:
        bench = Bench(origin(PACKAGES, PAYLOAD), work, nginx.url)
        bench.offer(changed=False)
        rows = {
            "cold": lambda: bench.sync("store", whole=True),
            "unchanged": lambda: bench.sync("store", whole=False),
        }
        before = medians(RUNS, rows)
        bench.offer(changed=True)
        two = medians(RUNS, {"two": bench.again})["two"]
    shared = share(before["cold"], before["unchanged"], two)
    title = f"2 % changed, {PACKAGES} packages of {PAYLOAD} bytes, medians of {RUNS}"
    return [Table(title, "repo_sync, cold, over one without changes", shared)]
