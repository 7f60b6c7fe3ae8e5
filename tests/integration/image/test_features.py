# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One image with a feature of every kind that test_image.py has not."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
from integration.image.conftest import Workshop
from unit.harness import ModuleResult

SYSTEM = """SNAPSHOT
features:
  - rpms: {install: [bash, coreutils, libc-bin, python3, systemd, tzdata, util-linux]}
"""
TOOLS = """SNAPSHOT
ids: {users: {web: 700}, groups: {web: 700}}
features:
  - directory: {path: /opt}
  - directory: {path: /opt/tools}
  - directory: {path: /etc}
  - file: {path: /opt/tools/mine, content: mine, owner: web, group: web, mode: "04750"}
  - hardlink: {path: /opt/tools/again, target: /opt/tools/mine}
  - symlink: {path: /opt/tools/latest, target: mine}
  - group: {name: web}
  - file: {path: /nologin, content: "#!", mode: "0755"}
  - user: {name: web, group: web, shell: /nologin}
"""
WEB = """parent: system
ids: {users: {web: 900}, groups: {web: 900}}
features:
  - group: {name: web}
  - user: {name: web, group: web, shell: /bin/bash}
  - file:
      path: /usr/bin/ping-like
      content: "#!/bin/sh"
      mode: "0755"
      capabilities: [cap_net_raw, cap_net_bind_service]
      attributes: {user.origin: here}
  - tree: {path: /srv/site, source: site, owner: web, group: web}
  - tarball: {path: /opt/tool, source: tool.tar.gz, sha256: DIGEST, strip: 1}
  - clone: {image: tools, source: /opt/tools, path: /opt/tools}
  - systemd:
      install: [units/web.service]
      drop_ins: [{unit: web.service, name: limits, content: "[Service]\\nTasksMax=9\\n"}]
      enable: [web.service]
      disable: [getty@tty1.service]
      mask: [systemd-networkd.service]
      default_target: multi-user.target
  - kernel_arguments: {arguments: [quiet, ro]}
  - sysctl: {name: 60-web, settings: {net.ipv4.ip_forward: "1"}}
  - hostname: {name: web}
  - timezone: {name: Europe/Dublin}
  - locale: {name: C.UTF-8}
  - label: {name: org.opencontainers.image.title, value: web}
  - mount: {path: /srv/big-data, what: LABEL=data, type: ext4, mount_options: "ro,nodev"}
  - repository:
      url: https://repos.example.com
      keys: {testbed: keys/testbed}
      repositories: [{name: baseos, keys: [testbed]}]
  - ansible_role:
      source: roles/motd
      variables: {greeting: Welcome}
      outputs: [/etc/motd]
      directories: [/etc/motd.d]
"""
ROLE = """---
- name: Greet
  ansible.builtin.copy:
    content: "{{ greeting }}\\n"
    dest: /etc/motd
    mode: "0644"
- name: Make a place for more
  ansible.builtin.file:
    path: /etc/motd.d
    state: directory
    mode: "0755"
- name: Say more
  ansible.builtin.template:
    src: more
    dest: /etc/motd.d/more
    mode: "0600"
- name: See what is there
  ansible.builtin.slurp:
    src: /etc/hostname
  register: name
- name: See that it is the image
  ansible.builtin.assert:
    that: (name.content | b64decode) == "web\\n"
"""


def define(workshop: Workshop) -> None:
    sources = {
        "site/index.html": "hello\n",
        "site/a/run": "#!/bin/sh\n",
        "units/web.service": "[Service]\nExecStart=/usr/bin/true\n[Install]\nWantedBy=multi-user.target\n",
        "keys/testbed": workshop.released.distro.key.read_text(),
        "roles/motd/tasks/main.yml": ROLE,
        "roles/motd/templates/more": "More: {{ greeting }}\n",
    }
    for name, text in sources.items():
        path = workshop.definitions / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (workshop.definitions / "site/a/run").chmod(0o700)
    (workshop.definitions / "site/latest").symlink_to("index.html")
    archive = workshop.definitions / "tool.tar.gz"
    with tarfile.open(archive, "w:gz") as stream:
        stream.add(workshop.definitions / "site", "tool-1.0")
    workshop.define("system", SYSTEM)
    workshop.define("tools", TOOLS)
    workshop.define("web", WEB.replace("DIGEST", sha256(archive.read_bytes()).hexdigest()))


