# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian package said as an RPM (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .cache import DistroError
from .deb import Deb
from .flavour import Amendment, Scriptlet
from .rpm import RpmSpec
from .tree import Entry, Tree
from .versions import Evr, evr, provision, requirement


def convert(deb: Deb, tree: Tree, amendment: Amendment, *, suffix: str, shared: Collection[str],
            dropped: Collection[str], known: Collection[str], built: Mapping[str, tuple[str, Evr]]) -> RpmSpec:
    """The RPM of `deb` with the files of `tree`.

    `suffix` marks a newer build (empty: the first); `shared` are the directories of package filesystem; for
    `dropped`, `known` and `built` see versions.requirement. Raises DistroError if a dependency cannot be met.
    """
    try:
        needs = [requirement(clause, dropped=dropped, known=known, built=built) for clause in deb.requires]
    except DistroError as error:
        raise DistroError(f"{deb.name}: {error}; name it in the flavour's core or dropped") from error
    return RpmSpec(
        name=deb.name,
        evr=deb.evr.bumped(suffix),
        source=deb.source,
        source_evr=evr(deb.source_version).bumped(suffix),
        arch=deb.arch,
        summary=deb.summary,
        description=deb.description,
        requires=tuple(dict.fromkeys([*filter(None, needs), "filesystem"])),
        provides=(*amendment.provides, *map(provision, deb.provides)),
        entries=private(tree.entries, shared),
        scriptlets=(*amendment.scriptlets, *service_scriptlets(amendment.services)),
    )


def private(entries: tuple[Entry, ...], shared: Collection[str]) -> tuple[Entry, ...]:
    """The entries without the directories that belong to package filesystem."""
    return tuple(entry for entry in entries if not (entry.directory and entry.path in shared))


def service_scriptlets(units: tuple[str, ...]) -> tuple[Scriptlet, ...]:
    """What RPM distributions do for a service: preset at the first install, restart after an upgrade.

    The restart is only marked here; systemd's file trigger does it once, after the whole transaction.
    """
    names = " ".join(units)
    marks = "\n".join(f"  /usr/bin/systemctl set-property {unit} Markers=+needs-restart || :" for unit in units)
    return (
        Scriptlet("post", f"if [ $1 -eq 1 ]; then /usr/bin/systemctl --no-reload preset {names} >/dev/null 2>&1 || :; fi"),
        Scriptlet("posttrans", f"if [ -d /run/systemd/system ]; then\n{marks}\nfi"),
    ) if units else ()
