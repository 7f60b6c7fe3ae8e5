# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do one thing to many items, a few at a time, and say how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from .cache import Progress

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

WORKERS = 2
_STEP = 40  # items between two lines of progress


def in_parallel(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    progress: Progress | None = None,
    what: str = "",
) -> list[_Result]:
    """The results of `function` in the order of `items`; progress says `3/9 <what>`.

    At the first exception (or Ctrl-C) nothing more is begun.
    """
    pool = ThreadPoolExecutor(WORKERS)
    try:
        jobs = [pool.submit(function, item) for item in items]
        for count, job in enumerate(as_completed(jobs), 1):
            job.result()
            if progress and (count % _STEP == 0 or count == len(jobs)):
                progress(f"{count}/{len(jobs)} {what}")
        return [job.result() for job in jobs]
    finally:
        pool.shutdown(cancel_futures=True)
