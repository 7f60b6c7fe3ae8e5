# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A mount namespace of its own: what is mounted in it, nobody else sees, and it is gone when that ends."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError

CLONE_NEWNS = 0x00020000  # unshare(2)
MS_REC, MS_PRIVATE = 0x4000, 0x40000  # mount(2)
PR_SET_PDEATHSIG = 1  # prctl(2)


def in_own_mounts(work: t.Callable[[], None]) -> None:
    """Do it in a child, which ends with us, however we end. Raises FleetError with what it says."""
    parent = os.getpid()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        told = _told(parent, work)
        os.write(writing, json.dumps(told).encode())
        os._exit(0)  # nothing of the caller's is to be cleared away twice
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read()
    os.waitpid(child, 0)
    told = json.loads(said) if said else ["it ended early", "", ""]
    if told:
        what, where, way_out = told
        raise FleetError(what, where=where, way_out=way_out)


def _told(parent: int, work: t.Callable[[], None]) -> list[str]:
    """What went wrong: nothing, or what, where, and the way out."""
    try:
        _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return ["its builder ended", "", ""]
        _call("unshare", CLONE_NEWNS)
        _call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
        work()
    except FleetError as error:
        return [error.what, error.where, error.way_out]
    except OSError as error:
        return [error.strerror or str(error), str(error.filename or ""), ""]
    except Exception as error:  # the caller must hear of it
        return [f"{type(error).__name__}: {error}", "", ""]
    return []


def _call(name: str, *arguments: t.Any) -> None:
    """A function of the C library that returns 0 or sets errno. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
