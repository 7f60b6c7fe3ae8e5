# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back takes what a release brought and brings what it took: packages, kernels, boot entries.

The tests of this file are one story on one host. Its kernels are packages as distributions make them, with
the real kernel-install; the oldest of them says that it is the one that runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.repo.forge import Forge
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR, on_flavours
from .host_site import R1, R2, R3, Site, fill_store

pytestmark = on_flavours("testbed-9", "testbed-next")

HOST = "host-01"
RUNS = os.uname().release
KERNELS = (
    ("6.90.1", RUNS),
    ("6.90.2", "6.90.2-1"),
    ("6.90.3", "6.90.3-1"),
)  # version, and what uname -r says
KERNEL = """\
%package -n kernel-core
Version: {version}
Summary: Kernel {release}
Provides: installonlypkg(kernel)
%description -n kernel-core
Kernel {release}.
%files -n kernel-core
/usr/lib/modules/{release}
{image}
%posttrans -n kernel-core
kernel-install add {release} /usr/lib/modules/{release}/vmlinuz
%preun -n kernel-core
kernel-install remove {release}
"""
SPEC = """\
Name: batch
Version: 1
Release: 1
Summary: Batch
License: GPL-3.0-or-later
BuildArch: noarch
%description
Batch.
{packages}
%install
{files}
"""
PLAIN = """\
%package -n {name}
Version: {version}
Summary: {name}
{tags}
%description -n {name}
{name}.
%files -n {name}
"""
# Everything below /boot and of kernels, with what is in it.
WANTED = "dnf -q repoquery --userinstalled --qf '%{name}\\n' | sort -u"
LOOK = "find /boot /usr/lib/modules -type f -exec sha256sum {} + | sort -k 2"


def build(forge: Forge, number: int, packages: list[str]) -> list[Path]:
    """Signed packages: a kernel, and what else there is."""
    version, release = KERNELS[number]
    text, files = kernel(version, release)
    top = forge.root / f"batch-{number}"
    top.mkdir()
    (top / "batch.spec").write_text(
        SPEC.format(packages="\n".join([text, *packages]), files="\n".join(files))
    )
    forge.run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", top / "batch.spec")
    rpms = sorted(top.glob("RPMS/noarch/*.rpm"))
    forge.sign("site", *rpms)
    return rpms


def kernel(version: str, release: str) -> tuple[str, list[str]]:
    """Spec of a kernel's package and how its files are made; the one that runs has its image in /boot too."""
    modules, image = f"%{{buildroot}}/usr/lib/modules/{release}", f"/boot/vmlinuz-{release}"
    made = [f"mkdir -p {modules}", f"touch {modules}/modules.order", f"echo {release} > {modules}/vmlinuz"]
    if release == RUNS:
        made += ["mkdir -p %{buildroot}/boot", f"echo {release} > %{{buildroot}}{image}"]
    text = KERNEL.format(version=version, release=release, image=image if release == RUNS else "")
    return text, made


def plain(name: str, version: str, *tags: str) -> str:
    return PLAIN.format(name=name, version=version, tags="\n".join(tags))


def fill(forge: Forge, store: Path) -> Path:
    """A repo of the site in each release; returns its key. Older kernels are offered too."""
    key = forge.key("site")
    brittle = plain("brittle", "1", "Requires: part")
    first = build(forge, 0, [plain("tool", "1", "Requires: part"), plain("part", "1"), brittle])
    newer = [
        plain("tool", "2", "Requires: extra"),
        plain("extra", "1"),
        plain("whole", "1", "Obsoletes: part"),
    ]
    second, third = build(forge, 1, newer), build(forge, 2, [])
    old = [rpm for rpm in first if rpm.name.startswith("kernel")]
    for release, rpms in {R1: first, R2: [*old, *second], R3: [*old, *second, *third]}.items():
        repo = store / "snapshots" / release / "site"
        repo.mkdir(parents=True)
        for rpm in rpms:
            (repo / rpm.name).hardlink_to(rpm)
        forge.index(repo, key="site")
    return key


