# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offers signed packages that require, provide and obsolete one another."""

from __future__ import annotations

import shutil
from pathlib import Path

from integration.repo.conftest import Upstream

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: Test package {name}
License: GPL-3.0-or-later
BuildArch: noarch
{tags}
%description
Test package {name}.
%files
"""


def offer(upstream: Upstream, *packages: tuple[str, str, str]) -> str:
    """Let the upstream have these (name, version, tags), sync and cut; returns the snapshot's id."""
    stock(upstream, *packages)
    cut = upstream.module("snapshot")
    assert not cut.failed, cut.msg
    return str(cut.data["snapshot"]["id"])


def stock(upstream: Upstream, *packages: tuple[str, str, str]) -> None:
    """Let the upstream have these and nothing else, and sync."""
    put(upstream, *packages)
    synced = upstream.sync()
    assert not synced.failed, synced.msg


def put(upstream: Upstream, *packages: tuple[str, str, str]) -> None:
    """Let the upstream have these and nothing else."""
    shutil.rmtree(upstream.path, ignore_errors=True)
    upstream.path.mkdir()
    for name, version, tags in packages:
        shutil.copy(build(upstream, name, version, tags), upstream.path)
    upstream.index()


def build(upstream: Upstream, name: str, version: str, tags: str) -> Path:
    """The package, built and signed once in a session."""
    top = upstream.built.forge.root / "related" / f"{name}-{version}-{abs(hash(tags))}"
    rpm = top / "RPMS" / "noarch" / f"{name}-{version}-1.noarch.rpm"
    if not rpm.exists():
        top.mkdir(parents=True)
        (top / "package.spec").write_text(SPEC.format(name=name, version=version, tags=tags))
        argv = ("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", top / "package.spec")
        upstream.built.forge.run(*argv)
        upstream.built.forge.sign("upstream", rpm)
    return rpm
