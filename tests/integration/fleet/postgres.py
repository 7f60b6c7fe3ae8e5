# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private PostgreSQL server: Debian's programs, an unprivileged user, a socket in its own directory."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg


def _programs() -> Path:
    """Of the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    assert found, "PostgreSQL is not installed: tools/bootstrap does it"
    return found[-1].parent


def _unprivileged(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root; whoever starts it, it ends with that process."""
    command = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(directory, user.pw_uid, user.pw_gid)
        command += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [*command, "--"]


@dataclass
class Postgres:
    """A server that can be killed and started again. Every ledger of it lies in a schema of its own."""

    directory: Path
    durable: bool
    _process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def address(self) -> str:
        """The URL of a new, empty ledger."""
        schema = f"ledger_{next(self._numbers)}"
        with psycopg.connect(
            host=str(self.directory), dbname="postgres", user="postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        return (
            f"postgresql+psycopg://postgres@/postgres?host={self.directory}&options=-csearch_path%3D{schema}"
        )

    def start(self) -> None:
        """Come up, after a crash too; returns when the server answers."""
        options = ["-k", str(self.directory), "-c", "listen_addresses=", "-c", "max_connections=50"]
        if not self.durable:
            options += ["-c", "fsync=off"]
        argv = [*_unprivileged(self.directory), str(_programs() / "postgres"), "-D", f"{self.directory}/data"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen([*argv, *options], stdout=log, stderr=log, cwd=self.directory)
        for _try in range(300):
            try:
                psycopg.connect(host=str(self.directory), dbname="postgres", user="postgres").close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.directory / "log").read_text()
                time.sleep(0.1)
            else:
                return
        raise AssertionError((self.directory / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server; SIGQUIT is a crash: nothing is written any more, the next start recovers."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(30)


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A running server; gone at the end with all its files. `durable` has it wait for the disk."""
    directory = Path(tempfile.mkdtemp(prefix="osaas-postgres."))
    try:
        argv = [*_unprivileged(directory), str(_programs() / "initdb"), "-D", f"{directory}/data"]
        options = ["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        done = subprocess.run([*argv, *options], cwd=directory, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        server = Postgres(directory, durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory)
