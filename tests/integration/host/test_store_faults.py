# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that lies, breaks off, or was signed by a stranger: nothing wrong is staged, nothing is lost."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host import fetch, release_files
from integration.host.conftest import Host, Published, Publisher, SigningKey
from integration.image.site import make_key
from integration.repo.moody import Garble, Hang, Mood, Moody, Promise, Status, Whole, serve_moody


@pytest.fixture
def moody(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moody]:
    for module in (fetch, release_files):
        monkeypatch.setattr(module, "PAUSE", 0.01)
    with serve_moody(publisher.store) as serving:
        yield serving


def of(name: str, mood: object, times: int = 10**6) -> Mood:
    """That mood for the first requests of a file."""
    left = [times]

    def choose(path: str, _range: str) -> object:
        if not path.endswith(name):
            return None
        left[0] -= 1
        return mood if left[0] >= 0 else None

    return choose  # type: ignore[return-value]


def untouched(host: Host, image_a: Published) -> bool:
    """What boots is as it was, and nothing half done is taken for whole."""
    told = host.info()
    assert (told["committed"], told["staged"]) == (image_a.digest, [])
    return host.boot() == image_a.digest


@pytest.mark.parametrize(
    "name", ["manifest.json", "web.deployment.json", "web.root.verity", "web.root.erofs"]
)
def test_what_breaks_off_is_gone_on_with(name: str, host: Host, image_b: Published, moody: Moody) -> None:
    moody.mood = of(name, Hang(100), times=2)

    staged = host.stage(image_b, url=moody.url)

    assert not staged.failed, staged.msg
    assert host.info()["staged"] == [image_b.digest]


def test_a_download_goes_on_where_it_stopped(host: Host, image_b: Published, moody: Moody) -> None:
    size = (image_b.directory / "web.initramfs").stat().st_size
    moody.mood = of("web.initramfs", Hang(size - 1000), times=1)

    assert not host.stage(image_b, url=moody.url).failed

    ranges = [wanted for path, wanted in moody.requests if path.endswith("web.initramfs")]
    assert ranges == [f"bytes=0-{size - 1}", f"bytes={size - 1000}-{size - 1}"]