@pytest.fixture(scope="module")
def workshop(shop: Workshop) -> Workshop:
    define(shop)
    return shop


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> ModuleResult:
    result = workshop.build("web")
    assert not result.failed, result.msg
    return result


@pytest.fixture(scope="module")
def root(workshop: Workshop, built: ModuleResult) -> Path:
    return workshop.root(built)


def test_what_is_copied_is_made_first_and_nothing_is_built_twice(
    workshop: Workshop, built: ModuleResult
) -> None:
    phases = [(layer["image"], layer["phase"]) for layer in built.data["layers"]]

    assert phases == [
        ("tools", "files"),
        ("system", "packages"),
        ("web", "files"),
        ("web", "commands"),
    ]
    assert not workshop.build("web").changed
    (workshop.definitions / "site/index.html").write_text("changed\n")
    assert workshop.build("web", check=True).changed
    (workshop.definitions / "site/index.html").write_text("hello\n")


def test_a_tree_has_modes_and_owners_of_its_own(root: Path) -> None:
    site = root / "srv/site"
    assert (site / "index.html").read_text() == "hello\n"
    assert {path.name: stat.S_IMODE(path.lstat().st_mode) for path in site.rglob("*")} == {
        "index.html": 0o644,
        "a": 0o755,
        "run": 0o755,
        "latest": 0o777,
    }
    assert (site / "a/run").stat().st_uid == 900
    assert str((site / "latest").readlink()) == "index.html"


def test_a_tarball_is_unpacked_without_its_first_directory(root: Path) -> None:
    assert (root / "opt/tool/index.html").read_text() == "hello\n"
    assert stat.S_IMODE((root / "opt/tool/a/run").stat().st_mode) == 0o700


def test_a_clone_belongs_to_the_same_names(root: Path) -> None:
    mine = root / "opt/tools/mine"
    assert (mine.stat().st_uid, mine.stat().st_gid, stat.S_IMODE(mine.stat().st_mode)) == (900, 900, 0o4750)
    assert mine.samefile(root / "opt/tools/again")
    assert str((root / "opt/tools/latest").readlink()) == "mine"


def test_a_file_has_capabilities_and_attributes(root: Path) -> None:
    told = subprocess.run(
        ["getcap", str(root / "usr/bin/ping-like")], check=True, capture_output=True, text=True
    ).stdout
    assert told.split(maxsplit=1)[1] == "cap_net_bind_service,cap_net_raw=ep\n"
    assert os.getxattr(root / "usr/bin/ping-like", "user.origin") == b"here"


def test_units_are_as_systemd_itself_has_them(root: Path) -> None:
    local = root / "etc/systemd/system"
    wanted = local / "multi-user.target.wants/web.service"
    assert str(wanted.readlink()).endswith("/lib/systemd/system/web.service")
    assert str((local / "systemd-networkd.service").readlink()) == "/dev/null"
    assert str((local / "default.target").readlink()) == "/usr/lib/systemd/system/multi-user.target"
    assert not (local / "getty.target.wants/getty@tty1.service").is_symlink()
    unit = "srv-big\\x2ddata.mount"
    assert (root / "usr/lib/systemd/system" / unit).read_text().splitlines()[-4:] == [
        "What=LABEL=data",
        "Where=/srv/big-data",
        "Type=ext4",
        "Options=ro,nodev",
    ]
    told = subprocess.run(
        ["systemctl", f"--root={root}", "is-enabled", "web.service", unit],
        check=False,
        capture_output=True,
        text=True,
    ).stdout
    assert told.split() == ["enabled", "static"]


