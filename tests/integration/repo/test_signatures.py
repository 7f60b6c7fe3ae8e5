# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is published that the operator's keys did not sign."""

from __future__ import annotations

import shutil
from pathlib import Path

from integration.repo.conftest import Upstream
from integration.repo.test_story import contents

NOTHING = "Nothing of this state was published; ask upstream, or check gpgkey"


def refused(upstream: Upstream, **options: object) -> str:
    """Sync, which must fail; returns why, having seen that nothing was published."""
    result = upstream.sync(**options)  # type: ignore[arg-type]  # passed on as it is
    assert result.failed
    assert not (upstream.store / "mirrors" / "os").exists()
    assert not list(upstream.store.glob("trees/*/*"))
    return result.msg


def test_unsigned_package(upstream: Upstream) -> None:
    [rpm] = upstream.built.packages["unsigned"].iterdir()
    shutil.copy(rpm, upstream.path / "Packages")
    upstream.index()

    assert refused(upstream) == (
        f"os: Packages/tiny-alpha-0-1.noarch.rpm: the package is not signed. {NOTHING}"
    )


def test_every_bad_package_is_named(upstream: Upstream) -> None:
    [rpm] = upstream.built.packages["unsigned"].iterdir()
    shutil.copy(rpm, upstream.path / "Packages")
    damaged = upstream.path / "Packages" / "tiny-beta-1-1.noarch.rpm"
    flip(damaged)
    (upstream.path / "Packages" / "text.rpm").write_text("this is no package\n")
    upstream.index()

    message = refused(upstream)

    assert "tiny-alpha-0-1.noarch.rpm: the package is not signed" in message
    assert "tiny-beta-1-1.noarch.rpm: a digest or signature inside the package is bad" in message


def test_package_of_a_stranger(upstream: Upstream) -> None:
    rpm = upstream.path / "Packages" / "tiny-alpha-0-1.noarch.rpm"
    shutil.copy(upstream.built.packages["unsigned"] / rpm.name, rpm)
    upstream.built.forge.sign("stranger", rpm)
    upstream.index()

    message = refused(upstream)

    assert message.startswith(f"os: Packages/{rpm.name}: signed by a key that is not allowed (Header V4 RSA")
    key = str(upstream.built.other_key)
    both = upstream.sync(repository={"gpgkey": [str(upstream.built.key), key]})
    assert both.changed, both.msg


def test_changed_repomd(upstream: Upstream) -> None:
    repomd = upstream.path / "repodata" / "repomd.xml"
    repomd.write_bytes(repomd.read_bytes() + b"\n")

    assert refused(upstream) == (
        f"os: repodata/repomd.xml.asc: the signature does not fit repomd.xml. {NOTHING}"
    )


def test_repomd_of_a_stranger(upstream: Upstream) -> None:
    upstream.built.forge.sign_metadata(upstream.path, key="stranger")

    assert refused(upstream).startswith("os: repodata/repomd.xml.asc: signed by a key that is not allowed (")


def test_no_signature_of_repomd(upstream: Upstream) -> None:
    (upstream.path / "repodata" / "repomd.xml.asc").unlink()

    assert refused(upstream) == (
        "os: repodata/repomd.xml.asc: there is no signature of repomd.xml."
        " Ask upstream to sign it, or set repo_gpgcheck to false"
    )


def test_not_a_signature(upstream: Upstream) -> None:
    (upstream.path / "repodata" / "repomd.xml.asc").write_text("trust me\n")

    assert refused(upstream) == f"os: repodata/repomd.xml.asc: this is not a signature. {NOTHING}"


def test_checks_can_be_waived_and_every_result_says_so(upstream: Upstream) -> None:
    [rpm] = upstream.built.packages["unsigned"].iterdir()
    shutil.copy(rpm, upstream.path / "Packages")
    upstream.index()
    (upstream.path / "repodata" / "repomd.xml.asc").unlink()

    result = upstream.sync(repository={"gpgkey": [], "gpgcheck": False, "repo_gpgcheck": False})

    [repository] = result.data["repositories"]
    assert (repository["gpgcheck"], repository["repo_gpgcheck"]) == (False, False)
    part = upstream.module("snapshot").data["snapshot"]["repositories"]["os"]
    assert (part["gpgcheck"], part["repo_gpgcheck"]) == (False, False)


def test_waived_checks_are_made_up_for_later(upstream: Upstream) -> None:
    [rpm] = upstream.built.packages["unsigned"].iterdir()
    shutil.copy(rpm, upstream.path / "Packages")
    upstream.index()
    assert upstream.sync(repository={"gpgcheck": False}).changed

    assert "the package is not signed" in upstream.sync().msg


def test_upstream_signs_later_and_again(upstream: Upstream) -> None:
    """Each signature makes a state of its own: no snapshot ever changes, and the next one has the new one."""
    signature = upstream.path / "repodata" / "repomd.xml.asc"
    signature.unlink()
    keys = {"gpgkey": [str(upstream.built.key), str(upstream.built.other_key)], "repo_gpgcheck": False}
    cuts: list[tuple[str, dict[str, bytes]]] = []

    for key in (None, "upstream", "stranger"):
        if key:
            upstream.built.forge.sign_metadata(upstream.path, key=key)
            keys["repo_gpgcheck"] = True
        assert upstream.sync(repository=keys).changed
        assert contents(upstream.store / "mirrors" / "os") == contents(upstream.path)
        assert not upstream.sync(repository=keys).changed
        name = upstream.module("snapshot").data["snapshot"]["id"]
        cuts.append((name, contents(upstream.path)))

    assert len({name for name, _content in cuts}) == 3
    for name, content in cuts:
        assert contents(upstream.store / "snapshots" / name / "os") == content


def test_check_mode_verifies_the_head(upstream: Upstream) -> None:
    assert upstream.sync(check=True).data["repositories"][0]["changed"]
    assert not upstream.store.exists()
    upstream.built.forge.sign_metadata(upstream.path, key="stranger")

    assert "signed by a key that is not allowed" in upstream.sync(check=True).msg


def test_key_files_must_hold_keys(upstream: Upstream, tmp_path: Path) -> None:
    def tell(content: bytes | None) -> str:
        file = tmp_path / "key"
        if content is not None:
            file.write_bytes(content)
        return refused(upstream, repository={"gpgkey": [str(file)]})

    armor = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"
    assert tell(None) == f"os: gpgkey {tmp_path}/key cannot be read: No such file or directory"
    assert f"os: gpgkey {tmp_path}/key holds no ASCII-armored public key" in tell(b"trust me\n")
    assert "os: a gpgkey file holds no usable key" in tell(armor)


def test_a_key_file_may_hold_several_keys(upstream: Upstream, tmp_path: Path) -> None:
    both = tmp_path / "keys.asc"
    both.write_bytes(upstream.built.other_key.read_bytes() + upstream.built.key.read_bytes())

    assert upstream.sync(repository={"gpgkey": [str(both)]}).changed


def flip(path: Path) -> None:
    """Change one bit near the end of a file."""
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
