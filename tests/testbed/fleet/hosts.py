# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a fleet has: names, addresses, racks. Pure."""

from __future__ import annotations

import ipaddress
import uuid
from dataclasses import dataclass

from .errors import FleetError

NETWORK = ipaddress.IPv4Network("10.99.0.0/24")
CONTROLLER = str(NETWORK[1])
FIRST_HOST = 11
MOST_HOSTS = NETWORK.num_addresses - 1 - FIRST_HOST  # the last address is broadcast


@dataclass(frozen=True)
class Host:
    """A machine of the fleet."""

    name: str
    address: str
    rack: str
    image: bool = False  # it boots images from a disk of its own

    @property
    def canary(self) -> bool:
        """The first host of a fleet is its canary."""
        return self.address == str(NETWORK[FIRST_HOST])

    def machine_id(self, fleet: str) -> str:
        """32 hex digits, the same each time: what is sampled by machine id comes out alike in every run."""
        return uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.{fleet}.testbed.invalid").hex


def make_hosts(count: int, racks: int, images: int = 0) -> tuple[Host, ...]:
    """`count` hosts dealt out to `racks` racks in turn: host-01 in rack-1, host-02 in rack-2, …

    After them come `images` hosts that boot images: image-01, and so on.
    Raises FleetError for more hosts than there are addresses, or none.
    """
    if not 1 <= count <= MOST_HOSTS - images:
        raise FleetError(f"hosts: {count} is not between 1 and {MOST_HOSTS} (the addresses of {NETWORK})")
    if racks < 1:
        raise FleetError(f"racks: {racks} is less than 1")
    names = [(f"host-{n + 1:02}", n, False) for n in range(count)]
    names += [(f"image-{n + 1:02}", n, True) for n in range(images)]
    return tuple(
        Host(name=name, address=str(NETWORK[FIRST_HOST + place]), rack=f"rack-{n % racks + 1}", image=image)
        for place, (name, n, image) in enumerate(names)
    )
