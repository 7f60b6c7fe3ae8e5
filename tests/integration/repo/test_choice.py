# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A choice of packages: metadata that is honest about it, signed by the site, good enough for dnf."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.repo.conftest import Upstream
from integration.repo.test_hostile import offer_primary, offer_repomd, refused
from integration.repo.test_story import contents, dnf, installed

COMPS = """<?xml version="1.0"?><!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps>
<group><id>one</id><name>One</name><packagelist>
<packagereq type="mandatory">tiny-alpha</packagereq></packagelist></group>
<group><id>two</id><name>Two</name><packagelist><packagereq type="mandatory">tiny-beta</packagereq>
<packagereq type="mandatory">tiny-delta</packagereq></packagelist></group>
</comps>
"""
MODULES = """\
---
document: modulemd
version: 2
data:
  name: tiny
  stream: "1.10"
  version: 1
  context: c0ffee
  arch: noarch
  summary: A stream
  description: A stream of tiny packages
  license: {module: [MIT]}
  profiles:
    default:
      rpms: [tiny-gamma, tiny-alpha]
  artifacts:
    rpms:
      - tiny-alpha-0:1-1.noarch
      - tiny-gamma-0:1-1.noarch
...
"""
UPDATE = """<update from="x" status="final" type="security" version="1"><id>{name}</id><title>{name}</title>
<issued date="2026-11-22 00:00:00"/><description>d</description><pkglist><collection short="c"><name>c</name>
{packages}</collection></pkglist></update>"""
FIXED = '<package name="tiny-{name}" version="1" release="1" epoch="0" arch="noarch"/>'


def enrich(upstream: Upstream, root: Path) -> None:
    """Give the upstream groups, a module and advisories."""
    files = {"comps.xml": COMPS, "modules.yaml": MODULES}
    alpha, beta = FIXED.format(name="alpha"), FIXED.format(name="beta")
    updates = [("ADV-1", alpha), ("ADV-2", alpha + beta)]
    texts = "".join(UPDATE.format(name=name, packages=packages) for name, packages in updates)
    files["updateinfo.xml"] = f"<updates>{texts}</updates>"
    for name, text in files.items():
        (root / name).write_text(text)
    upstream.index(options=("-g", str(root / "comps.xml")))
    repodata = upstream.path / "repodata"
    for kind in ("modules.yaml", "updateinfo.xml"):
        argv = ("/usr/bin/modifyrepo_c", "--mdtype", kind.partition(".")[0], root / kind, repodata)
        upstream.built.forge.run(*argv)
    upstream.built.forge.sign_metadata(upstream.path)


def fetched(upstream: Upstream) -> list[str]:
    return sorted(path.rpartition("/")[2] for path in upstream.nginx.requests() if path.endswith(".rpm"))


def described(upstream: Upstream, kind: str) -> str:
    """A metadata file of the mirror, unpacked."""
    [path] = (upstream.store / "mirrors/os/repodata").glob(f"*-{kind}*")
    return subprocess.run(["zcat", "-f", path], capture_output=True, text=True, check=True).stdout


def test_derived_metadata_is_cut_to_fit(upstream: Upstream, tmp_path: Path) -> None:
    enrich(upstream, tmp_path)

    result = upstream.sync(repository={"exclude": ["tiny-alpha", "tiny-d*-1-1.noarch"]}, **upstream.signing)

    assert result.changed, result.msg
    [repository] = result.data["repositories"]
    assert repository["derived"] == ["exclude: tiny-alpha, tiny-d*-1-1.noarch (2 packages left out)"]
    assert repository["packages"] == 2
    assert fetched(upstream) == ["tiny-beta-1-1.noarch.rpm", "tiny-gamma-1-1.noarch.rpm"]
    comps = described(upstream, "comps")
    assert "tiny-beta" in comps
    assert "tiny-alpha" not in comps and "tiny-delta" not in comps and "<id>one</id>" not in comps
    updates = described(upstream, "updateinfo")
    assert "ADV-2" in updates and "ADV-1" not in updates and "tiny-alpha" not in updates
    modules = described(upstream, "modules")
    assert "tiny-gamma-0:1-1.noarch" in modules and "alpha" not in modules and "stream: '1.10'" in modules
    for kind in ("primary", "filelists", "other"):
        assert 'packages="2"' in described(upstream, kind)