def test_a_run_uses_what_the_run_before_it_brought(
    host: Host, image_a: Published, image_b: Published, moody: Moody
) -> None:
    came = 500_000
    broken = False

    def mood(path: str, wanted: str) -> Hang | Status | None:
        nonlocal broken
        if not path.endswith("erofs") or (not broken and _size(wanted) < came):
            return None
        broken, before = True, broken
        return Status(503) if before else Hang(came)

    moody.mood = mood
    assert host.stage(image_b, url=moody.url).failed
    assert untouched(host, image_a)
    begun = next(
        _start(wanted) for path, wanted in moody.requests if path.endswith("erofs") and _size(wanted) > came
    )
    moody.mood = lambda _path, _range: None
    moody.requests.clear()

    assert not host.stage(image_b, url=moody.url).failed

    again = [_start(wanted) for path, wanted in moody.requests if path.endswith("erofs")]
    assert again == [begun + came // 4096 * 4096]
    assert not [path for path, _range in moody.requests if path.endswith(("verity", "vmlinuz", "initramfs"))]


def test_a_server_that_knows_no_ranges_will_do(host: Host, image_b: Published, moody: Moody) -> None:
    moody.mood = lambda _path, _range: Whole()

    assert not host.stage(image_b, url=moody.url).failed

    assert host.commit(image_b).changed
    assert host.boot() == image_b.digest


FAULTS: dict[str, tuple[Callable[[], Mood], str]] = {
    "gone": (
        lambda: of("web.vmlinuz", Status(404)),
        "{url}/{place}/web.vmlinuz: status 404",
    ),
    "down": (
        lambda: of("web.vmlinuz", Status(503)),
        "{place}/web.vmlinuz: {url}/{place}/web.vmlinuz: status 503 (4 tries brought nothing)."
        " Run it again: what came is kept",
    ),
    "silent": (
        lambda: of("web.vmlinuz", Hang(0)),
        "{place}/web.vmlinuz: {url}/{place}/web.vmlinuz: broke off {linux} bytes before its end"
        " (4 tries brought nothing). Run it again: what came is kept",
    ),
    "circle": (
        lambda: of("web.vmlinuz", Status(302, "web.vmlinuz")),
        "{url}/{place}/web.vmlinuz: leads in a circle",
    ),
    "elsewhere": (
        lambda: of("web.vmlinuz", Status(302, "file:///etc/passwd")),
        "{url}/{place}/web.vmlinuz: leads to file:///etc/passwd, which is not followed",
    ),
    "kernel": (
        lambda: of("web.vmlinuz", Garble(5)),
        "{place}/web.vmlinuz: its SHA-256 is {found}, not {linux_sha256}. The store must be repaired",
    ),
    "manifest": (
        lambda: of("manifest.json", Garble(5)),
        "{place}/manifest.json: its SHA-256 is {found}, not {digest}."
        " Is the digest that of another release, or was the store changed?",
    ),
    "description": (
        lambda: of("web.deployment.json", Garble(5)),
        "{place}/web.deployment.json: is not what the manifest says",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lying_or_silent_server(
    fault: str, host: Host, image_a: Published, image_b: Published, moody: Moody
) -> None:
    mood, message = FAULTS[fault]
    moody.mood = mood()

    refused = host.stage(image_b, url=moody.url)

    artifacts = json.loads((image_b.directory / "manifest.json").read_text())["artifacts"]
    linux = next(one for one in artifacts if one["file"] == "web.vmlinuz")
    assert refused.msg == message.format(
        url=moody.url,
        place=f"images/{image_b.release}",
        linux=linux["size"],
        linux_sha256=linux["sha256"],
        digest=image_b.digest,
        found=refused.msg.partition("SHA-256 is ")[2][:64],
    )
    assert untouched(host, image_a)
    moody.mood = lambda _path, _range: None
    assert not host.stage(image_b, url=moody.url).failed


def test_a_wrong_block_is_found_as_it_comes(
    host: Host, image_a: Published, image_b: Published, moody: Moody
) -> None:
    blocks = zip(_blocks(image_a.root), _blocks(image_b.root), strict=True)
    differing = [number for number, pair in enumerate(blocks) if pair[0] != pair[1]]
    moody.mood = of("web.root.erofs", Garble(differing[-1] * 4096 + 7))

    refused = host.stage(image_b, url=moody.url)

    place = f"images/{image_b.release}/web.root.erofs"
    assert refused.msg == (
        f"{place}: block {differing[-1]} that came is not the one in its hash tree."
        " Run it again; else repair the store"
    )
    assert untouched(host, image_a)


def test_a_server_that_promises_more_than_it_has(host: Host, image_b: Published, moody: Moody) -> None:
    moody.mood = lambda path, _range: Promise(1000) if path.endswith("vmlinuz") else None

    assert not host.stage(image_b, url=moody.url).failed


def test_a_stranger_signed_it(host: Host, image_a: Published, image_b: Published, tmp_path: Path) -> None:
    (tmp_path / "stranger").mkdir()
    with make_key(tmp_path / "stranger") as made:
        SigningKey(made.home, made.public).sign(image_b.directory / "manifest.json")

    refused = host.stage(image_b)

    place = f"images/{image_b.release}/manifest.json"
    found = refused.msg.partition("not allowed (")[2][:16]
    assert refused.msg == (
        f"{place}: signed by a key that is not allowed ({found}). Only these keys may have signed it: site"
    )
    assert untouched(host, image_a)
    assert not host.stage(image_b, gpgcheck=False).failed


def test_nobody_signed_it(host: Host, publisher: Publisher) -> None:
    image = publisher.publish({"usr/name": b"unsigned"}, signed=False)

    refused = host.stage(image)

    assert refused.msg == f"{publisher.store}/images/{image.release}/manifest.json.asc: is not there"


def test_keys_are_given_or_kept(host: Host, image_b: Published) -> None:
    assert host.stage(image_b, gpgkeys=[]).msg == (
        f"gpgkeys: no key is given, and none is in {host.paths.keys}."
        " Give the key that releases are signed with, or set gpgcheck to false"
    )
    assert host.stage(image_b, gpgkeys=[{"name": "k", "content": "nonsense"}]).msg == (
        "gpgkeys: k: holds no ASCII-armored public key. Make it with gpg --armor --export"
    )
    host.paths.keys.mkdir(parents=True)
    (host.paths.keys / "site.asc").write_text(host.key)
    assert not host.stage(image_b, gpgkeys=[]).failed


@pytest.mark.parametrize(
    ("about", "fault"),
    [
        ({"format": 2}, "format 2 of its description is not known here"),
        ({"arguments": ["a b"]}, "a kernel argument is empty or has blanks"),
        ({"root_hash": "00"}, "its root hash is no SHA-256"),
        ({"image": "db"}, "its manifest is of the image db"),
        ({"files": {}}, "its description lacks, or has no usable, 'root'"),
    ],
)
def test_a_description_that_is_none(
    about: dict[str, object], fault: str, host: Host, publisher: Publisher, image_a: Published
) -> None:
    image = publisher.publish({"usr/name": b"x"}, about=about)

    refused = host.stage(image)

    assert refused.msg == f"release {image.release}: is no deployment: {fault}"
    assert untouched(host, image_a)


def test_a_hash_tree_of_another_root(host: Host, publisher: Publisher, image_a: Published) -> None:
    image = publisher.publish({"usr/name": b"x"}, about={"root_hash": "0" * 64})

    assert host.stage(image).msg == (
        f"release {image.release}: the hash tree is not the one that its description tells of."
        " Build and publish the image again"
    )
    assert untouched(host, image_a)


def _blocks(path: Path) -> list[bytes]:
    content = path.read_bytes()
    return [content[start : start + 4096] for start in range(0, len(content), 4096)]


def _start(wanted: str) -> int:
    return int(wanted.removeprefix("bytes=").partition("-")[0])


def _size(wanted: str) -> int:
    start, _dash, end = wanted.removeprefix("bytes=").partition("-")
    return int(end) - int(start) + 1


def test_only_the_given_authority_vouches_for_the_server(
    host: Host, publisher: Publisher, image_b: Published, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "server.key", tmp_path / "server.pem"
    files = ["-keyout", str(key), "-out", str(certificate)]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *names]
    subprocess.run(request, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serve_moody(publisher.store, context) as moody, pytest.MonkeyPatch.context() as patch:
        patch.setattr(release_files, "PAUSE", 0.01)
        stranger = host.stage(image_b, url=moody.url)
        known = host.stage(image_b, url=moody.url, ca_cert=certificate.read_text())

    assert "certificate verify failed: self-signed certificate" in stranger.msg
    assert not known.failed, known.msg
    assert host.stage(image_b, url=moody.url, ca_cert="nonsense").msg == (
        "ca_cert: holds no certificate. Give it as PEM"
    )
