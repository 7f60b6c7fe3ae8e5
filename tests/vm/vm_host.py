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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integration.repo.moody import Moody
from testbed.firmware import cases
from testbed.firmware.cases import Case
from testbed.vm import Vm, running

CACHE = Path(__file__).parents[2] / ".cache"
SECTOR, BLOCK = 512, 4096  # bytes
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

    def remove(self, name: str) -> None:
        """Take a file away from its ESP."""
        self._mtools("mdel", f"::{name}")

    def flip(self, name: str, offset: int) -> None:
        """Change one byte of a file of the data partition to what it is not."""
        start = self._data_start()
        request = f"bmap {name} {offset // BLOCK}"
        argv = ["debugfs", "-R", request, f"{self.path}?offset={start}"]
        block = int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
        assert block > 0
        with self.path.open("r+b") as stream:
            stream.seek(start + block * BLOCK + offset % BLOCK)
            byte = stream.read(1)[0]
            stream.seek(-1, os.SEEK_CUR)
            stream.write(bytes([byte ^ 1]))

    def _data_start(self) -> int:
        """Where the second partition begins, by the table: UEFI specification, section 5.3.3."""
        with self.path.open("rb") as stream:
            stream.seek(2 * SECTOR + 128 + 32)
            return int.from_bytes(stream.read(8), "little") * SECTOR

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

    def set_up(self, case: Case, *, b: str = "B", more: str = "") -> None:
        """Put the entries of a case on the ESP, and no others.

        `b` is the image that the case calls B; with `more`, it is given one more kernel argument.
        """
        texts = {name: self.disk.read(f"/loader/entries/{name}").decode() for name in self.disk.entries()}
        sample = next(iter(texts.values()))
        for name in texts:
            self.disk.remove(f"/loader/entries/{name}")
        for spelled in case.entries:
            name = cases.file_name(spelled, self.called(b))
            image = spelled.partition("-")[2].partition("+")[0]
            text = self._text(sample, name.partition("+")[0].removesuffix(".conf"), self.called(b)[image])
            if more and image == "B":
                text = text.rstrip() + f" {more}\n"
            (self.scratch / "entry").write_text(text)
            self.disk.write(self.scratch / "entry", f"/loader/entries/{name}")
            short = self.called(b)[image][:16]
            if not self.disk.has(f"/osaas/{short}/vmlinuz"):
                self._add_kernel(short)

    def called(self, b: str) -> dict[str, str]:
        """The digests of A and B, if B is that image."""
        return {"A": self.digests["A"], "B": self.digests[b]}

    def _text(self, sample: str, name: str, digest: str) -> str:
        """An entry as the host makes them, told from another one."""
        old = re.search(r"osaas\.digest=([0-9a-f]{64})", sample)
        assert old is not None
        root_hash = json.loads(self.data(f"/deployments/{digest}/deployment.json"))["root_hash"]
        text = re.sub(r"osaas\.roothash=[0-9a-f]{64}", f"osaas.roothash={root_hash}", sample)
        text = text.replace(old[1], digest).replace(f"/osaas/{old[1][:16]}/", f"/osaas/{digest[:16]}/")
        text = re.sub(r"osaas\.entry=\S+", f"osaas.entry={name}", text)
        return re.sub(r"(?m)^version .*$", f"version {int(name.split('-')[1])}", text)

    def _add_kernel(self, short: str) -> None:
        """The kernel of another image: they are all the same."""
        if not self.disk.has(f"/osaas/{short}"):
            subprocess.run(["mmd", "-i", f"{self.disk.path}{ESP}", f"::/osaas/{short}"], check=True)
        for name in ("vmlinuz", "initramfs"):
            (self.scratch / "part").write_bytes(self.disk.read(f"/osaas/{self.digests['A'][:16]}/{name}"))
            self.disk.write(self.scratch / "part", f"/osaas/{short}/{name}")

    def data(self, name: str) -> str:
        """A file of the data partition, while the machine is off."""
        place = f"{self.disk.path}?offset={self.disk._data_start()}"
        argv = ["debugfs", "-R", f"cat {name}", place]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


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

    def decisions(self, b: str = "B") -> tuple[str, ...]:
        """The boots, spelled as in cases."""
        return tuple(
            spelled for boot in self.boots() for spelled in cases.spelled([boot], self.machine.called(b))
        )

    def forget_boots(self) -> None:
        """Of what was booted until now."""
        self._before, self._counted = len(BOOT.findall(self.vm.said())), []

    def goes_through(self, case: Case, *, b: str = "B", first: Sequence[str] = ()) -> None:
        """Wait until its boots were seen, `first` before it was switched on, and its entries are there."""
        called = self.machine.called(b)

        def is_through() -> bool:
            boots = (*first, *self.decisions(b))
            assert boots == case.boots[: len(boots)], f"{case.name}: {boots}"
            entries = cases.spelled(self.machine.disk.entries(), called)
            return boots == case.boots and entries == tuple(sorted(case.after))

        self.wait(is_through, f"through the case {case.name}: {self.decisions(b)}")

    def wait_for_entries(self, *spelled: str) -> None:
        """Wait until these are the entries on the ESP."""
        called = self.machine.called("B")
        self.wait(lambda: cases.spelled(self.machine.disk.entries(), called) == spelled, f"at {spelled}")

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
        found = re.search(r"^vm \| \w+!? (?:\| rc=\d+ )?=> (\{.*)", stdout, re.DOTALL | re.MULTILINE)
        assert found is not None, stdout
        returned: Mapping[str, Any] = json.loads(found[1])
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
