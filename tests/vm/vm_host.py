# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine as an operator sees it: a disk, a console, SSH, and modules of the collection."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integration.repo.moody import Moody
from testbed.firmware import cases
from testbed.firmware.cases import Case
from testbed.vm import Vm, running

CACHE = Path(__file__).parents[2] / ".cache"
ESP = "@@1M"  # where systemd-repart begins the first partition
BOOT = re.compile(r"osaas-root: (osaas-[0-9]{6}-[0-9a-f]{16}), deployment")
PATIENCE = 400.0  # seconds, for a boot and what follows; emulated, on a machine that does other things too


@dataclass(frozen=True)
class HostDisk:
    """The disk of a machine, while that is off or on: its ESP, and its data partition behind that."""

    path: Path

    def entries(self) -> list[str]:
        """The boot entries on its ESP."""
        listed = self._mtools("mdir", "-b", "::/loader/entries").decode()
        return sorted(line.rpartition("/")[2] for line in listed.splitlines() if line.endswith(".conf"))

    def read(self, name: str) -> bytes:
        """A file of its ESP."""
        return self._mtools("mtype", f"::{name}")

    def has(self, name: str) -> bool:
        """Whether a file or a directory is on its ESP."""
        argv = ["mdir", "-b", "-i", f"{self.path}{ESP}", f"::{name}"]
        return subprocess.run(argv, check=False, capture_output=True).returncode == 0

    def write(self, source: Path, name: str) -> None:
        """Put a file on its ESP, in place of what is there."""
        self._mtools("mcopy", "-o", str(source), f"::{name}")

    def _mtools(self, program: str, *arguments: str) -> bytes:
        argv = [program, "-i", f"{self.path}{ESP}", *arguments]
        return subprocess.run(argv, check=True, capture_output=True).stdout


@dataclass(frozen=True)
class Machine:
    """A machine that is off. `digests` are those of images, by the names that cases call them."""

    disk: HostDisk
    scratch: Path
    ssh_key: Path
    host_key: str
    programs: Path
    digests: Mapping[str, str]
    store: Moody

    @property
    def url(self) -> str:
        """Where the machine finds the store."""
        return self.store.url.replace("127.0.0.1", "10.0.2.2")

    @contextmanager
    def on(self) -> Iterator[VmHost]:
        """Switch it on; the end is a power cut."""
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        (self.scratch / "known_hosts").write_text(f"[127.0.0.1]:{port} {self.host_key}\n")
        with running(self.disk.path, self.scratch, self.programs, port) as vm:
            yield VmHost(vm, self, port)


@dataclass
class VmHost:
    """A machine that is on."""

    vm: Vm
    machine: Machine
    port: int
    _counted: list[str] = field(default_factory=list)
    _before: int = 0

    def boots(self) -> list[str]:
        """The entries that were booted since it was switched on, as they were counted then."""
        told = BOOT.findall(self.vm.said())[self._before :]
        for name in told[len(self._counted) :]:
            files = self.machine.disk.entries()
            self._counted += [file for file in files if re.match(rf"{name}[+.]", file)]
        return list(self._counted)

    def decisions(self) -> tuple[str, ...]:
        """The boots, spelled as in cases."""
        return tuple(
            spelled for boot in self.boots() for spelled in cases.spelled([boot], self.machine.digests)
        )

    def forget_boots(self) -> None:
        """Of what was booted until now."""
        self._before, self._counted = len(BOOT.findall(self.vm.said())), []

    def goes_through(self, case: Case) -> None:
        """Wait until its boots were seen, and its entries are there."""

        def is_through() -> bool:
            boots = self.decisions()
            assert boots == case.boots[: len(boots)], f"{case.name}: {boots}"
            entries = cases.spelled(self.machine.disk.entries(), self.machine.digests)
            return boots == case.boots and entries == tuple(sorted(case.after))

        self.wait(is_through, f"through the case {case.name}: {self.decisions()}")

    def wait_for_entries(self, *spelled: str) -> None:
        """Wait until these are the entries on the ESP."""
        self.wait(
            lambda: cases.spelled(self.machine.disk.entries(), self.machine.digests) == spelled,
            f"at {spelled}",
        )

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Wait for something to be true. Fails the test with what the console said."""
        end = time.monotonic() + PATIENCE
        while not until():
            ended = self.vm.process.poll() is not None
            assert not ended and time.monotonic() < end, f"not {what}; {self.vm.said()[-3000:]}"
            time.sleep(0.2)

    def ssh(self, command: str) -> str:
        """Run a command; it must succeed."""
        self.wait(self._answers, "answering by SSH")
        done = subprocess.run(
            [*self._ssh(), command], capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def module(self, name: str, **options: Any) -> Mapping[str, Any]:
        """Run a module of the collection on it, and return what it returned."""
        process = self.start_module(name, **options)
        stdout, _stderr = process.communicate(timeout=600)
        found = re.match(r"\S+ \| (\w+!?) (?:\| rc=\d+ )?=> (.*)", stdout, re.DOTALL)
        assert found is not None, stdout
        returned: Mapping[str, Any] = json.loads(found[2])
        return returned

    def start_module(self, name: str, **options: Any) -> subprocess.Popen[str]:
        """The same, without waiting for it."""
        self.wait(self._answers, "answering by SSH")
        (self.machine.scratch / "hosts").write_text(
            f"vm ansible_host=127.0.0.1 ansible_port={self.port} ansible_user=root"
            f" ansible_ssh_private_key_file={self.machine.ssh_key}"
            f" ansible_python_interpreter=/usr/bin/python3"
            f" ansible_ssh_common_args='{' '.join(self._options())}' ansible_pipelining=true\n"
        )
        argv = [
            str(Path(sys.executable).with_name("ansible")),
            "vm",
            "-i",
            str(self.machine.scratch / "hosts"),
            "-m",
            f"osaas.fleet.{name}",
        ]
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": str(CACHE / "collections"),
            "ANSIBLE_HOME": str(CACHE / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_TIMEOUT": "60",
        }
        return subprocess.Popen(
            [*argv, *(["-a", json.dumps(options)] if options else [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **settings},
        )

    def reboot(self) -> None:
        """Ask it to; it ends its connections before it answers."""
        subprocess.run([*self._ssh(), "systemctl --no-block reboot"], check=False, capture_output=True)

    def _answers(self) -> bool:
        return subprocess.run([*self._ssh(), "true"], check=False, capture_output=True).returncode == 0

    def _options(self) -> list[str]:
        known = ("StrictHostKeyChecking=yes", f"UserKnownHostsFile={self.machine.scratch / 'known_hosts'}")
        more = (*known, "ConnectTimeout=20", "ControlMaster=no", "ControlPath=none", "LogLevel=ERROR")
        return [word for option in more for word in ("-o", option)]

    def _ssh(self) -> list[str]:
        return [
            "ssh",
            "-i",
            str(self.machine.ssh_key),
            "-p",
            str(self.port),
            *self._options(),
            "root@127.0.0.1",
        ]
