# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.changes import changes
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import listing
from integration.image.conftest import Workshop

WEB = """parent: base
ids: {users: {web: 900}, groups: {web: 900, log: 901}}
features:
  - directory: {path: /srv/web, owner: web, group: web}
  - file: {path: /srv/web/index.html, source: index.html, owner: web, group: web}
  - file: {path: /srv/web/tool, content: "#!/bin/sh", mode: "04755"}
  - user: {name: web, group: web, groups: [log], home: /srv/web, shell: /bin/bash, comment: Web}
  - group: {name: web}
  - group: {name: log}
  - symlink: {path: /srv/latest, target: web/index.html}
  - hardlink: {path: /srv/web/again.html, target: /srv/web/index.html}
  - file: {path: /etc/shells, content: "/bin/bash\\n", replace: true}
  - remove: {path: /usr/bin/yes}
  - mount: {path: /data}
  - requires: {files: [/usr/bin/bash], users: [web]}
  - command: {argv: [/usr/bin/bash, -c, "id -u > /srv/web/uid"], outputs: [/srv/web/uid], user: web}
"""
ARTIFACTS = "artifacts:\n  - tar: {compression_level: 1}\n  - squashfs: {}\n  - erofs: {}\n"


def define_web(workshop: Workshop, more: str = "") -> None:
    workshop.define("web", WEB + more)
    (workshop.definitions / "index.html").write_text("hello\n")


def test_an_image_is_what_its_definition_says(workshop: Workshop) -> None:
    define_web(workshop)

    built = workshop.build("web")

    assert built.changed
    root = workshop.root(built)
    page = root / "srv/web/index.html"
    assert page.read_text() == "hello\n"
    assert (page.stat().st_uid, page.stat().st_gid) == (900, 900)
    assert page.samefile(root / "srv/web/again.html")
    assert stat.S_IMODE((root / "srv/web/tool").stat().st_mode) == 0o4755
    assert str((root / "srv/latest").readlink()) == "web/index.html"
    assert "web:x:900:900:Web:/srv/web:/bin/bash" in (root / "etc/passwd").read_text().splitlines()
    assert {"web:x:900:", "log:x:901:web"} <= set((root / "etc/group").read_text().splitlines())
    assert "web:!*:::::::" in (root / "etc/shadow").read_text().splitlines()
    assert (root / "etc/shells").read_text() == "/bin/bash\n"
    assert not (root / "usr/bin/yes").exists()
    assert (root / "data").is_dir()
    assert (root / "srv/web/uid").read_text() == "900\n"
    assert stat.S_IMODE((root / "proc").stat().st_mode) == 0o555
    phases = [(layer["image"], layer["phase"]) for layer in built.data["layers"]]
    assert phases == [("base", "packages"), ("web", "removals"), ("web", "files"), ("web", "commands")]