@pytest.fixture(scope="module")
def site(distro: Distro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A host on r1 with a kernel and a tool of the site."""
    scratch = tmp_path_factory.mktemp("kernels")
    store = scratch / "store"
    fill_store(store, distro)
    forge = Forge(scratch)
    try:
        key = fill(forge, store)
    finally:
        forge.close()
    with Fleet.start(
        "kernels", distro=distro, hosts=1, racks=1, store=store, run_dir=RUN_DIR, cache=CACHE, progress=print
    ) as fleet:
        site = Site(fleet, distro, scratch)
        site.offer("site", key.read_text())
        site.shell(HOST, "mkdir -p /boot/loader/entries /boot/$(cat /etc/machine-id)")
        site.shell(HOST, "sed -i s/_limit=3/_limit=2/ /etc/dnf/dnf.conf")
        assert not site.pin(HOST, R1)["failed"]
        site.shell(HOST, "dnf -y -q install kernel-core tool")
        assert not site.update(HOST, "active", R1)["failed"]
        yield site


def kernels(site: Site) -> list[str]:
    """Versions of the kernels' packages; the boot loader has an entry for each, and no other."""
    found = site.shell(HOST, "rpm -q --qf '%{VERSION}\\n' kernel-core | sort").split()
    entries = site.shell(HOST, "sed -n 's/^version *//p' /boot/loader/entries/*.conf | sort").split()
    assert entries == sorted(dict(KERNELS)[one] for one in found)
    return found


def has(site: Site, *names: str) -> list[str]:
    return site.shell(HOST, f"rpm -q --qf '%{{NAME}}\\n' {' '.join(names)} | grep -v ' ' || true").split()


def test_what_a_release_brought_goes_and_what_it_took_comes_back(site: Site) -> None:
    assert kernels(site) == ["6.90.1"]
    before = site.call(HOST, "host_info")["host"]["package_set_digest"]
    looked, wanted = site.shell(HOST, LOOK), site.shell(HOST, WANTED)
    forward = site.converge(HOST, R2)
    assert not forward["failed"] and kernels(site) == ["6.90.1", "6.90.2"], forward
    assert has(site, "tool", "part", "extra", "whole") == ["tool", "extra", "whole"]
    back = site.update(HOST, "rolled_back", R2, remember=False)
    assert not back["failed"] and back["restored"] and back["package_set_digest"] == before, back
    assert kernels(site) == ["6.90.1"] and site.shell(HOST, LOOK) == looked
    assert has(site, "tool", "part", "extra", "whole") == ["tool", "part"]
    assert site.shell(HOST, WANTED) == wanted
    assert not site.update(HOST, "rolled_back", R2, remember=False)["changed"]


def test_the_kernel_that_made_room_comes_back_and_the_one_that_runs_never_goes(site: Site) -> None:
    assert not site.converge(HOST, R2)["failed"]
    before = site.call(HOST, "host_info")["host"]["package_set_digest"]
    looked = site.shell(HOST, LOOK)
    forward = site.converge(HOST, R3)
    assert not forward["failed"] and kernels(site) == ["6.90.1", "6.90.3"], forward
    back = site.update(HOST, "rolled_back", R3, remember=False)
    assert not back["failed"] and back["restored"] and back["package_set_digest"] == before, back
    assert kernels(site) == ["6.90.1", "6.90.2"] and site.shell(HOST, LOOK) == looked


def test_an_older_release_that_is_pinned_takes_newer_kernels_away_too(site: Site) -> None:
    assert not site.converge(HOST, R3)["failed"]
    down = site.converge(HOST, R1)
    assert not down["failed"] and kernels(site) == ["6.90.1"], down


def test_what_a_person_wanted_goes_only_if_it_may(site: Site) -> None:
    site.shell(HOST, "dnf -y -q install brittle")
    before = site.update(HOST, "active", R1)["package_set_digest"]
    assert not site.pin(HOST, R2, force=True)["failed"]
    refused = site.update(HOST, "staged", R2)
    said = (
        f"release {R2}: would remove brittle, installed by a person. Name them in allow_removals if they may"
    )
    assert refused["msg"] == f"{said} go"
    forward = site.update(HOST, "active", R2, allow_removals=["brittle"])
    assert "brittle-0:1-1.noarch" in forward["packages"]["remove"], forward
    back = site.update(HOST, "rolled_back", R2, remember=False)
    assert back["restored"] and back["package_set_digest"] == before, back
    assert "brittle" in site.shell(HOST, WANTED).split()
