# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""comps.xml: groups of package names, cut to the packages that are left."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree

from ansible_collections.osaas.fleet.plugins.module_utils._repo.safexml import check_xml

HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
"""


def cut_comps(source: Path, gone: Collection[str], *, where: str) -> str:
    """The groups in `source` without the package names in `gone`, and without groups that this empties.

    Names that were never in the repo stay: groups speak of packages of other repos too.
    """
    check_xml(source, where=where)
    root = ElementTree.parse(source).getroot()
    emptied = set()
    for group in root.findall("group"):
        for packages in group.findall("packagelist"):
            before = list(packages)
            for package in before:
                if (package.text or "").strip() in gone:
                    packages.remove(package)
            if before and not len(packages):
                emptied.add((group.findtext("id") or "").strip())
                root.remove(group)
                break
    for listing in root.iter():
        for entry in listing.findall("groupid"):
            if (entry.text or "").strip() in emptied:
                listing.remove(entry)
    return f"{HEAD}{ElementTree.tostring(root, encoding='unicode')}\n"
