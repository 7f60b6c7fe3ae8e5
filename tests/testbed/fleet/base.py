# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn a freshly installed root into one that boots quickly as any host of a fleet."""

from __future__ import annotations

from pathlib import Path

from .command import run

# What only matters on a console, or at a first boot that the base has had already.
MASKED = (
    "console-getty.service",
    "getty@.service",
    "systemd-firstboot.service",
    "systemd-machine-id-commit.service",
)
JOURNAL = "[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\n"


def prepare(root: Path) -> None:
    """Presets applied, no repo enabled (a pin is the collection's job), no identity of its own."""
    run(["systemctl", f"--root={root}", "--quiet", "preset-all"])
    run(["systemctl", f"--root={root}", "--quiet", "mask", *MASKED])
    for repo in (root / "etc/yum.repos.d").glob("*.repo"):
        repo.unlink()
    for identity in ("etc/machine-id", "etc/hostname"):
        (root / identity).unlink(missing_ok=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    journal = root / "etc/systemd/journald.conf.d/testbed.conf"
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_text(JOURNAL)
    for up_to_date in ("etc/.updated", "var/.updated"):  # newer than /usr: ConditionNeedsUpdate= is false
        (root / up_to_date).touch()
