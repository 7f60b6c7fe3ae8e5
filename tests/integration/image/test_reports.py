# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from integration.image.conftest import Workshop
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
