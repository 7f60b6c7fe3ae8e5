# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Services that are shipped as images of their own: which ones start, stop or are swapped, and their units.

An image of a service brings its unit, as that of a portable service does. On the host the unit gets what ties
it to this one image, and says which one it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError

_MARK = "[X-Osaas]"  # systemd passes over sections whose names begin with X-
_MARKED = re.compile(rf"^{re.escape(_MARK)}\nRelease=(?P<release>\S+)\nDigest=(?P<digest>\S+)\n\Z", re.M)
# What a service needs of its host whatever is in its image; what is not there is left out.
_SHARED = ("/etc/machine-id", "/etc/resolv.conf", "/etc/hosts")


@dataclass(frozen=True)
class Service:
    """A service at one release of its image; `digest` is the SHA-256 of the manifest."""

    name: str
    release: str
    digest: str

    @property
    def unit(self) -> str:
        """Its unit, on the host and in the image."""
        return f"{self.name}.service"


@dataclass(frozen=True)
class Steps:
    """What has to be done, by name; a swap names what comes. `kept` are those that stay as they are."""

    start: tuple[Service, ...] = field(default=())
    swap: tuple[Service, ...] = field(default=())
    stop: tuple[Service, ...] = field(default=())
    kept: tuple[Service, ...] = field(default=())

    @property
    def comes(self) -> tuple[Service, ...]:
        """All whose images have to be there first."""
        return self.start + self.swap

    @property
    def touched(self) -> tuple[str, ...]:
        """All units that are changed."""
        return tuple(one.unit for one in (*self.start, *self.swap, *self.stop))


def steps_to(current: Mapping[str, Service], wanted: Sequence[Service]) -> Steps:
    """From what is there to what is wanted; both are sets, so the order means nothing."""
    chosen = {one.name: one for one in sorted(wanted, key=lambda one: one.name)}
    return Steps(
        start=tuple(one for name, one in chosen.items() if name not in current),
        swap=tuple(one for name, one in chosen.items() if name in current and current[name] != one),
        stop=tuple(one for name, one in sorted(current.items()) if name not in chosen),
        kept=tuple(one for name, one in chosen.items() if current.get(name) == one),
    )


def unit_text(service: Service, of_image: str, tree: Path) -> str:
    """The unit as its image has it, run in the image's tree, with a state directory that outlives images.

    Raises VerificationError if the image's unit says what only the host may.
    """
    for line in of_image.splitlines():
        key = line.partition("=")[0].strip()
        if key in ("RootDirectory", "RootImage") or line.strip() == _MARK:
            raise VerificationError(
                f"{service.unit} has {line.strip()}",
                where=f"release {service.release}",
                way_out="The host says where a service has its root: leave it out of the image's unit",
            )
    shared = " ".join(f"-{path}" for path in _SHARED)
    return (
        f"{of_image.rstrip()}\n\n"
        "# Added by osaas.fleet.host_config.\n"
        "[Service]\n"
        f"RootDirectory={tree}\n"
        "MountAPIVFS=yes\n"
        "ProtectSystem=strict\n"
        f"StateDirectory={service.name}\n"
        f"BindReadOnlyPaths={shared}\n"
        "\n"
        f"{_MARK}\n"
        f"Release={service.release}\n"
        f"Digest={service.digest}\n"
    )


def service_of(unit: str, text: str) -> Service | None:
    """The service that a unit file on the host is; None if it is none of these."""
    found = _MARKED.search(text)
    return Service(unit[: -len(".service")], found["release"], found["digest"]) if found else None
