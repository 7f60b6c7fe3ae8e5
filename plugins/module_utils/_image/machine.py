# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A virtual machine with UEFI firmware, by QEMU: what its console says, until it has said enough."""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
import typing as t
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox

QEMUS = ("usr/bin/qemu-system-x86_64", "usr/libexec/qemu-kvm")
FIRMWARES = (  # code, and what variables are at first; as Debian, Fedora and their kin have them
    ("usr/share/OVMF/OVMF_CODE_4M.fd", "usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("usr/share/edk2/ovmf/OVMF_CODE.fd", "usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ("usr/share/OVMF/OVMF_CODE.fd", "usr/share/OVMF/OVMF_VARS.fd"),
)
# Time is counted in instructions: on a busy builder an image would else take its clock for broken.
EMULATED = ("-machine", "q35,accel=tcg", "-icount", "shift=2", "-cpu", "Nehalem")
VIRTUALISED = ("-machine", "q35,accel=kvm", "-cpu", "host")
KVM = Path("/dev/kvm")
PROBE = 5.0  # seconds in which firmware is done, if the processor runs it
DONE = "BdsDxe"  # what firmware says when it has found nothing to boot
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\r\x00]")
GRACE = 60.0  # seconds to end in
POLL = 0.2  # seconds


@dataclass(frozen=True)
class Said:
    """What a console showed, without colours; and what ended the watch."""

    console: str
    end: t.Literal["enough", "late", "ended"]

    @property
    def last(self) -> str:
        """The last line with something on it."""
        lines = (line.strip() for line in reversed(self.console.splitlines()))
        return next((line for line in lines if line), "nothing")


@dataclass(frozen=True)
class Machine:
    """QEMU and firmware, paths in the root that has the `tools`. `memory` is in MiB."""

    tools: Sandbox
    qemu: str
    code: str
    variables: str
    memory: int

    def watch(
        self, disk: Path | None, scratch: Path, seconds: float, enough: Callable[[str], bool], *, kvm: bool
    ) -> Said:
        """Boot from a disk in the empty directory `scratch`, until its console has said enough.

        A restart is its end; it has no network. Raises CommandError with QEMU's words.
        """
        shutil.copyfile(self.tools.root / self.variables, scratch / "variables")
        limit = ["timeout", "--signal=KILL", str(int(seconds + GRACE))]  # should it not hear of its end
        argv = [*limit, f"/{self.qemu}", *(VIRTUALISED if kvm else EMULATED), "-m", str(self.memory)]
        argv += [
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
            "-device",
            "virtio-rng-pci",
        ]
        argv += ["-serial", "file:console", "-monitor", "unix:monitor,server=on,wait=off"]
        drives = [
            f"if=pflash,format=raw,unit=0,readonly=on,file=/{self.code}",
            "if=pflash,format=raw,unit=1,file=variables",
            *([f"if=virtio,format=raw,cache=unsafe,file={disk}"] if disk else []),
        ]
        argv += [word for drive in drives for word in ("-drive", drive)]
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self._run, argv, scratch, [str(KVM)] if kvm else [])
            try:
                return _watch(running, scratch / "console", seconds, enough)
            finally:
                _quit(running, scratch)

    def _run(self, argv: Sequence[str], scratch: Path, devices: Sequence[str]) -> Completed:
        return self.tools.run_tool(argv, reads=[], writes=scratch, devices=devices)

    def has_kvm(self, scratch: Path) -> bool:
        """Whether firmware boots with KVM: the device is there on builders that cannot run it, too."""
        if not os.access(KVM, os.R_OK | os.W_OK):
            return False
        scratch.mkdir()
        try:
            return self.watch(None, scratch, PROBE, lambda said: DONE in said, kvm=True).end == "enough"
        except CommandError:
            return False


def find_machine(tools: Sandbox, memory: int) -> Machine:
    """What these tools have. Raises InputError if QEMU or its firmware is not among them."""
    qemu = next((name for name in QEMUS if (tools.root / name).is_file()), None)
    firmware = next((pair for pair in FIRMWARES if (tools.root / pair[0]).is_file()), None)
    if qemu is None or firmware is None:
        what = f"there is no /{QEMUS[0]}" if qemu is None else f"there is no /{FIRMWARES[0][0]}"
        raise InputError(what, where=str(tools.root), way_out="Install QEMU for x86_64 and OVMF there")
    return Machine(tools, qemu, *firmware, memory)


def _watch(running: Future[Completed], console: Path, seconds: float, enough: Callable[[str], bool]) -> Said:
    end = time.monotonic() + seconds
    while True:
        over = running.done()
        said = ESCAPES.sub("", console.read_text(errors="replace")) if console.exists() else ""
        if enough(said):
            return Said(said, "enough")
        if over:
            running.result()
            return Said(said, "ended")
        if time.monotonic() > end:
            return Said(said, "late")
        time.sleep(POLL)


def _quit(running: Future[Completed], scratch: Path) -> None:
    """Tell it, by its monitor; through the directory, for the name of a socket must be short."""
    directory = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while not running.done():
            with suppress(OSError), socket.socket(socket.AF_UNIX) as monitor:
                monitor.connect(f"/proc/self/fd/{directory}/monitor")
                monitor.sendall(b"quit\n")
                monitor.recv(1 << 16)
            time.sleep(POLL)
    finally:
        os.close(directory)
