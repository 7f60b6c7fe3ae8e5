# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site may ask of its hosts: hooks, updates at boot, one updater alone, a list of foreign changes.

The tests of this file are one story on one host: they run in their order.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR, on_flavours
from .host_site import R1, R2, REPOS, Site, fill_store

pytestmark = on_flavours("testbed-9", "testbed-next")

HOST = "host-01"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"  # as the machine's Debian packages it
SYSTEM = [
    {"kind": "dns", "host": "localhost"},
    {"kind": "outbound", "host": "10.99.0.1", "port": 8080},
    {"kind": "http", "url": "http://127.0.0.1:8000/", "headers": {"Content-Type": "application/json"}},
    {"kind": "http", "name": "body", "url": "http://127.0.0.1:8000/", "jmespath": "up"},
    {"kind": "file", "path": "/etc/os-release", "contains": "Testbed"},
    {"kind": "mount"},
    {"kind": "kernel"},
    {"kind": "load", "maximum": 1000},
    {"kind": "journal"},
    {"kind": "clock", "severity": "warning"},
]


@pytest.fixture(scope="module")
def site(distro: Distro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    scratch = tmp_path_factory.mktemp("care")
    store = scratch / "store"
    fill_store(store, distro)
    with Fleet.start(
        "care", distro=distro, hosts=1, racks=1, store=store, run_dir=RUN_DIR, cache=CACHE, progress=print
    ) as fleet:
        yield Site(fleet, distro, scratch)


def digest(site: Site) -> str:
    found: str = site.call(HOST, "host_info")["host"]["package_set_digest"]
    return found


def write_hook(site: Site, stage: str, script: str) -> None:
    directory = f"/etc/osaas/{stage}-update.d"
    site.shell(HOST, f"mkdir -p {directory}; printf '#!/bin/sh\\n{script}\\n' > {directory}/10-site")
    site.shell(HOST, f"chmod +x {directory}/10-site")


def test_check_mode_needs_no_pin(site: Site) -> None:
    origin = {
        "url": f"http://{site.fleet.address}:8080",
        "repositories": [{"name": name, "gpgkey": ["testbed"]} for name in REPOS],
        "gpgkeys": [{"name": "testbed", "content": site.key}],
    }
    refused = site.update(HOST, "active", R2, **origin)
    assert refused["failed"] and refused["msg"].startswith("this host: is not pinned. Pin it to ")
    staged = site.update(HOST, "staged", R2, "--check", **origin)
    active = site.update(HOST, "active", R2, "--check", **origin)
    assert len(staged["plan"]["upgrade"]) >= 20
    assert active["changed"] and active["packages"]["upgrade"] == staged["plan"]["upgrade"]
    assert site.shell(HOST, "ls -d /etc/osaas /etc/yum.repos.d/osaas.repo 2>/dev/null || true") == ""
    back = site.update(HOST, "rolled_back", R2)
    assert (back["failed"], back["changed"], back["release"]) == (False, False, None)


def test_a_host_that_never_set_out_is_let_go(site: Site) -> None:
    site.pin(HOST, R2)
    back = site.update(HOST, "rolled_back", R2, remember=False)
    assert (back["failed"], back["changed"], back["release"]) == (False, True, None)
    assert site.call(HOST, "host_info")["host"]["pinned"] is None


def test_a_hook_that_fails_before_stops_the_update(site: Site) -> None:
    assert not site.converge(HOST, R1)["failed"]
    before = digest(site)
    write_hook(site, "pre", "echo not now $1 $2 >&2; exit 7")
    result = site.converge(HOST, R2)
    assert result["failed"]
    assert result["msg"].endswith(f"hook /etc/osaas/pre-update.d/10-site: ended with 7: not now {R1} {R2}")
    host = site.call(HOST, "host_info")["host"]
    assert (host["running"], host["package_set_digest"]) == (R1, before)
    assert host["transactions"][-1]["state"] == "failed"


def test_a_hook_that_fails_after_is_run_again(site: Site) -> None:
    write_hook(site, "pre", "echo about to")
    write_hook(site, "post", "echo sorry; exit 1")
    failed = site.converge(HOST, R2)
    assert failed["failed"] and failed["msg"].endswith("10-site: ended with 1: sorry")
    assert any(
        "10-site: about to" in line
        for line in site.shell(HOST, f"cat /var/lib/osaas/transactions/{R2}-*/log").splitlines()
    )
    assert site.call(HOST, "host_info")["host"]["running"] == R1
    write_hook(site, "post", "echo $1 $2 > /run/after")
    result = site.update(HOST, "active", R2)
    assert not result["failed"] and not result["recovered"] and not any(result["packages"].values()), result
    assert site.shell(HOST, "cat /run/after") == f"{R1} {R2}"
    assert site.call(HOST, "host_info")["host"]["running"] == R2
    site.shell(HOST, "rm -r /etc/osaas/pre-update.d /etc/osaas/post-update.d")


def test_ten_checks_of_the_system(site: Site) -> None:
    result = site.call(HOST, "health_check", checks=SYSTEM, fail=False)
    seen = {one["name"]: one for one in result["results"]}
    assert len(seen) == len(SYSTEM)
    assert (seen["body"]["ok"], seen["body"]["message"]) == (False, "up gives null")
    assert seen["http http://127.0.0.1:8000/"]["ok"]
    assert seen["dns localhost"]["ok"] and seen["mount /"]["ok"] and seen["kernel"]["ok"]
    assert seen["outbound 10.99.0.1:8080"]["message"] == "connected"
    assert seen["file /etc/os-release"]["ok"] and seen["load"]["ok"]
    site.shell(HOST, "echo disk 7 is on fire | systemd-cat --priority=err")
    worse = site.call(HOST, "health_check", checks=[{"kind": "journal"}], baseline=result["baseline"])
    assert worse["failures"] == ["journal: 1 new errors, the last: disk 7 is on fire"]
    again = site.call(HOST, "health_check", checks=[{"kind": "journal"}], fail=False)
    site.shell(HOST, "echo disk 9 is on fire | systemd-cat --priority=err")
    same = site.call(HOST, "health_check", checks=[{"kind": "journal"}], baseline=again["baseline"])
    assert same["healthy"], same


def test_the_next_boot_does_the_update(site: Site) -> None:
    before = site.shell(HOST, "cat /proc/sys/kernel/random/boot_id")
    site.pin(HOST, R1, force=True)
    prepared = site.update(HOST, "active", R1, mode="offline")
    assert prepared["waits_for_boot"] and prepared["reboot_required"], prepared
    assert prepared["reboot_reasons"][0] == f"the next boot brings the host to {R1}"
    again = site.update(HOST, "active", R1, mode="offline")
    assert again["waits_for_boot"] and again["transaction"] == prepared["transaction"]
    host = site.call(HOST, "host_info")["host"]
    assert (host["running"], host["transactions"][-1]["state"]) == (R2, "waiting")
    site.reboot(HOST)
    assert site.shell(HOST, "cat /proc/sys/kernel/random/boot_id") != before
    result = site.update(HOST, "active", R1)
    assert not result["failed"] and result["changed"] and not result["waits_for_boot"], result
    assert (result["release"], result["from_release"]) == (R1, R2)
    assert not site.update(HOST, "active", R1)["changed"]
    assert site.shell(HOST, "ls -d /system-update /etc/systemd/system/osaas* 2>/dev/null || true") == ""


def test_foreign_changes_are_listed(site: Site) -> None:
    assert site.call(HOST, "host_info")["host"]["package_changes"] == []
    site.shell(HOST, "dnf -y -q remove hello")
    host = site.call(HOST, "host_info")["host"]
    (change,) = host["package_changes"]
    assert (change["name"], change["now"]) == ("hello", None) and change["before"].startswith("hello-0:")
    dnf5 = host["dnf"]["flavour"] == "dnf5"
    said = "dnf -y -q remove hello" if dnf5 else "-y -q remove hello"
    assert change["command"] == said and change["time"].endswith("+00:00")
    assert host["drift_reasons"] == [f"packages changed since the host was brought to {R1}"]
    site.shell(HOST, "dnf -y -q install hello")
    assert not site.call(HOST, "host_info")["host"]["drift"]


def test_a_store_with_a_certificate_of_ones_own(site: Site) -> None:
    """HTTPS is never without proof, be it that the host itself has turned it off."""
    with secure_store(site) as (url, certificate):
        site.shell(HOST, "echo sslverify=0 >> /etc/dnf/dnf.conf")
        assert not site.pin(HOST, R2, force=True, url=url)["failed"]
        refused = site.update(HOST, "staged", R2)
        assert refused["failed"] and re.search(
            "All mirrors were tried|Usable URL not found", refused["msg"]
        ), refused
        wrong = site.pin(HOST, R2, url=url, ca_cert="/etc/pki/tls/ca.pem")
        assert wrong["msg"] == "ca_cert: holds no certificate. Give its content, in PEM"
        pinned = site.pin(HOST, R2, force=True, url=url, ca_cert=certificate)
        assert pinned["changed"] and not site.pin(HOST, R2, url=url, ca_cert=certificate)["changed"]
        staged = site.update(HOST, "staged", R2)
        assert not staged["failed"] and staged["plan"]["upgrade"], staged
        site.shell(HOST, "dnf -y -q --refresh makecache")
    site.shell(HOST, "sed -i /sslverify/d /etc/dnf/dnf.conf")
    assert not site.pin(HOST, R1, force=True)["failed"]
    assert site.shell(HOST, "ls /etc/pki/osaas") == ""


def test_each_file_system_must_have_room_before_anything_changes(site: Site) -> None:
    assert not site.converge(HOST, R1)["failed"]
    assert not site.pin(HOST, R2, force=True)["failed"]
    before = digest(site)
    site.shell(HOST, "mount -t tmpfs -o size=64k full /usr/share/zoneinfo")
    refused = site.update(HOST, "staged", R2)
    site.shell(HOST, "umount /usr/share/zoneinfo")
    assert refused["failed"] and digest(site) == before
    said = (
        r"dnf: (Rpm transaction failed; )?installing package tzdata-\S+ needs \d+MB more space on the "
        r"/usr/share/zoneinfo filesystem(; At least \d+MB more space needed on the /usr/share/zoneinfo "
        r"filesystem\.)?"
    )
    assert re.fullmatch(said, refused["msg"]), refused


@contextmanager
def wrong_clock(site: Site, moment: datetime) -> Iterator[None]:
    """Every program that begins on the host meanwhile takes it for that moment, and goes on from there."""
    behind = int((datetime.now(UTC) - moment).total_seconds())
    library = "/usr/local/lib/libfaketime.so.1"
    copy = [*site.fleet.ssh_command(HOST), f"mkdir -p /usr/local/lib && cat > {library}"]
    subprocess.run(copy, input=Path(FAKETIME).read_bytes(), check=True)
    site.shell(HOST, f"echo -{behind} > /etc/faketimerc; echo {library} > /etc/ld.so.preload")
    try:
        yield
    finally:
        site.shell(HOST, f"rm /etc/ld.so.preload /etc/faketimerc {library}")


def test_a_clock_that_is_years_behind(site: Site) -> None:
    """Health tells of it, and nothing is changed: no signature is from then."""
    assert not site.converge(HOST, R1)["failed"]
    assert not site.pin(HOST, R2, force=True)["failed"]
    assert not site.update(HOST, "staged", R2)["failed"]
    before = digest(site)
    said = (
        rf"(transaction {R2}-\d+: )?repo metadata: .*; the clock of this host shows 2020-01-01 \d\d:\d\d UTC,"
        rf" before {R2} was made\. Set its clock"
    )
    with wrong_clock(site, datetime(2020, 1, 1, tzinfo=UTC)):
        (seen,) = site.call(HOST, "health_check", checks=[{"kind": "clock"}], fail=False)["results"]
        assert re.fullmatch(r"the clock is \d{9} s behind the controller's", seen["message"]), seen
        refused = site.update(HOST, "active", R2)
        assert re.fullmatch(said, refused["msg"]), refused
    assert digest(site) == before


def test_a_clock_that_was_behind_hides_no_reboot(site: Site, distro: Distro) -> None:
    """By it, packages were installed before the boot, if after they were signed."""
    signed = (distro.release("r2") / "baseos/repodata/repomd.xml.asc").stat().st_mtime
    booted = datetime.now(UTC)
    site.reboot(HOST)
    with wrong_clock(site, datetime.fromtimestamp((signed + booted.timestamp()) / 2, UTC)):
        result = site.update(HOST, "active", R2)
        assert not result["failed"] and result["changed"], result
        assert int(site.shell(HOST, "rpm -q --qf '%{INSTALLTIME}' systemd")) < booted.timestamp()
    assert "systemd was updated since the boot" in result["reboot_reasons"]
    host = site.call(HOST, "host_info")["host"]
    assert "systemd was updated since the boot" in host["reboot_reasons"]
    site.reboot(HOST)
    assert not site.call(HOST, "host_info")["host"]["reboot_required"]
    assert not site.converge(HOST, R1)["failed"]


@contextmanager
def secure_store(site: Site) -> Iterator[tuple[str, str]]:
    """The store of the site over HTTPS; its URL, and the certificate that nobody but itself vouches for."""
    scratch, address = site.config.parent, site.fleet.address
    both = scratch / "server.pem"
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=store"]
    names = ["-addext", f"subjectAltName=IP:{address}", "-keyout", str(both), "-out", str(scratch / "ca.pem")]
    subprocess.run([*openssl, *names], check=True, capture_output=True)
    certificate = (scratch / "ca.pem").read_text()
    both.write_text(both.read_text() + certificate)
    program = (
        "import functools, http.server, ssl, sys\n"
        "directory, pem, address = sys.argv[1:]\n"
        "handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=directory)\n"
        "server = http.server.ThreadingHTTPServer((address, 8443), handler)\n"
        "context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)\n"
        "context.load_cert_chain(pem)\n"
        "server.socket = context.wrap_socket(server.socket, server_side=True)\n"
        "print('ready', flush=True)\n"
        "server.serve_forever()\n"
    )
    argv = site.fleet.command(sys.executable, "-c", program, str(scratch / "store"), str(both), address)
    server = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None and server.stdout.readline() == "ready\n"
        yield f"https://{address}:8443", certificate
    finally:
        server.kill()
        server.communicate()


def test_a_host_reports_of_itself(site: Site) -> None:
    predicted = site.call(HOST, "host_report", "--check")
    report = site.call(HOST, "host_report")
    assert predicted["changed"] and report["changed"]
    assert not site.call(HOST, "host_report")["changed"]
    line = site.shell(HOST, f"{' '.join(report['command'])} --metrics /run/osaas.prom")
    assert line.startswith(f"pinned to {R1}; runs {R1}; package set {digest(site)[:12]}")
    figures = site.shell(HOST, "cat /run/osaas.prom").splitlines()
    assert f'osaas_host_info{{pinned="{R1}",running="{R1}",package_set_digest="{digest(site)}"}} 1' in figures
    assert "osaas_host_drift 0" in figures and "osaas_host_updaters 0" in figures
    assert site.call(HOST, "host_report", state="absent")["changed"]
    assert not site.call(HOST, "host_report", state="absent")["changed"]


TIMER = "[Timer]\\nOnCalendar=yearly\\n\\n[Install]\\nWantedBy=timers.target\\n"
SERVICE = "[Service]\\nType=oneshot\\nExecStart=/usr/bin/dnf -y upgrade\\n"


def test_no_other_updater(site: Site) -> None:
    found = ["cloud-init", "dnf-automatic.timer", "nightly.timer"]
    vendor, own = "/usr/lib/systemd/system", "/etc/systemd/system"
    for directory, name in ((vendor, "dnf-automatic"), (own, "nightly")):
        site.shell(HOST, f"printf '{TIMER}' > {directory}/{name}.timer")
        site.shell(HOST, f"printf '{SERVICE}' > {directory}/{name}.service")
    site.shell(HOST, "systemctl daemon-reload; systemctl enable --now dnf-automatic.timer nightly.timer")
    site.shell(HOST, "mkdir -p /etc/cloud/cloud.cfg.d; echo 'package_upgrade: true' > /etc/cloud/cloud.cfg")
    assert site.call(HOST, "host_info")["host"]["updaters"] == found
    assert site.pin(HOST, R1)["updaters"] == found
    refused = site.pin(HOST, R1, updaters="refuse", allow_updaters=["cloud-init"])
    assert refused["failed"]
    assert refused["msg"].startswith("this host: is updated by dnf-automatic.timer, nightly.timer too. ")
    predicted = site.call(HOST, "host_info")["host"]["updaters"]
    muted = site.pin(HOST, R1, updaters="mask")
    assert muted["changed"] and muted["updaters"] == predicted == found
    assert site.call(HOST, "host_info")["host"]["updaters"] == []
    assert not site.pin(HOST, R1, updaters="mask")["changed"]
    assert "masked" in site.shell(HOST, "systemctl is-enabled dnf-automatic.timer || true")
    assert site.call(HOST, "host_pin", state="absent")["changed"]
    assert site.call(HOST, "host_info")["host"]["updaters"] == found
    assert site.shell(HOST, "systemctl is-active dnf-automatic.timer nightly.timer") == "active\nactive"
    assert (
        site.shell(HOST, "ls /etc/osaas /etc/cloud/cloud.cfg.d") == "/etc/cloud/cloud.cfg.d:\n\n/etc/osaas:"
    )
