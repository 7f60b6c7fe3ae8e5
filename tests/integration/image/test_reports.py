# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.image.conftest import Workshop, make_workshop, release
from unit.harness import ModuleResult, run

CHILD = """parent: base
features:
  - remove: {path: /usr/bin/yes}
  - file: {path: /srv/index.html, content: "hello\\n"}
  - label: {name: tier, value: front}
"""


def ask(workshop: Workshop, module: str, *, check: bool = False, **options: Any) -> ModuleResult:
    """Run a module on the layers that were built in the workshop."""
    layers = {"layers": str(workshop.directory / "here/layers")}
    return run(module, {**layers, **options}, check=check, diff=False, tmp=workshop.directory)


def test_what_is_known_of_images(workshop: Workshop) -> None:
    workshop.define("web", CHILD)
    built = workshop.build("web", verify_reproducible=True)
    assert not built.failed, built.msg

    told = ask(workshop, "image_info", name="web").data["images"][0]

    assert told["digest"] == built.data["image"]["digest"]
    assert told["layers"] == [layer["key"] for layer in built.data["layers"]]
    assert told["labels"] == {"tier": "front"}
    assert any(package.startswith("bash-0:") for package in told["packages"])
    nothing = ask(workshop, "image_info", name="mail")
    assert nothing.msg.endswith("layers: no image mail was built here. Build it first")


def test_artifacts_are_made_twice_to_see_whether_they_are_the_same(workshop: Workshop) -> None:
    small = "SNAPSHOT\nfeatures: [directory: {path: /etc}, file: {path: /etc/motd, content: hello}]\n"
    kinds = ["cpio: {}", "erofs: {}", "oci: {}", "sbom: {}", "squashfs: {verity: true}", "tar: {}"]
    workshop.define("web", f"{small}artifacts: [{', '.join(kinds)}]\n")
    same = workshop.build("web", verify_reproducible=True, max_parallel=3)

    assert not same.failed, same.msg
    files = [one["file"] for one in same.data["artifacts"]]
    assert files[-4:] == ["web.squashfs", "web.squashfs.verity", "web.squashfs.roothash", "web.tar.zst"]
    made = workshop.directory / "here/images/web"
    root_hash = (made / "web.squashfs.roothash").read_text().strip()
    output(["veritysetup", "verify", f"{made}/web.squashfs", f"{made}/web.squashfs.verity", root_hash])
    workshop.define("web", f"{small}artifacts: [sendstream: {{}}]\n")
    other = workshop.build("web", verify_reproducible=True)
    assert other.msg == (
        "web: web.sendstream.zst is not the same in a second build."
        " Some file systems cannot be made the same twice, or not with these versions of their tools"
    )


def test_what_a_child_has_over_its_parent(workshop: Workshop, tmp_path: Path) -> None:
    workshop.define("web", CHILD)
    workshop.build("base")
    workshop.build("web")
    report = tmp_path / "web.html"
    asked: dict[str, Any] = {"before": "base", "after": "web", "report": str(report)}

    assert ask(workshop, "image_diff", check=True, **asked).changed
    assert not report.exists()
    found = ask(workshop, "image_diff", **asked)

    told = {one["path"]: one["kind"] for one in found.data["difference"]["files"]}
    assert told == {"/srv/index.html": "added", "/usr/bin/yes": "removed"}
    assert "<code>/usr/bin/yes</code>" in report.read_text()
    assert not ask(workshop, "image_diff", **asked).changed


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose path is short enough for podman."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def test_an_archive_is_run_as_a_container(workshop: Workshop, tmp_path: Path, short: Path) -> None:
    workshop.define("web", CHILD)
    workshop.build("web")
    asked: dict[str, Any] = {"name": "web", "output": str(tmp_path / "images"), "artifacts": [{"oci": {}}]}
    assert not ask(workshop, "image_artifact", **asked).failed
    podman = ["podman", f"--root={tmp_path}/root", f"--runroot={short}", "--storage-driver=vfs"]
    podman += ["--runtime=runc", "--cgroup-manager=cgroupfs"]
    limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]  # ours may be lower than its own

    output([*podman, "pull", "--quiet", f"oci-archive:{tmp_path}/images/web/web.oci.tar"])

    name = f"localhost/web:{workshop.released.snapshot}"
    command = ["cat", "/srv/index.html"]
    assert output([*podman, "run", "--rm", "--network=none", *limits, name, *command]) == "hello\n"
    [inspected] = json.loads(output([*podman, "inspect", name]))
    assert inspected["Labels"]["tier"] == "front"
    assert "containers.bootc" not in inspected["Labels"]  # it has no kernel
    output([*podman, "rmi", name])


def output(argv: list[str]) -> str:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_bill_of_materials_names_what_is_fixed(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """The advisory is of an earlier release: what stayed as it was has fixed its CVEs, and what is newer."""
    workshop = make_workshop(release("testbed-9", tmp_path_factory, "r3"), tmp_path)
    text = "SNAPSHOT\nfeatures:\n  - rpms: {install: [bash, testbed-release]}\n"
    workshop.define("fixed", f"{text}artifacts: [sbom: {{}}]\n")

    built = workshop.build("fixed")

    assert not built.failed, built.msg
    bill = json.loads((tmp_path / "here/images/fixed/fixed.spdx.json").read_text())
    fixed = {
        package["name"]: [
            reference["comment"]
            for reference in package.get("externalRefs", ())
            if reference["referenceCategory"] == "SECURITY"
        ]
        for package in bill["packages"]
    }
    cves = [f"CVE-2026-9000{number} is fixed" for number in (1, 2, 3)]
    assert fixed["bash"] == cves
    assert fixed["testbed-release"] == cves
    assert fixed["libc6"] == []
    told = ask(workshop, "image_info", name="fixed").data["images"][0]
    assert told["cves"] == ["CVE-2026-90001", "CVE-2026-90002", "CVE-2026-90003"]


def test_the_manifest_of_artifacts_is_signed(workshop: Workshop, tmp_path: Path) -> None:
    workshop.build("base")
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
    subprocess.run([*gpg, "--passphrase", "", "--quick-generate-key", "site@example.invalid"], check=True)
    output = tmp_path / "images"
    asked: dict[str, Any] = {"name": "base", "output": str(output), "artifacts": [{"sbom": {}}]}
    signed = {**asked, "signing_key": "site@example.invalid", "gnupg_home": str(home)}

    assert ask(workshop, "image_artifact", check=True, **signed).changed
    assert not output.exists()
    assert ask(workshop, "image_artifact", **asked).changed
    assert ask(workshop, "image_artifact", **signed).changed
    assert not ask(workshop, "image_artifact", **signed).changed

    manifest = output / "base/manifest.json"
    subprocess.run([*gpg, "--verify", f"{manifest}.asc", str(manifest)], check=True)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