def test_derived_metadata_says_what_it_is_for_and_what_it_lacks(upstream: Upstream, tmp_path: Path) -> None:
    tags = ("--content=binary-noarch", "--repo=Test", "--distro=cpe:/o:test:os:1,Test OS 1", "--distro=Plain")
    upstream.index(options=(*tags, "--no-database"))
    (tmp_path / "deltas.xml").write_text("<prestodelta/>")
    argv = (
        "/usr/bin/modifyrepo_c",
        "--mdtype",
        "prestodelta",
        tmp_path / "deltas.xml",
        upstream.path / "repodata",
    )
    upstream.built.forge.run(*argv)
    upstream.built.forge.sign_metadata(upstream.path)
    choice = {"exclude": ["tiny-alpha"]}

    assert (
        upstream.sync(repository=choice, check=True, **upstream.signing).data["repositories"][0]["left_out"]
        is None
    )
    result = upstream.sync(repository=choice, **upstream.signing)

    assert result.data["repositories"][0]["left_out"] == ["prestodelta"]
    assert upstream.sync(repository=choice, **upstream.signing).data["repositories"] == [
        {**result.data["repositories"][0], "changed": False, "downloaded_bytes": 0, "downloaded_files": 0}
    ]
    repomd = (upstream.store / "mirrors/os/repodata/repomd.xml").read_text()
    for tag in (
        "<content>binary-noarch</content>",
        "<repo>Test</repo>",
        '<distro cpeid="cpe:/o:test:os:1">Test OS 1</distro>',
        "<distro>Plain</distro>",
    ):
        assert tag in repomd


def test_dnf_takes_derived_metadata_for_what_it_is(upstream: Upstream, tmp_path: Path) -> None:
    enrich(upstream, tmp_path)
    assert upstream.sync(repository={"exclude": ["tiny-delta"]}, **upstream.signing).changed
    mirror = f"file://{upstream.store}/mirrors/os"
    keys = [upstream.built.key, upstream.built.site_key]
    root = tmp_path / "root"

    listed = dnf(upstream, root, mirror, "module", "list", keys=keys)
    assert "1.10" in listed
    dnf(upstream, root, mirror, "group", "install", "two", keys=keys)
    assert installed(root) == ["tiny-beta-1"]
    dnf(upstream, root, mirror, "module", "install", "tiny:1.10/default", keys=keys)
    assert installed(root) == ["tiny-alpha-1", "tiny-beta-1", "tiny-gamma-1"]


def test_the_same_choice_again_is_no_change(upstream: Upstream) -> None:
    choice = {"include": ["tiny-alpha", "tiny-b*"], "exclude": ["*.src"]}
    assert upstream.sync(repository=choice, **upstream.signing).changed
    first = contents(upstream.store / "mirrors/os")
    link = (upstream.store / "mirrors/os").readlink()
    assert not upstream.sync(repository=choice, **upstream.signing).changed
    assert upstream.sync().changed, "everything is asked for again"
    assert contents(upstream.store / "mirrors/os") == contents(upstream.path)
    assert upstream.sync(repository=choice, **upstream.signing).changed
    assert (upstream.store / "mirrors/os").readlink() == link, "the same bytes"
    assert contents(upstream.store / "mirrors/os") == first, "with the same signature"


def test_a_choice_of_everything_stays_verbatim(upstream: Upstream) -> None:
    result = upstream.sync(repository={"include": ["tiny-*"], "arches": ["noarch"], "newest": 1})

    assert result.data["repositories"][0]["derived"] == []
    assert contents(upstream.store / "mirrors/os") == contents(upstream.path)


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"newest": 1}, {"alpha-2", "beta-2", "gamma-2", "delta-2"}),
        ({"newest": 2, "include": ["tiny-alpha"]}, {"alpha-1", "alpha-2"}),
        ({"include": ["tiny-alpha-0:1-*"]}, {"alpha-1"}),
        ({"include": ["tiny-alpha.noarch"], "exclude": ["*-2-1"]}, {"alpha-1"}),
    ],
)
def test_choices(upstream: Upstream, choice: dict[str, Any], names: set[str]) -> None:
    upstream.offer("1", "2")

    result = upstream.sync(repository=choice, **upstream.signing)

    assert result.changed, result.msg
    rpms = (upstream.store / "mirrors/os/Packages").iterdir()
    assert {rpm.name.removeprefix("tiny-").removesuffix("-1.noarch.rpm") for rpm in rpms} == names


def test_a_choice_needs_a_key(upstream: Upstream) -> None:
    message = refused(upstream, repository={"exclude": ["tiny-alpha"]})

    assert message == (
        "os: this is no longer what upstream signed (exclude: tiny-alpha (1 packages left out))."
        " Give a signing_key for derived metadata, or ask for everything, with source: true"
    )
    stranger = {**upstream.signing, "signing_key": "nobody@example.invalid"}
    message = refused(upstream, repository={"exclude": ["tiny-alpha"]}, **stranger)
    assert message.startswith("signing_key 'nobody@example.invalid': it cannot sign: gpg: ")
    assert "No secret key" in message


def resigned(upstream: Upstream) -> tuple[str, str, str]:
    """Let upstream change a package without a new name; returns its NEVRA, old digest and new digest."""
    rpm = upstream.path / "Packages" / "tiny-alpha-1-1.noarch.rpm"
    old = upstream.built.forge.run("sha256sum", rpm).split()[0]
    shutil.copy(rpm, rpm.with_suffix(".new"))
    upstream.built.forge.sign("stranger", rpm.with_suffix(".new"))
    rpm.with_suffix(".new").rename(rpm)
    upstream.index()
    return "tiny-alpha-0:1-1.noarch", old, upstream.built.forge.run("sha256sum", rpm).split()[0]


