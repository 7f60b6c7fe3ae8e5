# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For people: `python -m testbed.distro build|info`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import Distro, DistroError, ensure_distro, install_root
from .publish import REPOS
from .releases import RELEASES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m testbed.distro", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".cache/testbed"), help="default: %(default)s")
    parser.add_argument("--flavour", default="testbed-9", help="default: %(default)s")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("build", help="build what is missing")
    actions.add_parser("info", help="build what is missing and say what there is")
    install = actions.add_parser("install", help="install a release into a directory")
    install.add_argument("release", choices=[release.name for release in RELEASES])
    install.add_argument("root", type=Path)
    options = parser.parse_args()
    try:
        distro = ensure_distro(options.flavour, cache=options.cache, progress=_say)
        if options.action == "info":
            _info(distro)
        elif options.action == "install":
            install_root(distro, options.release, options.root, progress=_say)
    except DistroError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _info(distro: Distro) -> None:
    _say(f"{distro.flavour} in {distro.root}, key {distro.fingerprint}")
    for release in RELEASES:
        for repo in REPOS:
            files = list((distro.release(release.name) / repo).glob("Packages/*/*.rpm"))
            size = sum(file.stat().st_size for file in files) / 1e6
            _say(f"{release.name} {repo:9} {len(files):4} packages {size:7.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
