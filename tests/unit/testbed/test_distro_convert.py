# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real, tiny Debian package becomes a real RPM."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from testbed.distro import deb, rpm, tree
from testbed.distro.bytecode import Compiler
from testbed.distro.cache import DistroError
from testbed.distro.convert import World, convert
from testbed.distro.deb import Deb
from testbed.distro.flavour import Amendment, File, Owner, Scriptlet
from testbed.distro.rpm import RpmSpec, spec_text
from testbed.distro.tree import Entry, Tree
from testbed.distro.versions import clauses, evr

CONTROL = """\
Package: libtiny
Source: tiny (1:2.0-1)
Version: 2.0-1+b1
Architecture: amd64
Maintainer: nobody <nobody@testbed.invalid>
Pre-Depends: dpkg
Depends: libc6 (>= 2.36), tiny-data (= 2.0-1)
Provides: tiny-api (= 2)
Description: A tiny package with 100% of the oddities
 It has a bracket in a name
 and a config file.
"""

PYTHON = Compiler("here", (sys.executable,))
AMENDMENT = Amendment(
    files={"/usr/lib/sysusers.d/tiny.conf": File("u tiny -\n")},
    links={"/usr/bin/small": "tiny"},
    rewritten={"/etc/tiny.conf": "ours\n"},
    omitted=("/usr/bin/unwanted",),
    owners={"/usr/bin/tiny": Owner(0o2755, "root", "tty")},
    scriptlets=(Scriptlet("transfiletriggerin", "true", ("/usr/lib/tiny",), priority=5),),
    services=("tiny.service",),
)
WORLD = World(
    shared={"/usr", "/usr/bin", "/etc"},
    dropped={"dpkg"},
    known={"libc6", "tiny-data"},
    built={"tiny-data": ("2.0-1", evr("2.0-1").bumped("r2"))},
)


@pytest.fixture
def tiny(tmp_path: Path) -> Deb:
    root = tmp_path / "source"
    contents = {
        "DEBIAN/control": CONTROL,
        "DEBIAN/conffiles": "/etc/tiny.conf\n",
        "bin/tiny": "#!/bin/sh\n",
        "usr/bin/[": "bracket\n",
        "usr/bin/unwanted": "",
        "usr/share/doc/tiny/copyright": "free",
        "etc/tiny.conf": "theirs\n",
        "usr/lib/python3/tiny.py": "x = 1\n",
    }
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "bin/tiny").chmod(0o755)
    (root / "usr/bin/tiny").symlink_to("/bin/tiny")
    (root / "bin/again").hardlink_to(root / "bin/tiny")
    package = tmp_path / "libtiny.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "--build", root, package],
        check=True,
        capture_output=True,
    )
    return deb.read(package)


def test_control_fields(tiny: Deb) -> None:
    assert (tiny.name, tiny.version, tiny.source, tiny.source_version) == (
        "libtiny",
        "2.0-1+b1",
        "tiny",
        "1:2.0-1",
    )
    assert tiny.arch == "x86_64"
    assert tiny.description == "It has a bracket in a name\nand a config file."
    assert tiny.requires == tuple(clauses("dpkg, libc6 (>= 2.36), tiny-data (= 2.0-1)"))


def unpacked(tiny: Deb, tmp_path: Path) -> Tree:
    return tree.unpack(tiny, AMENDMENT, PYTHON, tmp_path / "trees")


def test_unpack(tiny: Deb, tmp_path: Path) -> None:
    content = unpacked(tiny, tmp_path)
    entries = {entry.path: entry for entry in content.entries}
    assert entries["/usr/bin/tiny"] == Entry("/usr/bin/tiny", mode=0o2755, group="tty")
    assert entries["/etc/tiny.conf"].config
    assert entries["/usr/bin/small"].path == "/usr/bin/small"
    assert not {"/usr/bin/unwanted", "/usr/share/doc/tiny/copyright", "/bin/tiny", "/bin"} & set(entries)
    assert [path for path in entries if path.endswith(".pyc")]
    assert (content.root / "usr/bin/tiny").read_text() == "#!/bin/sh\n"
    assert (content.root / "usr/bin/again").samefile(content.root / "usr/bin/tiny")
    assert (content.root / "etc/tiny.conf").read_text() == "ours\n"