def test_settings_stand_where_a_booted_host_reads_them(root: Path) -> None:
    assert (root / "usr/lib/kernel/cmdline").read_text() == "quiet ro\n"
    assert (root / "usr/lib/sysctl.d/60-web.conf").read_text() == "net.ipv4.ip_forward = 1\n"
    assert (root / "etc/hostname").read_text() == "web\n"
    assert str((root / "etc/localtime").readlink()) == "../usr/share/zoneinfo/Europe/Dublin"
    assert (root / "etc/locale.conf").read_text() == "LANG=C.UTF-8\n"


def test_hosts_are_pinned_to_the_snapshot_of_the_image(workshop: Workshop, root: Path) -> None:
    pin = json.loads((root / "etc/osaas/release.json").read_text())
    assert (pin["release"], pin["url"]) == (workshop.released.snapshot, "https://repos.example.com")
    manifest = workshop.released.store / "snapshots" / pin["release"] / "manifest.json"
    assert pin["digest"] == json.loads(manifest.read_text())["digest"]
    repo = (root / "etc/yum.repos.d/osaas.repo").read_text()
    assert f"baseurl=https://repos.example.com/snapshots/{pin['release']}/baseos\n" in repo
    key = root / "etc/pki/rpm-gpg/RPM-GPG-KEY-osaas-testbed"
    assert key.read_text() == workshop.released.distro.key.read_text()


def test_a_role_runs_inside(root: Path) -> None:
    assert (root / "etc/motd").read_text() == "Welcome\n"
    assert (root / "etc/motd.d/more").read_text() == "More: Welcome\n"
    assert list((root / "var/tmp").iterdir()) == []


def test_a_role_keeps_to_what_it_says(workshop: Workshop) -> None:
    feature = (
        "  - ansible_role: {source: roles/motd, variables: {greeting: Hi}, directories: [/etc/motd.d]}\n"
    )
    workshop.define("bad", f"parent: system\nfeatures:\n  - hostname: {{name: web}}\n{feature}")

    assert workshop.build("bad").msg == (
        "bad.yml:5: commands changed what is not among their outputs: /etc/motd (added)."
        " Name it under outputs, or keep them from it"
    )


def test_a_role_that_fails_says_why(workshop: Workshop) -> None:
    workshop.define("bad", "parent: system\nfeatures:\n  - ansible_role: {source: roles/motd}\n")

    refused = workshop.build("bad")

    assert refused.msg.startswith("bad.yml:4: the role roles/motd failed: fatal: [layer]: FAILED! =>")
    assert "'greeting' is undefined" in refused.msg


def test_an_image_is_not_copied_into_itself(workshop: Workshop) -> None:
    workshop.define("one", "SNAPSHOT\nfeatures:\n  - clone: {image: two, source: /a, path: /a}\n")
    workshop.define("two", "SNAPSHOT\nfeatures:\n  - clone: {image: one, source: /a, path: /a}\n")

    assert workshop.plan("one").msg == (
        "two.yml:4: an image is copied into itself: one → two → one. Copy from another one"
    )


def test_a_copy_of_what_is_not_there(workshop: Workshop) -> None:
    workshop.define("bad", "SNAPSHOT\nfeatures:\n  - clone: {image: tools, source: /opt/toys, path: /toys}\n")

    assert workshop.plan("bad").msg == (
        "bad.yml:4: the image tools has no /opt/toys. Name a path that a feature or package provides"
    )


def test_a_repo_that_the_snapshot_has_not(workshop: Workshop) -> None:
    feature = "{url: https://a.example, keys: {a: keys/testbed}, repositories: [{name: extras, keys: [a]}]}"
    workshop.define("bad", f"SNAPSHOT\nfeatures:\n  - repository: {feature}\n")

    assert workshop.plan("bad").msg == (
        f"bad.yml:4: the snapshot {workshop.released.snapshot} has no repo extras. It has appstream, baseos"
    )
