# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package hosts and image hosts in one rollout, end to end: `make demo-image-hosts`.

Real images, booted by systemd-nspawn; firmware, boot loader and initrd are those of the testbed.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import parse_entry
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import SHORT
from testbed.distro import DistroError, ensure_distro
from testbed.fleet import Fleet, FleetError, preflight

from . import screen
from .image_hosts_site import image_site, is_image_host, release, switch_on
from .site import Site, SiteError
from .story import Say, StoryError

CHECKOUT = Path(__file__).parents[2]
RUN_DIR = CHECKOUT / ".run"
CACHE = CHECKOUT / ".cache/testbed"


def main() -> int:
    """Exit status: 0, or 1 after one line on stderr, or 130 after Ctrl-C."""
    try:
        preflight.need_root()
        _demo()
    except (DistroError, FleetError, SiteError, StoryError) as error:
        print(f"demo-image-hosts: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo-image-hosts: interrupted; nothing is left running", file=sys.stderr)
        return 130
    return 0


def tell(site: Site, say: Say) -> list[dict[str, Any]]:
    """Run the story; returns the status of its two rollouts. Raises StoryError at the first surprise."""
    say(
        "1. Release r1: a snapshot for three package hosts, and the image built from it for three image hosts"
    )
    release(site, "r1")
    switch_on(site)
    _expect(site.play("enrol", osaas_release="untested"), 0, "enrolling the hosts")

    say("2. Release r3 breaks a service: the image host goes back by itself, the package host is put back")
    release(site, "r3")
    _expect(site.play("rollout", osaas_release="untested"), 2, "rolling out r3")
    bad = site.rollout()
    expected = {"rolled back": 2, "eligible": 4}
    if (bad["state"], bad["counts"]) != ("halted", expected):
        raise StoryError(
            f"the rollout of r3 is {bad['state']} with {bad['counts']}, not halted with {expected}"
        )

    say("3. Release r4 is the fix: all six hosts get it, in the same waves")
    release(site, "r4")
    _expect(site.play("rollout", osaas_release="untested"), 0, "rolling out r4")
    good = site.rollout()
    if (good["state"], good["counts"]) != ("succeeded", {"done": 6}):
        raise StoryError(f"the rollout of r4 is {good['state']} with {good['counts']}")
    return [bad, good]


def boots(site: Site) -> list[str]:
    """What the loader of each image host booted, boot by boot."""
    names = {
        hashlib.sha256((place / "manifest.json").read_bytes()).hexdigest()[:SHORT]: place.name
        for place in (site.directory / "store/images").iterdir()
    }
    lines = []
    for host in site.fleet.hosts:
        for boot in site.fleet.boots(host.name) if is_image_host(host.name) else ():
            entry = parse_entry(boot.entry, "")
            what = "known to be good" if entry.tries_left is None else f"try {entry.tries_done}"
            lines.append(f"{host.name}  {names[entry.name[-SHORT:]]}, {what}: {boot.outcome}")
    return lines


def _demo() -> None:
    began = time.time()
    _say("Setting up: Testbed Linux, three package hosts and three image hosts in three racks")
    distro = ensure_distro("testbed-10", cache=CACHE, progress=_detail)
    directory = RUN_DIR / "demo-image-hosts-site"
    with (
        Fleet.start(
            "demo-image-hosts",
            distro=distro,
            hosts=3,
            image_hosts=3,
            store=directory / "store",
            run_dir=RUN_DIR,
            cache=CACHE,
            progress=_detail,
        ) as fleet,
        image_site(directory, fleet, distro) as site,
    ):
        rollouts = tell(site, _say)
        _say("Done: the bad image was left by the host itself, the rollout halted, and the fix reached all")
        for line in (
            *screen.table(rollouts, ("r3", "r4")),
            "",
            "What the boot loaders did:",
            *boots(site),
            "",
            f"This run took {screen.clock(time.time() - began)}.",
        ):
            print(line)


def _expect(status: int, expected: int, what: str) -> None:
    if status != expected:
        raise StoryError(f"{what} ended with status {status}, not {expected}")


def _say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def _detail(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
