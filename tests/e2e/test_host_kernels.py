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
from .host_site import R1, R2, R3, REPOS, Site, fill_store

pytestmark = on_flavours("testbed-9", "testbed-next")

HOST, OTHER = "host-01", "host-02"
RUNS = os.uname().release
KERNELS = (
    ("6.90.1", RUNS),
    ("6.90.2", "6.90.2-1"),
    ("6.90.3", "6.90.3-1"),
)  # version, and what uname -r says
LATER = (("6.91.1", "6.91.1-1"), ("6.91.2", RUNS))  # those of the second host
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


def build(forge: Forge, which: tuple[str, str], packages: list[str]) -> list[Path]:
    """Signed packages: a kernel, and what else there is."""
    version, release = which
    text, files = kernel(version, release)
    top = forge.root / f"batch-{version}"
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
    first = build(forge, KERNELS[0], [plain("tool", "1", "Requires: part"), plain("part", "1"), brittle])
    newer = [
        plain("tool", "2", "Requires: extra"),
        plain("extra", "1"),
        plain("whole", "1", "Obsoletes: part"),
    ]
    second, third = build(forge, KERNELS[1], newer), build(forge, KERNELS[2], [])
    old = [rpm for rpm in first if rpm.name.startswith("kernel")]
    offer(forge, store, "site", {R1: first, R2: [*old, *second], R3: [*old, *second, *third]})
    standing, coming = (build(forge, one, []) for one in LATER)
    offer(forge, store, "later", {R1: standing, R2: [*standing, *coming]})
    return key


def offer(forge: Forge, store: Path, name: str, contents: dict[str, list[Path]]) -> None:
    for release, rpms in contents.items():
        repo = store / "snapshots" / release / name
        repo.mkdir(parents=True)
        for rpm in rpms:
            (repo / rpm.name).hardlink_to(rpm)
        forge.index(repo, key="site")


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
        "kernels", distro=distro, hosts=2, racks=1, store=store, run_dir=RUN_DIR, cache=CACHE, progress=print
    ) as fleet:
        site = Site(fleet, distro, scratch)
        site.offer("site", key.read_text())
        for host in (HOST, OTHER):
            site.shell(host, "mkdir -p /boot/loader/entries /boot/$(cat /etc/machine-id)")
            site.shell(host, "sed -i s/_limit=3/_limit=2/ /etc/dnf/dnf.conf")
        assert not site.pin(HOST, R1)["failed"]
        site.shell(HOST, "dnf -y -q install kernel-core tool")
        assert not site.update(HOST, "active", R1)["failed"]
        yield site


def kernels(site: Site, host: str = HOST) -> list[str]:
    """Versions of the kernels' packages; the boot loader has an entry for each, and no other."""
    found = site.shell(host, "rpm -q --qf '%{VERSION}\\n' kernel-core | sort").split()
    entries = site.shell(host, "sed -n 's/^version *//p' /boot/loader/entries/*.conf | sort").split()
    assert entries == sorted(dict((*KERNELS, *LATER))[one] for one in found)
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
    site.shell(HOST, "mkdir -p /etc/dnf/protected.d; echo brittle > /etc/dnf/protected.d/brittle.conf")
    refused = site.update(HOST, "active", R2)
    assert refused["msg"] == f"{said} go".replace("installed by a person", "protected by dnf")
    site.shell(HOST, "dnf -y -q mark remove brittle || dnf -y -q mark dependency brittle")
    assert site.update(HOST, "staged", R2, "--check")["msg"] == refused["msg"]
    site.shell(HOST, "dnf -y -q mark install brittle || dnf -y -q mark user brittle")
    forward = site.update(HOST, "active", R2, allow_removals=["brittle"])
    assert "brittle-0:1-1.noarch" in forward["packages"]["remove"], forward
    back = site.update(HOST, "rolled_back", R2, remember=False)
    assert back["restored"] and back["package_set_digest"] == before, back
    assert "brittle" in site.shell(HOST, WANTED).split()


def test_a_newer_kernel_that_runs_already_goes_and_a_reboot_is_due(site: Site) -> None:
    """The loader is left with the kernel of before alone, and with all that it needs."""
    repositories = [{"name": name, "gpgkey": ["testbed"]} for name in REPOS]
    more = {"repositories": [*repositories, {"name": "later", "gpgkey": ["site"]}]}
    assert not site.pin(OTHER, R1, **more)["failed"]
    site.shell(OTHER, "dnf -y -q install kernel-core")
    before = site.update(OTHER, "active", R1)["package_set_digest"]
    assert not site.pin(OTHER, R2, **more)["failed"]
    assert not site.update(OTHER, "active", R2)["failed"]
    assert kernels(site, OTHER) == ["6.91.1", "6.91.2"]
    site.reboot(OTHER)
    site.shell(OTHER, "rm /run/systemd/container")  # else no kernel is its own
    back = site.update(OTHER, "rolled_back", R2, reason="panics")
    assert not back["failed"] and back["restored"] and back["package_set_digest"] == before, back
    assert kernels(site, OTHER) == ["6.91.1"]
    assert back["reboot_required"]
    assert back["reboot_reasons"][0] == f"kernel {RUNS} runs, but is not installed any more"
    (entry,) = site.shell(OTHER, "cat /boot/loader/entries/*.conf").split("\n\n")
    fields = dict(line.split(None, 1) for line in entry.splitlines() if not line.startswith("#"))
    assert fields["version"] == "6.91.1-1"
    image = fields["linux"]  # below the file system that the loader reads, which is the root here
    assert site.shell(OTHER, f"cat {image} 2>/dev/null || cat /boot/{image}") == "6.91.1-1"
    assert site.shell(OTHER, f"ls -d /usr/lib/modules/{RUNS} /boot/*/{RUNS} 2>/dev/null || true") == ""
    asked = site.call(OTHER, "host_info")["host"]
    assert asked["reboot_required"] and asked["kernels_installed"] == ["6.91.1-1"]
