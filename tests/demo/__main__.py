# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, end to end, on a fleet of real hosts: `make demo`.

`python -m demo [NAME]`: of the fleet; two of different names may run at once.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from testbed.distro import DistroError, ensure_distro
from testbed.fleet import Fleet, FleetError, preflight

from . import screen
from .site import SiteError, make_site
from .story import StoryError, tell

CHECKOUT = Path(__file__).parents[2]
RUN_DIR = CHECKOUT / ".run"
CACHE = CHECKOUT / ".cache/testbed"


def main() -> int:
    """Exit status: 0, or 1 after one line on stderr, or 130 after Ctrl-C."""
    try:
        preflight.need_root()
        _demo(*sys.argv[1:])
    except (DistroError, FleetError, SiteError, StoryError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; nothing is left running", file=sys.stderr)
        return 130
    return 0


def _demo(name: str = "demo") -> None:
    # make says when it was called, so that what it has installed first counts too.
    began = float(os.environ.get("DEMO_STARTED") or time.time())
    cold = not (CACHE / "testbed-9").exists()
    _say("Setting up: Testbed Linux and six hosts in three racks")
    distro = ensure_distro(cache=CACHE, progress=_detail)
    directory = RUN_DIR / f"{name}-site"
    with Fleet.start(
        name, distro=distro, store=directory / "store", run_dir=RUN_DIR, cache=CACHE, progress=_detail
    ) as fleet:
        site = make_site(directory, fleet, distro)
        ready = time.time()
        rollouts = tell(site, _say)
        ended = time.time()
        _say("Done: a good release went out wave by wave, a bad one was stopped at the canary and put back")
        parts = [("setup", ready - began), ("main job", ended - ready)]
        summary = CHECKOUT / f".cache/{name}-times.json"
        for line in (
            *screen.table(rollouts),
            "",
            *screen.times(summary, cold=cold, total=ended - began, parts=parts),
        ):
            print(line)
        _where_to_look(directory)


def _where_to_look(directory: Path) -> None:
    shown = directory.relative_to(CHECKOUT)
    print(f"""
Where to look next:
  {shown}/fleet.yml   all that an operator had to say
  {shown}/store       the content-addressed store, its snapshots and channels
  {shown}/ledger.db   every decision and its reasons:
                            sqlite3 {shown}/ledger.db 'SELECT subject, what, outcome FROM event'
  README.md                 how to do the same to a real fleet""")
    if sys.stdin.isatty():
        print("\nThe hosts are still up: `make demo-shell HOST=host-01` in another terminal logs in to one.")
        input("Press Enter to end them. ")


def _say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def _detail(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
