# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role repo_server on a real host: served, synced by a timer, watched, and used by dnf over TLS.

The tests of this file are one story: they run in their order, on hosts of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from demo.site import make_site
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR
from .repo_server import (
    CLIENT,
    METRICS,
    SERVER,
    STORE,
    SYNC,
    RepoServer,
    make_ca,
    make_certificate,
    make_key,
    until,
)

TLS = {
    "repo_server_tls_certificate": "/etc/osaas/repo.pem",
    "repo_server_tls_key": "/etc/osaas/repo.key",
}
TIMER = {"repo_server_sync_command": SYNC, "repo_server_sync_calendar": "yearly"}
REPO = """\
[osaas-{name}]
name={name}
baseurl={url}/{name}
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-testbed
gpgcheck=1
repo_gpgcheck=1
sslcacert=/etc/osaas/ca.pem
"""


@pytest.fixture(scope="module")
def server(distro: Distro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepoServer]:
    """Two hosts on r1; all that is needed to sync is on the first."""
    scratch = tmp_path_factory.mktemp("repo-server")
    www = scratch / "www"
    www.mkdir()
    with Fleet.start(
        "repo", distro=distro, hosts=2, racks=1, store=www, run_dir=RUN_DIR, cache=CACHE, progress=print
    ) as fleet:
        server = RepoServer(make_site(scratch / "site", fleet, distro), scratch)
        server.prepare(distro, www / "wheels")
        make_ca(scratch)
        renew_certificate(server)
        yield server


def renew_certificate(server: RepoServer) -> None:
    make_certificate(server.scratch, "repo", server.fleet.hosts[0].address)
    for name in ("repo.key", "repo.pem"):
        server.put(f"/etc/osaas/{name}", (server.scratch / name).read_bytes())


def test_a_dry_run_touches_nothing(server: RepoServer) -> None:
    predicted = server.apply("--check", "--diff", **TLS, **TIMER)
    assert (predicted.status, predicted.changed > 2) == (0, True), predicted.output
    assert server.shell(f"ls -d {STORE} /etc/nginx /etc/systemd/system/osaas* 2>/dev/null || true") == ""


def test_a_timer_syncs(server: RepoServer) -> None:
    soon = {"repo_server_sync_calendar": "*:*:0/2", "repo_server_sync_jitter": "0"}
    first = server.apply(**TLS, **TIMER | soon)
    assert (first.status, first.changed > 5) == (0, True), first.output
    until(lambda: len(server.snapshots()) == 1, "a snapshot cut by the timer")
    server.shell("systemctl stop osaas-sync.timer")
    until(lambda: server.unit("osaas-sync.service", "ActiveState") == "inactive", "the end of the sync")
    assert server.unit("osaas-sync.service", "Result") == "success"
    assert "packages of" in server.shell("journalctl --unit osaas-sync.service")
    assert server.shell(f"readlink {STORE}/channels/untested") == f"../snapshots/{server.snapshots()[0]}"


def test_the_role_comes_to_rest(server: RepoServer) -> None:
    latest = f"{server.url}/at/29991231T2359Z/baseos/repodata/repomd.xml"
    until(lambda: server.get(latest).status == 200, "nginx knows the first snapshot's date", 10)
    reloaded = server.unit("nginx", "StateChangeTimestampMonotonic")
    run = server.apply(**TLS, **TIMER)
    assert (run.status, run.changed) == (0, 2), run.output  # its calendar, and that it runs
    again = server.apply("--diff", **TLS, **TIMER)
    assert (again.status, again.changed) == (0, 0), again.output
    assert server.unit("nginx", "StateChangeTimestampMonotonic") == reloaded != ""
    for unit in ("nginx.service", "osaas-reload.path", "osaas-sync.timer"):
        assert server.shell(f"systemctl is-enabled {unit}; systemctl is-active {unit}") == "enabled\nactive"


def test_figures_for_prometheus(server: RepoServer) -> None:
    figures = server.figures()
    now = float(server.shell("date +%s"))
    for repo in ("baseos", "appstream"):
        assert 0 <= now - figures["osaas_repo_last_good_sync_timestamp_seconds", repo] < 120
        assert figures["osaas_repo_packages", repo] > 5
        assert figures["osaas_repo_bytes", repo] > 1_000_000
    assert figures["osaas_sync_errors_total", ""] == 0
    assert figures["osaas_snapshots", ""] == len(server.snapshots())
    assert server.shell(f"stat --format=%a {METRICS}") == "644"


def test_what_is_served(server: RepoServer) -> None:
    (first,) = server.snapshots()
    upstream = server.get(f"http://{server.fleet.address}:8081/baseos/repodata/repomd.xml").body
    for base in ("mirrors", "channels/untested", f"snapshots/{first}", f"at/{first}", "at/29991231T2359Z"):
        for url in (server.url, server.url_tls):
            entry = server.get(f"{url}/{base}/baseos/repodata/repomd.xml")
            assert (entry.status, entry.caching, entry.body) == (200, "no-cache", upstream)
            assert server.get(f"{url}/{base}/baseos/repodata/repomd.xml.asc").caching == "no-cache"
        for href in re.findall(r'location href="([^"]+)"', upstream.decode()):
            file = server.get(f"{server.url}/{base}/baseos/{href}")
            assert (file.status, file.caching) == (200, "")
    for hidden in (
        "store.lock",
        "partial/",
        "scratch/x",
        "mirrors/",
        "at/20000101T0000Z/baseos/repodata/repomd.xml",
    ):
        assert server.get(f"{server.url}/{hidden}").status == 404
    one = f"{STORE}/mirrors/baseos/repodata/repomd.xml".removeprefix(STORE)
    assert server.shell(f"curl -s -o /dev/null -w '%{{http_code}}' 'http://[::1]{one}'") == "200"


