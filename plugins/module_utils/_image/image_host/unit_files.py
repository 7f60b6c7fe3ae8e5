# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The units of an image host: what judges a boot, what is done about it, and what a first boot makes."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._image.image_host.paths import GROWTH, PROGRAM
from ansible_collections.osaas.fleet.plugins.module_utils._image.units import LOCAL_UNITS, UNITS

PYTHON = "/usr/bin/python3"
DATA = "/run/osaas/data"

_HEALTH = f"""\
[Unit]
Description=Is this host well?
After=multi-user.target network-online.target
Before=boot-complete.target
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={PYTHON} {PROGRAM} health
"""

_BLESS = f"""\
[Unit]
Description=Keep what was booted: this host is well
Requires=boot-complete.target
After=boot-complete.target
RequiresMountsFor=/efi
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={PYTHON} {PROGRAM} bless
"""

# DefaultDependencies=no: it is wanted in emergencies too, when nothing else is there.
_UNHEALTHY = f"""\
[Unit]
Description=Start anew, unless what was booted is known to be good: this host is not well
RequiresMountsFor=/efi
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=oneshot
ExecStart={PYTHON} {PROGRAM} unhealthy
"""

# Judged by its own job, which waits for all that the host starts: a boot that hangs has failed.
_JUDGED = """\
[Unit]
OnFailure=osaas-unhealthy.service
JobTimeoutSec={patience}s
"""

_EMERGENCY = """\
[Unit]
Wants=osaas-unhealthy.service
"""

_EFI = """\
[Unit]
Description=EFI system partition
Before=local-fs.target

[Mount]
What=/dev/disk/by-partlabel/esp
Where=/efi
Type=vfat
Options=umask=0077,noatime
"""

_GROW = f"""\
[Unit]
Description=Give the rest of the disk to the data of this host
ConditionPathExists=/run/osaas/disk
RequiresMountsFor={DATA}
After=systemd-udevd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/systemd-repart --dry-run=no --discard=no --definitions={GROWTH} /run/osaas/disk
ExecStart=/usr/lib/systemd/systemd-growfs {DATA}
"""

_GROWTH = """\
[Partition]
Type=linux-generic
Label=osaas-data
"""


def unit_files(patience: int) -> dict[str, str]:
    """Path and text of each file; `patience` is in seconds, for a boot to be healthy."""
    return {
        f"{UNITS}/osaas-health.service": _HEALTH,
        f"{UNITS}/osaas-bless.service": _BLESS,
        f"{UNITS}/osaas-unhealthy.service": _UNHEALTHY,
        f"{UNITS}/osaas-grow.service": _GROW,
        f"{UNITS}/efi.mount": _EFI,
        f"{UNITS}/boot-complete.target.d/osaas.conf": _JUDGED.format(patience=patience),
        f"{UNITS}/emergency.target.d/osaas.conf": _EMERGENCY,
        f"{GROWTH}/data.conf": _GROWTH,
    }


# Linked rather than enabled: they belong to the image, not to what a person may turn off. systemd's own
# blessing knows nothing of this host's checks.
LINKS = {
    f"{UNITS}/boot-complete.target.requires/osaas-health.service": "../osaas-health.service",
    f"{UNITS}/multi-user.target.wants/osaas-bless.service": "../osaas-bless.service",
    f"{UNITS}/multi-user.target.wants/osaas-grow.service": "../osaas-grow.service",
    f"{UNITS}/local-fs.target.wants/efi.mount": "../efi.mount",
    f"{LOCAL_UNITS}/systemd-bless-boot.service": "/dev/null",
}
