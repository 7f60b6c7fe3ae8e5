# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of services, built and published by the modules of the collection, signed by a key of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.image.conftest import Released, make_workshop
from integration.image.site import Site, make_key
from testbed.distro import Distro
from unit.harness import run

UNIT = """\
[Unit]
Description=Counts how often it was started

[Service]
Type=exec
ExecStart=/usr/bin/tick
DynamicUser=yes
"""
# It runs as nobody knows who, in its own tree, and only its state outlives it.
TICK = """\
#!/bin/bash
cd "$STATE_DIRECTORY" || exit 1
echo $(( $(cat starts 2>/dev/null || echo 0) + 1 )) > starts
echo {says} > says
touch /usr/touched 2>/dev/null && echo writable > says
{then}
exec sleep infinity
"""


@dataclass(frozen=True)
class ServiceWorkshop:
    """Publishes images of the service `tick` to a store that hosts can reach."""

    site: Site

    @property
    def key(self) -> str:
        """The public key, ASCII-armored."""
        return self.site.key.public.read_text()

    def publish(self, says: str, then: str = "") -> dict[str, str]:
        """A new image, whose service `says` something and does something `then`; as config names it."""
        self.site.workshop.define(
            "tick",
            "parent: base\nartifacts: [{tar: {compression_level: 1}}]\nfeatures:\n"
            + _file("/usr/lib/systemd/system/tick.service", UNIT, "0644")
            + _file("/usr/bin/tick", TICK.format(says=says, then=then), "0755"),
        )
        self.site.build("tick")
        published = self.site.publish("tick")
        assert not published.failed, published.msg
        release = published.data["release"]
        return {"name": "tick", "release": release["id"], "digest": release["digest"]}


@contextmanager
def service_workshop(distro: Distro, store: Path, scratch: Path) -> Iterator[ServiceWorkshop]:
    """Sync the distribution into `store`, and cut a snapshot of it to build services from."""
    repositories = [
        {"name": name, "baseurl": [f"file://{distro.release('r1') / name}"], "gpgkey": [str(distro.key)]}
        for name in ("baseos", "appstream")
    ]
    given: dict[str, Any] = {"store": str(store), "repositories": repositories}
    assert not run("repo_sync", given, check=False, diff=False, tmp=scratch).failed
    cut = run("snapshot", {"store": str(store)}, check=False, diff=False, tmp=scratch)
    (scratch / "shop").mkdir()
    workshop = make_workshop(Released(distro, store, cut.data["snapshot"]["id"]), scratch / "shop")
    with make_key(scratch) as key:
        yield ServiceWorkshop(Site(workshop, key, store))


def _file(path: str, content: str, mode: str) -> str:
    lines = "".join(f"        {line}\n" for line in content.splitlines())
    return f'  - file:\n      path: {path}\n      mode: "{mode}"\n      content: |\n{lines}'