def test_the_next_snapshot_and_a_client_half_way(server: RepoServer) -> None:
    (first,) = server.snapshots()
    before = {
        base: server.get(f"{server.url}/{base}/appstream/repodata/repomd.xml").body.decode()
        for base in ("mirrors", "channels/untested")
    }
    server.fleet.publish("r2")
    server.shell("systemctl start osaas-sync.service")
    second = server.snapshots()[-1]
    assert second != first
    dated = f"{server.url}/at/{second}/appstream/repodata/repomd.xml"
    after = server.get(f"{server.url}/snapshots/{second}/appstream/repodata/repomd.xml").body
    assert after.decode() != before["mirrors"]
    until(lambda: server.get(dated).body == after, "nginx knows the new snapshot's date", 10)
    assert (
        server.get(f"{server.url}/at/{first}/appstream/repodata/repomd.xml").body.decode()
        == before["mirrors"]
    )
    for href in re.findall(r'location href="([^"]+)"', before["mirrors"]):
        assert server.get(f"{server.url}/mirrors/appstream/{href}").status == 200


def test_from_the_operators_machine(server: RepoServer) -> None:
    python = "/opt/osaas/bin/python"
    at_server = {"osaas_repo_server": SERVER, "ansible_python_interpreter": python, "osaas_store": STORE}
    # The interpreter is given to all hosts here: only the server has it.
    assert server.site.play("preflight", osaas_release="untested", osaas_targets=SERVER, **at_server) == 0
    move = {"osaas_channel": "stable", "osaas_release": "untested", "osaas_reason": "passed its checks"}
    assert server.site.play("promote", **move, **at_server) == 0
    assert server.shell(f"readlink {STORE}/channels/stable").endswith(server.snapshots()[-1])


def test_dnf_over_tls(server: RepoServer, distro: Distro) -> None:
    server.put("/etc/osaas/ca.pem", server.ca.read_bytes(), host=CLIENT)
    url = f"{server.url_tls}/snapshots/{server.snapshots()[0]}"
    repos = "".join(REPO.format(name=name, url=url) for name in ("baseos", "appstream"))
    server.put("/etc/yum.repos.d/osaas.repo", repos.encode(), host=CLIENT)
    server.shell("dnf --quiet --assumeyes install gpgv", host=CLIENT)
    assert server.shell("rpm --query --queryformat='%{NAME}' gpgv", host=CLIENT) == "gpgv"
    server.shell("sed -i /sslcacert/d /etc/yum.repos.d/osaas.repo", host=CLIENT)
    refused = server.fleet.ssh(CLIENT, "dnf", "--refresh", "--assumeyes", "makecache")
    assert refused.returncode != 0 and "certificate" in refused.stderr, refused.stderr


def test_a_failed_sync_is_seen(server: RepoServer, distro: Distro) -> None:
    good = server.figures()
    server.fleet.publish("r3")
    key = f"/etc/osaas/{distro.key.name}"
    server.put(key, make_key(server.scratch))
    failed = server.fleet.ssh("host-01", "systemctl", "start", "osaas-sync.service")
    assert failed.returncode != 0
    assert server.unit("osaas-sync.service", "Result") == "exit-code"
    journal = server.shell("journalctl --output cat --unit osaas-sync.service | tail -n 20")
    assert "repomd.xml.asc: signed by a key that is not allowed" in journal, journal
    figures = server.figures()
    assert figures.pop(("osaas_sync_errors_total", "")) == 1
    assert figures.items() <= (good | {("osaas_snapshots", ""): 2.0}).items()
    server.put(key, distro.key.read_bytes())
    server.shell("systemctl start osaas-sync.service")
    assert server.unit("osaas-sync.service", "Result") == "success"
    assert server.figures()["osaas_sync_errors_total", ""] == 1


def test_a_configuration_that_nginx_does_not_take(server: RepoServer) -> None:
    config = "/etc/nginx/conf.d/osaas.conf"
    good = server.shell(f"cat {config}; ls /etc/nginx/conf.d")
    run = server.apply(**TLS | {"repo_server_tls_key": "/etc/osaas/gone.key"}, **TIMER)
    assert run.status == 2
    assert f"{config}: nginx does not take it, and goes on as before" in run.output
    assert 'cannot load certificate key \\"/etc/osaas/gone.key\\"' in run.output, run.output
    assert server.shell(f"cat {config}; ls /etc/nginx/conf.d") == good
    assert server.get(f"{server.url_tls}/at.map").status == 200


def test_a_renewed_certificate_is_shown(server: RepoServer) -> None:
    def serial() -> str:
        argv = ["openssl", "s_client", "-connect", f"{server.fleet.hosts[0].address}:443"]
        return str(server.fleet.run(argv, capture_output=True, text=True, input="").stdout).partition(
            "END CERT"
        )[0]

    old = serial()
    assert "BEGIN CERTIFICATE" in old
    renew_certificate(server)
    until(lambda: serial() != old, "nginx shows the new certificate", 10)
    assert server.get(f"{server.url_tls}/at.map").status == 200


def test_no_timer_any_more(server: RepoServer) -> None:
    run = server.apply(**TLS)
    assert (run.status, run.changed) == (0, 2), run.output
    assert server.shell("systemctl list-unit-files 'osaas-sync*' --no-legend || true") == ""


def test_nothing_failed_and_nginx_was_never_restarted(server: RepoServer) -> None:
    assert server.unit("nginx", "NRestarts") == "0"
    starts = server.shell("journalctl --unit nginx.service --output cat | grep -c ^Started")
    assert starts == "1"
    assert server.shell("systemctl --failed --no-legend") == ""
