# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine's own dnf would do, set up as os_update does it.

`dnf_says.py CACHE < roots.json`: roots, each with the directory of its repo; prints a transaction for each.
It is run by the Python that has dnf's bindings.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import dnf  # type: ignore[import-not-found]
import dnf.callback  # type: ignore[import-not-found]
import dnf.exceptions  # type: ignore[import-not-found]

KINDS = {
    "install": dnf.callback.PKG_INSTALL,
    "upgrade": dnf.callback.PKG_UPGRADE,
    "downgrade": dnf.callback.PKG_DOWNGRADE,
    "replace": dnf.callback.PKG_OBSOLETED,
    "remove": dnf.callback.PKG_REMOVE,
}


def say(root: str, repo: str, cache: str) -> dict[str, Any]:
    """The NEVRAs by what happens to them, and whether there is a way at all."""
    with dnf.Base() as base:
        conf = base.conf
        conf.installroot, conf.cachedir = root, cache
        conf.reposdir, conf.module_platform_id = [], "platform:test"
        conf.substitutions["releasever"] = "1"
        conf.best = True
        base.repos.add_new_repo(f"repo{abs(hash(repo))}", conf, baseurl=[f"file://{repo}"], gpgcheck=False)
        base.fill_sack()
        base.distro_sync()
        try:
            base.resolve(allow_erasing=True)
        except dnf.exceptions.DepsolveError as error:
            return {"solved": False, "why": str(error)}
        found: dict[str, Any] = {"solved": True}
        for kind, action in KINDS.items():
            packages = [item.pkg for item in base.transaction if item.action == action]
            found[kind] = sorted(map(_nevra, packages))
        found["gone"] = sorted(map(_nevra, base.transaction.remove_set))
        found["download"] = sum(package.downloadsize for package in base.transaction.install_set)
        gone = sum(package.installsize for package in base.transaction.remove_set)
        found["grow"] = sum(package.installsize for package in base.transaction.install_set) - gone
        return found


def _nevra(package: Any) -> str:
    return f"{package.name}-{package.epoch}:{package.version}-{package.release}.{package.arch}"


if __name__ == "__main__":
    print(json.dumps([say(root, repo, sys.argv[1]) for root, repo in json.load(sys.stdin)]))
