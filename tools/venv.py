# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the virtual environment .cache/venvs/<name> from the locked, hashed requirements/<name>.txt.

Standard library only: this runs before there is anything else.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
NEEDED_BYTES = 1 << 30


class VenvError(Exception):
    """The environment could not be made; the message says why and what to do."""


def ensure(name: str, python: Path) -> Path:
    """The directory of environment `name`, made with the interpreter `python` unless it is up to date.

    Raises VenvError with one line: what failed, why, and where the whole output is.
    """
    venv = CACHE / "venvs" / name
    lock = ROOT / "requirements" / f"{name}.txt"
    stamp = venv / "stamp"
    wanted = _digest(lock, python, venv)
    venv.mkdir(parents=True, exist_ok=True)
    with _alone(venv.parent / f"{name}.lock"):
        if not (stamp.is_file() and stamp.read_text() == wanted):
            _check_disk(venv)
            print(f"bootstrap: making {venv.relative_to(ROOT)} from {lock.relative_to(ROOT)} …", flush=True)
            stamp.unlink(missing_ok=True)
            log = venv.parent / f"{name}.log"
            log.unlink(missing_ok=True)
            _run([python, "-m", "venv", "--clear", venv], log)
            _run([venv / "bin/pip", "install", "--require-hashes", "--no-deps", "-r", lock], log)
            stamp.write_text(wanted)
    return venv


def _digest(lock: Path, python: Path, venv: Path) -> str:
    """Changes when the lock does, or the interpreter (an upgrade of Debian), or the place of the checkout."""
    identity = f"{python.resolve()}\n{venv}\n".encode()
    return hashlib.sha256(identity + lock.read_bytes()).hexdigest()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two runs at once make an environment one after the other."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _check_disk(path: Path) -> None:
    free = shutil.disk_usage(path).free
    if free < NEEDED_BYTES:
        raise VenvError(f"disk full: {path} has {free >> 20} MiB free, {NEEDED_BYTES >> 20} MiB are needed")


def _run(argv: list[str | Path], log: Path) -> None:
    """Run a command with its output in `log`. Raises VenvError with the last line that speaks of an error."""
    env = {**os.environ, "PIP_CACHE_DIR": str(CACHE / "pip"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with log.open("a") as output:
        done = subprocess.run(argv, env=env, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        errors = [line for line in log.read_text().splitlines() if "error" in line.lower()]
        reason = errors[-1].strip() if errors else f"exit status {done.returncode}"
        raise VenvError(f"{reason} (whole output: {log}; no network, or a full disk?)")


def main() -> int:
    """`python3 -m tools.venv NAME`: with the Python that runs this."""
    if len(sys.argv) != 2:
        print("usage: python3 -m tools.venv NAME", file=sys.stderr)
        return 2
    try:
        ensure(sys.argv[1], Path(sys.executable))
    except (VenvError, OSError) as error:
        print(f"bootstrap: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
