# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role repo_server: its nginx configuration in a real nginx, and the figures for Prometheus."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from integration.repo.conftest import Upstream
from integration.repo.nginx import CONFIG, free_port, running
from integration.repo.test_hostile import sha256

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles" / "repo_server"


@pytest.fixture
def server(upstream: Upstream, tmp_path: Path) -> Iterator[str]:
    upstream.store.mkdir(mode=0o755)
    (upstream.store / "at.map").touch()
    with serving(upstream, tmp_path) as url:
        yield url


@contextmanager
def serving(upstream: Upstream, tmp_path: Path) -> Iterator[str]:
    """The role's configuration, templated by Ansible and included in a configuration of our own."""
    port = free_port()
    variables = {"repo_server_store": str(upstream.store), "repo_server_listen": [f"127.0.0.1:{port}"]}
    rendered = render("nginx.conf", variables, tmp_path)
    work = tmp_path / "server"
    work.mkdir()
    head = CONFIG.partition("    server {")[0].format(work=work)
    (work / "nginx.conf").write_text(f"{head}    include {rendered};\n}}\n")
    argv = ["nginx", "-t", "-q", "-e", str(work / "error.log"), "-c", str(work / "nginx.conf")]
    tested = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    with running(work / "nginx.conf", work, port):
        yield f"http://127.0.0.1:{port}"


def render(name: str, variables: Mapping[str, Any], tmp_path: Path) -> Path:
    """Template a file of the role with its defaults."""
    target = tmp_path / name
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars_files": [str(ROLE / "defaults" / "main.yml")],
            "tasks": [
                {
                    "ansible.builtin.template": {
                        "src": str(ROLE / "templates" / f"{name}.j2"),
                        "dest": str(target),
                        "mode": "0644",
                    }
                }
            ],
        }
    ]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    environment = {**os.environ, "ANSIBLE_HOME": str(tmp_path / "ansible"), "ANSIBLE_LOCALHOST_WARNING": "0"}
    argv = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", json.dumps(variables)]
    argv += ["-e", "ansible_python_interpreter={{ ansible_playbook_python }}"]
    done = subprocess.run(
        [*argv, str(tmp_path / "play.yml")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def get(url: str) -> tuple[int, Message, bytes]:
    try:
        with urllib.request.urlopen(url) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, b""


def test_what_is_served_and_how(upstream: Upstream, server: str) -> None:
    assert upstream.sync().changed
    snapshot = upstream.module("snapshot").data["snapshot"]["id"]
    upstream.module("channel", name="testing", release=snapshot, who="me", reason="test")

    for base in ("mirrors", "channels/testing", f"snapshots/{snapshot}"):
        for entry in ("repomd.xml", "repomd.xml.asc"):
            status, headers, body = get(f"{server}/{base}/os/repodata/{entry}")
            assert (status, headers["Cache-Control"]) == (200, "no-cache")
            assert body == (upstream.path / "repodata" / entry).read_bytes()
        status, headers, body = get(f"{server}/{base}/os/Packages/tiny-alpha-1-1.noarch.rpm")
        assert (status, headers["Cache-Control"]) == (200, None)
    for entry in ("testing.json", "testing/manifest.json"):
        assert get(f"{server}/channels/{entry}")[1]["Cache-Control"] == "no-cache"
    for private in ("store.lock", "partial/", "scratch/x", "mirrors/", "mirrors/nowhere/x"):
        assert get(f"{server}/{private}")[0] == 404


def test_images_for_installations(upstream: Upstream, server: str) -> None:
    image = b"a kernel, more or less"
    (upstream.path / "vmlinuz").write_bytes(image)
    (upstream.path / ".treeinfo").write_text(f"[checksums]\nvmlinuz = sha256:{sha256(image)}\n")
    assert upstream.sync(repository={"treeinfo": True}).changed

    status, headers, body = get(f"{server}/mirrors/os/.treeinfo")
    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    assert body == (upstream.path / ".treeinfo").read_bytes()
    assert get(f"{server}/mirrors/os/vmlinuz")[2] == image


def test_a_client_half_way_through_the_state_before(upstream: Upstream, server: str) -> None:
    upstream.sync()
    repomd = get(f"{server}/mirrors/os/repodata/repomd.xml")[2].decode()
    upstream.offer("2")
    assert upstream.sync().changed

    hrefs = re.findall(r'location href="([^"]+)"', repomd)
    assert len(hrefs) > 2
    for href in [*hrefs, "Packages/tiny-alpha-1-1.noarch.rpm", "Packages/tiny-alpha-2-1.noarch.rpm"]:
        assert get(f"{server}/mirrors/os/{href}")[0] == 200, href


def test_dated_urls(upstream: Upstream, tmp_path: Path) -> None:
    upstream.sync()
    snapshot = upstream.module("snapshot").data["snapshot"]["id"]

    with serving(upstream, tmp_path) as url:
        status, headers, body = get(f"{url}/at/{snapshot}/os/repodata/repomd.xml")
        assert (status, headers["Cache-Control"]) == (200, "no-cache")
        assert body == (upstream.path / "repodata" / "repomd.xml").read_bytes()
        assert get(f"{url}/at/29991231T2359Z/os/Packages/tiny-alpha-1-1.noarch.rpm")[0] == 200
        assert get(f"{url}/at/20000101T0000Z/os/repodata/repomd.xml")[0] == 404


def test_units_of_systemd(tmp_path: Path) -> None:
    variables = {"repo_server_sync_command": "/bin/true --all", "repo_server_sync_calendar": "*-*-* 03:00"}
    variables["repo_server_store"] = "/srv/osaas"
    names = ("osaas-sync.service", "osaas-sync.timer", "osaas-reload.service", "osaas-reload.path")
    units = [str(render(name, variables, tmp_path)) for name in names]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert "osaas-" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


def test_figures_for_prometheus(upstream: Upstream, tmp_path: Path) -> None:
    file = tmp_path / "osaas.prom"

    def figures() -> dict[str, int]:
        lines = [line.rpartition(" ") for line in file.read_text().splitlines() if not line.startswith("#")]
        return {name: int(value) for name, _space, value in lines}

    upstream.sync(metrics=str(file))
    size = sum(path.stat().st_size for path in upstream.path.rglob("*") if path.is_file())
    first = figures()
    when = 'osaas_repo_last_good_sync_timestamp_seconds{repo="os"}'
    assert first.pop(when) > 1_700_000_000
    assert first == {
        'osaas_repo_bytes{repo="os"}': size,
        'osaas_repo_packages{repo="os"}': 4,
        "osaas_snapshots": 0,
        "osaas_sync_errors_total": 0,
    }
    upstream.module("snapshot", metrics=str(file))
    assert figures() == {**first, when: figures()[when], "osaas_snapshots": 1}
    (upstream.path / "repodata" / "repomd.xml.asc").unlink()
    good = figures()[when]
    assert upstream.sync(metrics=str(file)).failed
    assert figures() == {**first, when: good, "osaas_snapshots": 1, "osaas_sync_errors_total": 1}
