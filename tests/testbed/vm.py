# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine with UEFI firmware, emulated in software: it needs no KVM, and so runs anywhere."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# An old processor: with AVX and what else `max` has, emulated a word at a time, a boot takes 42 s and not 24.
_CPU = ("-cpu", "Nehalem", "-m", "1024")
# Time is counted in instructions: on a busy host a guest would else take its own clock for broken.
MACHINE = ("-machine", "q35,accel=tcg", "-icount", "shift=2", *_CPU)
# With a second processor, and the host's clock: a machine that is up for minutes has to get on.
LASTING = ("-machine", "q35", "-accel", "tcg,thread=multi,tb-size=512", "-smp", "2", *_CPU)
VARIABLES = "usr/share/OVMF/OVMF_VARS_4M.fd"


class VmError(Exception):
    """The machine did not get where it should; the message has what it last said."""


@dataclass(frozen=True)
class Vm:
    """A running machine. `serial` is the file that its console is written to."""

    process: subprocess.Popen[bytes]
    serial: Path

    def said(self) -> str:
        """What its console has shown so far."""
        return self.serial.read_text(errors="replace") if self.serial.exists() else ""

    def wait_for(self, text: str, *, seconds: float) -> str:
        """Wait until the console shows `text`; returns all that it showed. Raises VmError."""
        end = time.monotonic() + seconds
        while text not in self.said():
            if self.process.poll() is not None or time.monotonic() > end:
                why = "ended" if self.process.poll() is not None else f"said no {text!r} in {seconds:.0f} s"
                raise VmError(f"the machine {why}; its console: {self.said()[-2000:]}")
            time.sleep(0.2)
        return self.said()


@contextmanager
def booted(disk: Path, scratch: Path, programs: Path) -> Iterator[Vm]:
    """A machine that boots from `disk`, which stays as it is; a restart is its end. It has no network.

    `programs` is a root that has QEMU 10 and its firmware, such as an image of testbed-10: 7.2 emulates a
    kernel 6.12 wrongly now and then.
    """
    shutil.copy(programs / VARIABLES, scratch / "efi-variables")
    with _machine(disk, scratch, programs, ["-no-reboot"], kept=False) as machine:
        yield machine


@contextmanager
def running(disk: Path, scratch: Path, programs: Path, port: int) -> Iterator[Vm]:
    """The same with a disk that is written to, restarts, and a network: port 22 is ours on 127.0.0.1:`port`.

    The guest has 10.0.2.15/24 and reaches us at 10.0.2.2. The end is a power cut; what the guest has
    written by then is on the disk, and what it had yet to write is not. EFI variables stay in `scratch`.
    """
    if not (scratch / "efi-variables").exists():
        shutil.copy(programs / VARIABLES, scratch / "efi-variables")
    network = f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22"
    more = ["-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile="]
    with _machine(disk, scratch, programs, more, kept=True) as machine:
        yield machine


@contextmanager
def _machine(disk: Path, scratch: Path, programs: Path, more: list[str], *, kept: bool) -> Iterator[Vm]:
    serial = scratch / "serial"
    serial.unlink(missing_ok=True)
    drives = (
        "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
        f"if=pflash,format=raw,unit=1,file={scratch / 'efi-variables'}",
        f"if=virtio,format=raw,cache=unsafe,snapshot={'off' if kept else 'on'},file={disk}",
    )
    argv = ["qemu-system-x86_64", *(LASTING if kept else MACHINE), "-display", "none", "-nodefaults", *more]
    argv += ["-device", "virtio-rng-pci", "-serial", f"file:{serial}"]
    argv += [word for drive in drives for word in ("-drive", drive)]
    places = ["--bind" if kept else "--ro-bind", str(disk), str(disk), "--bind", str(scratch), str(scratch)]
    apart = [] if kept else ["--unshare-net"]
    with subprocess.Popen(
        ["bwrap", "--die-with-parent", *apart, *_root(programs), *places, "--", *argv]
    ) as process:
        try:
            yield Vm(process, serial)
        finally:
            process.kill()


def _root(programs: Path) -> list[str]:
    """What a program of that root sees."""
    places = ["--ro-bind", str(programs / "usr"), "/usr", "--dev", "/dev", "--proc", "/proc"]
    places += [word for name in ("bin", "lib", "lib64") for word in ("--symlink", f"usr/{name}", f"/{name}")]
    return [*places, "--tmpfs", "/tmp", "--tmpfs", "/var/tmp"]