@pytest.mark.parametrize("take", [0, 1])
def test_a_mutable_package_needs_a_decision(upstream: Upstream, take: int) -> None:
    keys = {"gpgkey": [str(upstream.built.key), str(upstream.built.other_key)]}
    assert upstream.sync(repository=keys).changed
    nevra, *digests = resigned(upstream)

    place = "Packages/tiny-alpha-1-1.noarch.rpm"
    assert refused(upstream, repository=keys) == (
        f"os: {nevra}: one NEVRA has two digests: {digests[0]} ({place}) and {digests[1]} ({place})."
        " Ask upstream which one is right, and say so in accept_mutable"
    )
    verdict = {"nevra": nevra, "digests": digests, "take": digests[take], "reason": "signed again"}
    decided = {**keys, "accept_mutable": [verdict]}
    result = upstream.sync(repository=decided, **upstream.signing)
    assert result.changed, result.msg
    kept = upstream.store / "mirrors/os/Packages/tiny-alpha-1-1.noarch.rpm"
    assert upstream.built.forge.run("sha256sum", kept).split()[0] == digests[take]
    derived = result.data["repositories"][0]["derived"]
    assert derived == ([f"accept_mutable: {nevra} (signed again)"] if take == 0 else [])
    assert not upstream.sync(repository=decided, **upstream.signing).changed


def test_packages_of_another_place(upstream: Upstream) -> None:
    (upstream.path.parent / "pool").mkdir()
    rpm = upstream.path / "Packages" / "tiny-alpha-1-1.noarch.rpm"
    rpm.rename(upstream.path.parent / "pool" / rpm.name)
    offer_primary(upstream, lambda text: text.replace(f"Packages/{rpm.name}", f"../pool/{rpm.name}"))
    pool = f"{upstream.nginx.url}/pool"

    assert "'..' would leave the repo" in refused(upstream)
    assert "'..' would leave the repo" in refused(upstream, repository={"allow_foreign_base": [f"{pool}er"]})
    result = upstream.sync(repository={"allow_foreign_base": [pool]}, **upstream.signing)
    assert result.changed, result.msg
    assert result.data["repositories"][0]["derived"] == [
        "allow_foreign_base: 1 packages brought into the repo"
    ]
    [inside] = upstream.store.glob(f"mirrors/os/foreign/*/{rpm.name}")
    assert inside.read_bytes() == (upstream.path.parent / "pool" / rpm.name).read_bytes()
    assert "../pool" not in described(upstream, "primary")


def test_metadata_of_another_place(upstream: Upstream) -> None:
    (upstream.path.parent / "elsewhere").mkdir()
    [lists] = (upstream.path / "repodata").glob("*-filelists.xml.gz")
    lists.rename(upstream.path.parent / "elsewhere" / lists.name)
    base = f"{upstream.nginx.url}/elsewhere/"
    href = f'href="repodata/{lists.name}"'
    offer_repomd(upstream, lambda text: text.replace(href, f'xml:base="{base}" href="{lists.name}"'))

    assert f"xml:base '{base}' would take it from elsewhere" in refused(upstream)
    result = upstream.sync(repository={"allow_foreign_base": [base]}, **upstream.signing)
    assert result.changed, result.msg
    assert result.data["repositories"][0]["derived"] == [
        "allow_foreign_base: 1 metadata files brought into the repo"
    ]
    assert 'packages="4"' in described(upstream, "filelists")
    assert "elsewhere" not in (upstream.store / "mirrors/os/repodata/repomd.xml").read_text()


def test_weak_digests_can_be_allowed(upstream: Upstream) -> None:
    upstream.index(options=("--checksum=sha1",))

    assert "checksum type 'sha' is refused" in refused(upstream) or "'sha1' is refused" in refused(upstream)
    result = upstream.sync(repository={"allow_weak_digests": True})
    assert result.changed, result.msg
    assert contents(upstream.store / "mirrors/os") == contents(upstream.path)


@pytest.mark.parametrize("checksum", ["sha256", "sha512"])
def test_a_lost_list_is_made_up_for(upstream: Upstream, checksum: str) -> None:
    """What the mirror has is read from its metadata then; nothing is fetched again, or forgotten."""
    upstream.index(options=(f"--checksum={checksum}",))
    assert upstream.sync().changed
    [listing] = upstream.store.glob("trees/os/*.list")
    listing.unlink()
    fetched(upstream)
    rpm = upstream.built.packages["2"] / "tiny-alpha-2-1.noarch.rpm"
    shutil.copy(rpm, upstream.path / "Packages")
    upstream.index(options=(f"--checksum={checksum}",))

    assert upstream.sync().changed
    assert fetched(upstream) == [rpm.name]


def test_a_lost_list_hides_no_mutable_package(upstream: Upstream) -> None:
    assert upstream.sync().changed
    nevra, *_digests = resigned(upstream)
    [listing] = upstream.store.glob("trees/os/*.list")
    listing.unlink()

    assert upstream.sync().msg.startswith(f"os: {nevra}: one NEVRA has two digests: ")