def test_unpack_is_done_once(tiny: Deb, tmp_path: Path) -> None:
    first = unpacked(tiny, tmp_path)
    (first.root / "usr/bin/tiny").write_text("touched")
    assert unpacked(tiny, tmp_path) == first
    assert (first.root / "usr/bin/tiny").read_text() == "touched"


def test_a_broken_package_is_named(tiny: Deb, tmp_path: Path) -> None:
    tiny.path.write_bytes(tiny.path.read_bytes()[:400])
    with pytest.raises(DistroError, match=r"/libtiny\.deb: .*; delete it and try again$"):
        unpacked(tiny, tmp_path)
    assert not list((tmp_path / "trees").glob("libtiny-*"))


def query(package: Path, form: str) -> list[str]:
    command = ["rpm", "-qp", "--nosignature", "--qf", form, str(package)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[:-1]


def test_the_rpm_says_what_the_deb_said(tiny: Deb, tmp_path: Path) -> None:
    content = unpacked(tiny, tmp_path)
    spec = convert(tiny, content, AMENDMENT, "r2", WORLD)
    package = tmp_path / spec.file_name
    rpm.build(spec, content.root, package, epoch=1_700_000_000)
    assert query(package, "%{NEVRA}\n%{SOURCERPM}\n%{BUILDTIME}\n") == [
        "libtiny-2.0-1+b1.r2.x86_64",
        "tiny-2.0-1.r2.src.rpm",
        "1700000000",
    ]
    requires = query(package, "[%{REQUIRENEVRS}\n]")
    assert {"libc6 >= 2.36", "tiny-data = 2.0-1.r2", "filesystem"} <= set(requires)
    assert "dpkg" not in requires
    assert "tiny-api = 2-0" in query(package, "[%{PROVIDENEVRS}\n]")
    files = query(
        package, "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEFLAGS:fflags}\n]"
    )
    assert "/usr/bin/tiny -rwxr-sr-x root:tty " in files
    assert "/usr/bin/[ -rw-r--r-- root:root " in files
    assert "/etc/tiny.conf -rw-r--r-- root:root cn" in files
    assert not [line for line in files if line.startswith(("/usr/bin d", "/etc d", "/bin"))]
    assert [line for line in files if line.startswith("/usr/lib/python3 d")]
    assert query(package, "%{DESCRIPTION}\n") == ["It has a bracket in a name", "and a config file."]
    assert "Markers=+needs-restart" in "\n".join(query(package, "%{POSTTRANS}\n"))


def test_the_same_deb_makes_the_same_bytes(tiny: Deb, tmp_path: Path) -> None:
    contents = []
    for name in ("once", "again"):
        content = tree.unpack(tiny, AMENDMENT, PYTHON, tmp_path / name)
        os.utime(content.root / "usr/bin/small", (2_000_000_000, 2_000_000_000), follow_symlinks=False)
        package = tmp_path / f"{name}.rpm"
        rpm.build(convert(tiny, content, AMENDMENT, "", WORLD), content.root, package, epoch=1_700_000_000)
        contents.append(package.read_bytes())
    assert contents[0] == contents[1]


def test_a_missing_dependency_is_named(tiny: Deb, tmp_path: Path) -> None:
    content = unpacked(tiny, tmp_path)
    with pytest.raises(
        DistroError, match=r"^libtiny: nothing provides libc6; name it in the flavour's core or"
    ):
        convert(tiny, content, AMENDMENT, "", replace(WORLD, known={"tiny-data"}))


def test_rpmbuild_names_the_package_that_it_cannot_build(tmp_path: Path) -> None:
    spec = RpmSpec(
        name="gone",
        evr=evr("1-1"),
        source="gone",
        source_evr=evr("1-1"),
        arch="noarch",
        summary="Gone",
        description="Gone.",
        requires=(),
        provides=(),
        entries=(Entry("/usr/bin/gone"),),
        scriptlets=(),
    )
    with pytest.raises(DistroError, match=r"^gone: rpmbuild failed with status 1: .*/usr/bin/gone"):
        rpm.build(spec, tmp_path, tmp_path / "gone.rpm", epoch=0)
    assert not (tmp_path / "gone.rpm").exists()


def test_a_package_named_like_its_source_is_its_main_package() -> None:
    spec = RpmSpec("a", evr("2:1-1"), "a", evr("2:1-1"), "noarch", "A", "A.", ("b",), (), (), ())
    assert spec_text(spec).splitlines()[:4] == ["Name: a", "Epoch: 2", "Version: 1", "Release: 1"]
    assert "%package" not in spec_text(spec)
