# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian package said as an RPM (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .cache import DistroError
from .deb import Deb
from .flavour import Amendment, Scriptlet
from .rpm import RpmSpec
from .tree import Tree
from .versions import Evr, evr, provision, requirement


@dataclass(frozen=True)
class World:
    """What a package must know of all others.

    shared: the directories of package filesystem; dropped: names the distribution leaves out; known: all
    names it provides; built: the Debian version and the EVR in this release of each package.
    """

    shared: Collection[str]
    dropped: Collection[str]
    known: Collection[str]
    built: Mapping[str, tuple[str, Evr]]


def convert(deb: Deb, tree: Tree, amendment: Amendment, suffix: str, world: World) -> RpmSpec:
    """The RPM of `deb` with the files of `tree`; `suffix` marks a newer build (empty: the first).

    Raises DistroError if a dependency cannot be met.
    """
    return RpmSpec(
        name=deb.name,
        evr=deb.evr.bumped(suffix),
        source=deb.source,
        source_evr=evr(deb.source_version).bumped(suffix),
        arch=deb.arch,
        summary=deb.summary,
        description=deb.description,
        requires=_requires(deb, world),
        provides=(*amendment.provides, *map(provision, deb.provides)),
        entries=tuple(
            entry for entry in tree.entries if not (entry.directory and entry.path in world.shared)
        ),
        scriptlets=(*amendment.scriptlets, *service_scriptlets(amendment.services)),
    )


def _requires(deb: Deb, world: World) -> tuple[str, ...]:
    try:
        words = [requirement(one, world.dropped, world.known, world.built) for one in deb.requires]
    except DistroError as error:
        raise DistroError(f"{deb.name}: {error}; name it in the flavour's core or dropped") from error
    return tuple(dict.fromkeys([*filter(None, words), "filesystem"]))


def service_scriptlets(units: tuple[str, ...]) -> tuple[Scriptlet, ...]:
    """What RPM distributions do for a service: preset at the first install, restart after an upgrade.

    The restart is only marked here; systemd's file trigger does it once, after the whole transaction.
    """
    if not units:
        return ()
    preset = f"/usr/bin/systemctl --no-reload preset {' '.join(units)} >/dev/null 2>&1 || :"
    mark = "\n".join(f"/usr/bin/systemctl set-property {unit} Markers=+needs-restart || :" for unit in units)
    return (
        Scriptlet("post", f"if [ $1 -eq 1 ]; then\n{preset}\nfi"),
        Scriptlet("posttrans", f"if [ -d /run/systemd/system ]; then\n{mark}\nfi"),
    )
