# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From definitions to a machine that runs: `make demo-image`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.distro import DistroError, ensure_distro
from testbed.fleet import preflight
from testbed.fleet.errors import FleetError
from testbed.vm import VmError, booted

from . import screen
from .images_site import Workbench, workbench
from .site import SiteError

CHECKOUT = Path(__file__).parents[2]
DIRECTORY = CHECKOUT / ".run/images-site"
CACHE = CHECKOUT / ".cache/testbed"
GREETING = re.compile(r"<h1>(.*)</h1> (.*?)\s*\n\s*served from (\S+) +(\S+)")
CHANNELS = ("web-testing", "web-stable")


@dataclass
class Clock:
    """How long each part took."""

    parts: list[tuple[str, float]] = field(default_factory=list)
    began: float = field(default_factory=time.time)

    def lap(self, name: str) -> None:
        """A part has ended."""
        now = time.time()
        self.parts.append((name, now - self.began))
        self.began = now


def main() -> int:
    """Exit status: 0, or 1 after one line on stderr, or 130 after Ctrl-C."""
    try:
        preflight.need_root()
        _demo()
    except (DistroError, FleetError, SiteError, VmError) as error:
        print(f"demo-image: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo-image: interrupted; nothing is left running", file=sys.stderr)
        return 130
    return 0


def _demo() -> None:
    began = float(os.environ.get("DEMO_STARTED") or time.time())
    cold = not (DIRECTORY / "layers").exists()
    _say("Setting up: Testbed Linux, a directory for a builder of images")
    distro = ensure_distro("testbed-10", cache=CACHE, progress=_detail)
    with workbench(DIRECTORY, distro) as site:
        clock = Clock(began=began)
        clock.lap("setup")
        _say("1. Sync Testbed Linux into a store, and cut a snapshot")
        site.play("sync")
        _say(
            "2. Build base, and web on top of it, without network; make artifacts, sign them, test the image"
        )
        site.play("build")
        clock.lap("build")
        _say("3. Publish it: a release that never changes; let the first hosts have it, then all")
        site.play("publish", osaas_images=["web"], osaas_channel=CHANNELS[0], osaas_reason="newest build")
        site.play("promote", osaas_channel=CHANNELS[1], osaas_release=CHANNELS[0], osaas_reason="looks good")
        site.play("prune", osaas_keep=[], osaas_keep_newest=2, osaas_keep_days=0)
        clock.lap("publication")
        _say("4. Boot the published disk: UEFI, a unified kernel, a root that dm-verity vouches for")
        words = _boot(site)
        clock.lap("boot")
        _detail(words)
        release = _release(site)
        _report(site, release)
        clock.lap("reports")
        _say("Done: one definition became a tested, signed release, and a machine that serves a page")
        times = screen.times(
            CHECKOUT / ".cache/demo-image-times.json", cold=cold, total=time.time() - began, parts=clock.parts
        )
        for line in (*_table(site, release, words), "", *times):
            print(line)
        _where_to_look(release)


def _boot(site: Workbench) -> str:
    """What the machine shows of itself. Raises VmError."""
    disk = (site.store / "channels" / CHANNELS[1] / "web.raw").resolve()
    with (
        tempfile.TemporaryDirectory() as scratch,
        booted(disk, Path(scratch), site.root("tools")) as machine,
    ):
        said = machine.wait_for("served from", seconds=600)
        time.sleep(1)
        found = GREETING.search(machine.said())
    if found is None:
        raise VmError(f"the machine served no page; its console: {said[-2000:]}")
    return f"{found[1]}, {found[2]}; served from {found[3]} ({found[4]})"


def _release(site: Workbench) -> dict[str, Any]:
    """What was published, as the store tells it."""
    key = str(site.directory / "site.asc")
    told = site.ask("image_info", store=str(site.store), name=CHANNELS[1], gpgkey=[key])
    release: dict[str, Any] = told["published"][0]
    if set(CHANNELS) - {name for name, target in told["channels"].items() if target == release["id"]}:
        raise SiteError(f"the channels are at {told['channels']}, not all at {release['id']}")
    return release


def _report(site: Workbench, release: dict[str, Any]) -> None:
    """A page about what web has over base, and a look at the archive by another program."""
    reports = {"before": "base", "after": "web", "report": str(site.directory / "web.html")}
    site.ask("image_diff", layers=str(site.layers), **reports)
    archive = site.store / "images" / release["id"] / "web.oci.tar"
    subprocess.run(["skopeo", "inspect", f"oci-archive:{archive}"], check=True, capture_output=True)


def _table(site: Workbench, release: dict[str, Any], words: str) -> list[str]:
    info = site.ask("image_info", layers=str(site.layers), name="web")["images"][0]
    rows = [("artifact", "size", "sha256")]
    rows += [(one["file"], _size(one["size"]), one["sha256"][:16]) for one in release["artifacts"]]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{file.ljust(widths[0])}  {size.rjust(widths[1])}  {digest}".rstrip() for file, size, digest in rows
    ]
    rule = "  ".join("─" * width for width in widths)
    facts = (
        ("release", f"{release['id']}, digest {release['digest'][:16]}, signed by the site"),
        ("image", f"{info['files']} files, {_size(info['bytes'])}, {len(info['packages'])} packages"),
        ("snapshot", release["snapshot"]),
        ("channels", ", ".join(CHANNELS)),
        ("machine", words),
    )
    return [lines[0], rule, *lines[1:], "", *(f"{name:<10}{value}" for name, value in facts)]


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB" if count >= 1 << 17 else f"{count} B"


def _where_to_look(release: dict[str, Any]) -> None:
    shown = DIRECTORY.relative_to(CHECKOUT)
    places = (
        (f"{shown}/definitions/web.yml", "all that had to be said"),
        (f"{shown}/graphs/web.svg", "what requires what"),
        (f"{shown}/web.html", "what web has over base"),
        (f"{shown}/store/images/{release['id']}/", "the release: manifest.json names every file"),
        ("docs/images.md", "how to do the same with your own distribution"),
    )
    width = max(len(place) for place, _about in places)
    print("\nWhere to look next:")
    for place, about in places:
        print(f"  {place.ljust(width)}  {about}")


def _say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def _detail(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
