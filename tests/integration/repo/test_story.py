# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From upstream to a host: sync, cut, promote, install with the real dnf, and the next release."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from integration.repo.conftest import Upstream
from unit.harness import ModuleResult


def succeeded(result: ModuleResult) -> ModuleResult:
    assert not result.failed, result.msg
    return result


def contents(root: Path) -> dict[str, bytes]:
    """Every file below `root` through its links, by relative path."""
    found = (Path(where) / name for where, _dirs, names in os.walk(root, followlinks=True) for name in names)
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def dnf(upstream: Upstream, root: Path, baseurl: str, *arguments: str, keys: Sequence[Path] = ()) -> str:
    """Run the real dnf on `root` with both of its signature checks on, and no other repo."""
    config = root.with_name(f"{root.name}.conf")
    urls = " ".join(f"file://{key}" for key in keys or [upstream.built.key])
    config.write_text(
        f"[main]\nreposdir=/nonexistent\nplugins=0\n[os]\nname=os\nbaseurl={baseurl}\n"
        f"gpgcheck=1\nrepo_gpgcheck=1\ngpgkey={urls}\n"
    )
    home = root.with_name("home")
    home.mkdir(exist_ok=True)
    cache = root.with_name(f"{root.name}.cache")
    argv = ["dnf", "-y", "-q", "-c", str(config), f"--installroot={root}", "--releasever=1"]
    argv += [f"--setopt=cachedir={cache}", "--refresh", *arguments]
    environment = {**os.environ, "HOME": str(home)}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    for keyring in cache.glob("*/pubring"):  # dnf leaves an agent behind for each
        subprocess.run(["gpgconf", "--homedir", str(keyring), "--kill", "all"], check=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed(root: Path) -> list[str]:
    home = {**os.environ, "HOME": str(root.with_name("home"))}
    argv = ["rpm", f"--root={root}", "-qa", "--qf", "%{name}-%{version}\n"]
    done = subprocess.run(argv, env=home, capture_output=True, text=True, check=True)
    return sorted(line for line in done.stdout.split() if not line.startswith("gpg-pubkey"))


def test_mirror_is_the_upstream_byte_for_byte(upstream: Upstream) -> None:
    result = succeeded(upstream.sync())

    assert result.changed
    assert contents(upstream.store / "mirrors" / "os") == contents(upstream.path)
    [repository] = result.data["repositories"]
    assert (repository["packages"], repository["gpgcheck"], repository["repo_gpgcheck"]) == (4, True, True)
    assert repository["bytes"] == sum(map(len, contents(upstream.path).values()))


def test_an_unchanged_upstream_costs_two_requests(upstream: Upstream) -> None:
    succeeded(upstream.sync())
    upstream.nginx.requests()

    again = succeeded(upstream.sync())

    assert not again.changed
    assert upstream.nginx.requests() == ["/www/repodata/repomd.xml", "/www/repodata/repomd.xml.asc"]


@pytest.mark.parametrize("transport", ["file", "http"])
def test_dnf_installs_and_moves_between_snapshots(upstream: Upstream, tmp_path: Path, transport: str) -> None:
    base = f"file://{upstream.store}" if transport == "file" else f"{upstream.nginx.url}/store"
    succeeded(upstream.sync())
    first = succeeded(upstream.module("snapshot")).data["snapshot"]["id"]
    before = contents(upstream.store / "snapshots" / first)
    upstream.offer("2")
    succeeded(upstream.sync())
    second = succeeded(upstream.module("snapshot")).data["snapshot"]["id"]

    root = tmp_path / "root"
    dnf(upstream, root, f"{base}/snapshots/{first}/os", "install", "tiny-alpha", "tiny-beta")
    assert installed(root) == ["tiny-alpha-1", "tiny-beta-1"]
    dnf(upstream, root, f"{base}/snapshots/{second}/os", "distro-sync")
    assert installed(root) == ["tiny-alpha-2", "tiny-beta-2"]
    dnf(upstream, root, f"{base}/snapshots/{first}/os", "distro-sync")
    assert installed(root) == ["tiny-alpha-1", "tiny-beta-1"]
    assert contents(upstream.store / "snapshots" / first) == before