def test_the_packages_are_those_of_the_plan(workshop: Workshop) -> None:
    define_web(workshop)

    plan = workshop.plan("base", path=str(workshop.directory / "plan.json"))
    built = workshop.build("base")

    query = [
        "rpm",
        "--root",
        str(workshop.root(built)),
        "--dbpath",
        "/usr/lib/sysimage/rpm",
        "--query",
        "--all",
    ]
    names = subprocess.run(
        [*query, "--queryformat", "%{NAME}-%|EPOCH?{%{EPOCH}}:{0}|:%{VERSION}-%{RELEASE}.%{ARCH}\\n"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    planned = [package["nevra"] for package in plan.data["images"][0]["install"]]
    assert sorted(name for name in names if not name.startswith("gpg-pubkey")) == planned
    asked = [one["nevra"] for one in plan.data["images"][0]["install"] if one["reason"] == "asked"]
    assert [name.split("-")[0] for name in asked] == ["bash", "coreutils", "util"]
    assert json.loads((workshop.directory / "plan.json").read_text())["images"] == plan.data["images"]
    assert not workshop.plan("base", path=str(workshop.directory / "plan.json")).changed


def test_the_same_image_has_the_same_bytes_wherever_it_is_built(workshop: Workshop) -> None:
    define_web(workshop, ARTIFACTS)

    here, there = workshop.build("web"), workshop.build("web", where="there")

    assert here.data["image"]["digest"] == there.data["image"]["digest"]
    assert here.data["artifacts"] == there.data["artifacts"]
    assert [one["kind"] for one in here.data["artifacts"]] == ["tar", "squashfs", "erofs"]
    lists = [
        {entry.path: entry for entry in listing(workshop.root(built, where))}
        for built, where in ((here, "here"), (there, "there"))
    ]
    assert list(changes(*lists)) == []


def test_artifacts_hold_the_image(workshop: Workshop) -> None:
    define_web(workshop, ARTIFACTS)

    built = workshop.build("web")

    assert not workshop.build("web").changed
    images = workshop.directory / "here/images/web"
    manifest = json.loads((images / "manifest.json").read_text())
    assert manifest["artifacts"] == built.data["artifacts"]
    assert manifest["digest"] == built.data["image"]["digest"]
    names = subprocess.run(
        ["tar", "--list", "--zstd", f"--file={images / 'web.tar.zst'}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert "./srv/web/index.html" in names
    out = workshop.directory / "unpacked"
    subprocess.run(
        ["unsquashfs", "-quiet", "-no-progress", "-dest", str(out), str(images / "web.squashfs")], check=True
    )
    assert (out / "srv/web/index.html").read_text() == "hello\n"
    assert (out / "srv/web/index.html").stat().st_uid == 900
    subprocess.run(["fsck.erofs", str(images / "web.erofs")], check=True)


def test_what_is_built_is_not_built_again(workshop: Workshop) -> None:
    define_web(workshop)
    assert workshop.build("web", check=True).changed
    first = workshop.build("web")
    assert not workshop.build("web", check=True).changed

    again = workshop.build("web")

    assert not again.changed
    assert all(layer["cached"] for layer in again.data["layers"])
    assert again.data["image"] == first.data["image"]


def test_a_changed_file_leaves_the_packages_as_they_are(workshop: Workshop) -> None:
    define_web(workshop)
    first = workshop.build("web")
    (workshop.definitions / "index.html").write_text("changed\n")

    second = workshop.build("web")

    assert second.changed
    assert [layer["cached"] for layer in second.data["layers"]] == [True, True, False, False]
    old = {entry.path: entry for entry in listing(workshop.root(first))}
    new = {entry.path: entry for entry in listing(workshop.root(second))}
    assert [change.path for change in changes(old, new)] == ["/srv/web/again.html", "/srv/web/index.html"]


def test_a_command_keeps_to_what_it_says(workshop: Workshop) -> None:
    workshop.define(
        "bad", "parent: base\nfeatures:\n  - command: {argv: [/usr/bin/touch, /srv/x], outputs: []}\n"
    )

    refused = workshop.build("bad")

    assert refused.msg == (
        "bad.yml:4: commands changed what is not among their outputs: /srv/x (added)."
        " Name it under outputs, or keep them from it"
    )


def test_a_command_has_no_network(workshop: Workshop) -> None:
    ask = json.dumps("test -z $(ls /sys/class/net | grep -v ^lo$) && ls /sys/class/net >&2; exit 3")
    command = f"  - command: {{argv: [/usr/bin/bash, -c, {ask}], outputs: []}}"
    workshop.define("bad", f"parent: base\nfeatures:\n{command}\n")

    refused = workshop.build("bad")

    assert refused.failed
    assert "exit status 3" in refused.msg


def test_packages_that_others_signed_are_refused(workshop: Workshop, tmp_path: Path) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
    subprocess.run([*gpg, "--passphrase", "", "--quick-generate-key", "stranger@example.invalid"], check=True)
    key = tmp_path / "stranger.asc"
    key.write_bytes(subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True).stdout)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)

    refused = workshop.build("base", where="there", gpgkey=[str(key)])

    assert "does not verify" in refused.msg or "NOKEY" in refused.msg, refused.msg
    assert list((workshop.directory / "there/layers").glob("*/layer.json")) == []


def test_a_file_of_a_package_is_not_overwritten_by_accident(workshop: Workshop) -> None:
    workshop.define("bad", 'parent: base\nfeatures:\n  - file: {path: /bin/bash, content: "#!"}\n')

    assert workshop.plan("bad").msg == (
        "bad.yml:4: /bin/bash is provided by file (bad.yml:4) as a file 0644 root:root and by the parent base"
        " as a file 0755 root:root. Set replace if it shall take its place"
    )


def test_a_package_that_is_not_there(workshop: Workshop) -> None:
    workshop.define("bad", "SNAPSHOT\nfeatures:\n  - rpms: {install: [bash, emacs]}\n")

    assert workshop.plan("bad").msg == (
        f"bad.yml:4: no package of the snapshot {workshop.released.snapshot} is or provides emacs"
    )


def test_what_would_take_a_package_of_the_parent_away(workshop: Workshop) -> None:
    workshop.define("bad", "parent: base\nfeatures:\n  - rpms: {remove: [libc6]}\n")

    refused = workshop.plan("bad")

    assert refused.msg.startswith("bad.yml:4: the packages cannot be installed together: package ")
    assert "requires libc6" in refused.msg


def test_a_build_that_is_killed_is_done_by_the_next(workshop: Workshop) -> None:
    define_web(workshop)
    whole = workshop.build("web")
    arguments = {
        "store": str(workshop.released.store),
        "definitions": str(workshop.definitions),
        "name": "web",
        "layers": str(workshop.directory / "there/layers"),
        "output": str(workshop.directory / "there/images"),
        "gpgkey": [str(workshop.released.distro.key)],
    }
    for seconds in (0.7, 1.2, 1.8, 2.4):
        with subprocess.Popen(
            [sys.executable, "-m", "ansible_collections.osaas.fleet.plugins.modules.image"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            text=True,
        ) as module:
            assert module.stdin is not None
            module.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
            module.stdin.close()
            time.sleep(seconds)
            os.kill(module.pid, signal.SIGKILL)

    built = workshop.build("web", where="there")

    assert built.data["image"] == whole.data["image"]
    assert list((workshop.directory / "there/layers").glob(".building-*")) == []
    assert str(workshop.directory) not in Path("/proc/self/mountinfo").read_text()


def test_what_is_copied_is_copied_anew_when_it_changed_and_kept_until_then(workshop: Workshop) -> None:
    other = "SNAPSHOT\nfeatures: [file: {path: /a, content: VERSION}]\n"
    workshop.define("other", other.replace("VERSION", "one"))
    workshop.define("web", "SNAPSHOT\nfeatures: [clone: {image: other, source: /a, path: /b}]\n")
    first = workshop.build("web")

    kept = workshop.build("web", keep_days=0)
    workshop.define("other", other.replace("VERSION", "two"))
    second = workshop.build("web")

    assert not kept.changed and [layer["cached"] for layer in kept.data["layers"]] == [True, True]
    assert (workshop.root(first) / "b").read_text() == "one"
    assert (workshop.root(second) / "b").read_text() == "two"


def test_images_that_are_copied_are_built_at_a_time_and_their_parent_once(workshop: Workshop) -> None:
    names = [f"part{number}" for number in range(4)]
    workshop.define("ground", "SNAPSHOT\nfeatures: [directory: {path: /etc}, directory: {path: /srv}]\n")
    for name in names:
        content = f"file: {{path: /srv/{name}, content: {name}}}"
        workshop.define(name, f"parent: ground\nfeatures: [{content}]\n")
    clones = [f"clone: {{image: {name}, source: /srv/{name}, path: /srv/{name}}}" for name in names]
    workshop.define("web", f"parent: ground\nfeatures: [{', '.join(clones)}]\n")

    at_once = workshop.build("web", max_parallel=4)
    one_by_one = workshop.build("web", where="there", max_parallel=1)

    assert not at_once.failed, at_once.msg
    assert at_once.data["image"] == one_by_one.data["image"]
    built = [layer["image"] for layer in at_once.data["layers"] if not layer["cached"]]
    assert sorted(built) == ["ground", *names, "web"]
    assert [layer["key"] for layer in at_once.data["layers"]] == [
        layer["key"] for layer in one_by_one.data["layers"]
    ]


def test_an_image_that_is_absent_leaves_what_others_need(workshop: Workshop) -> None:
    define_web(workshop)
    workshop.build("base")
    built = workshop.build("web")

    removed = workshop.build("web", state="absent")

    assert removed.changed
    keys = [layer["key"] for layer in built.data["layers"]]
    assert sorted(removed.data["pruned"]) == sorted(keys[1:])
    assert not workshop.build("base").changed
    assert not workshop.build("web", state="absent").changed
