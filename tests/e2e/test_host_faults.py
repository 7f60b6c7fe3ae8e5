# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever ends a transaction half way, the next call leaves a host that cannot be told from any other.

host-01 is never disturbed; host-02 is, on its way from r1 to r2 or back, whichever it did not take last, at
points spread evenly over the transaction. FAULT_POINTS says at how many; a table of what was seen is printed
at the end (`pytest -s`, or the end of a failed run).
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR, on_flavours
from .host_site import R1, R2, REPOS, Site, fill_store

FLAVOURS = {"testbed-9": 2, "testbed-next": 1}  # and at how many points, if FAULT_POINTS does not say
POINTS = [
    (flavour, (number + 0.5) / count)  # the share of the transaction that is done by then
    for flavour, usual in FLAVOURS.items()
    for count in [int(os.environ.get("FAULT_POINTS", usual))]
    for number in range(count)
]
every_dnf = on_flavours(*FLAVOURS)
one_dnf = on_flavours("testbed-9")  # no dnf has a hand in what is tested

STEPPER = Path(__file__).with_name("stepper.py")
VICTIM = "host-02"
# Everything that a host shows of its state; rpm -Va ends with 1 where configuration was changed.
LOOK = {
    "altered": "rpm -Va --nodeps || true",
    "packages": "rpm -qa | sort",
    "reasons": "dnf -q --disablerepo='*' repoquery --installed --qf '%{name} %{reason}\\n' | sort -u",
    "paths": "find /usr /etc /boot /var/lib/systemd -xdev -printf '%y %m %u:%g %p %l\\n' "
    "| grep -vE ' /etc/(osaas|pki/rpm-gpg)/' | sort",
    "libraries": "ldconfig -p",
    "duplicates": "rpm -qa --qf '%{NAME}\\n' | sort | uniq -d",
    "users": "sort /etc/passwd /etc/group",
}


@dataclass
class Row:
    """One line of the fault table."""

    fault: str
    cases: int = 0
    recovered: int = 0
    lost: int = 0
    steps: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Undisturbed:
    """What host-01 looks like on each release, and how many lines of progress each way took."""

    looks: dict[str, dict[str, str]]
    lines: dict[str, int]


def look(site: Site, host: str) -> dict[str, str]:
    """All of it in one go."""
    script = "; ".join(f"echo '=== {name}'; {command}" for name, command in LOOK.items())
    parts = f"\n{site.shell(host, script)}\n".split("\n=== ")[1:]
    return {name: text for name, _, text in (part.partition("\n") for part in parts)}


@pytest.fixture(scope="module")
def site(distro: Distro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    scratch = tmp_path_factory.mktemp("faults")
    store = scratch / "store"
    fill_store(store, distro)
    with Fleet.start(
        "faults", distro=distro, hosts=2, racks=1, store=store, run_dir=RUN_DIR, cache=CACHE, progress=print
    ) as fleet:
        yield Site(fleet, distro, scratch)


@pytest.fixture(scope="module")
def undisturbed(site: Site) -> Undisturbed:
    looks, lines = {}, {}
    for release in (R1, R2, R1):
        result = site.converge("host-01", release)
        assert not result["failed"], result
        looks[release] = look(site, "host-01")
        if result["transaction"]:
            log = f"/var/lib/osaas/transactions/{result['transaction']}/log"
            lines[release] = int(site.shell("host-01", f"grep -cE 'osaas.dnf: [0-9]+ of [0-9]+: ' {log}"))
    assert not site.converge(VICTIM, R1)["failed"]
    return Undisturbed(looks, lines)


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, Row]]:
    rows: dict[str, Row] = {}
    yield rows
    print(f"\n{'SIGKILL of':<12} {'cases':>5} {'recovered':>9} {'lost packages':>13}  at lines of progress")
    for row in rows.values():
        steps = " ".join(str(step) for step in row.steps)
        print(f"{row.fault:<12} {row.cases:>5} {row.recovered:>9} {row.lost:>13}  {steps}")


@contextmanager
def stopped(
    site: Site, release: str, point: int, *flags: str
) -> Iterator[tuple[str, Future[dict[str, Any]]]]:
    """The unit of a transaction to `release` that stands still at `point`, and the call that waits for it."""
    ssh = site.fleet.command(*site.fleet.ssh_command(VICTIM), f"/usr/bin/python3 - {point}")
    with (
        STEPPER.open() as program,
        subprocess.Popen(ssh, stdin=program, stdout=subprocess.PIPE, text=True) as stepper,
        ThreadPoolExecutor() as pool,
    ):
        assert stepper.stdout is not None
        assert stepper.stdout.readline() == "ready\n"
        call = pool.submit(site.update, VICTIM, "active", release, *flags)
        word, _, unit = stepper.stdout.readline().strip().partition(" ")
        assert word == "stopped", call.result()
        try:
            yield unit, call
        except BaseException:
            site.fleet.ssh(VICTIM, "systemctl", "kill", "--signal=CONT", unit)
            raise


def kill_worker(site: Site, unit: str) -> None:
    site.shell(VICTIM, f"systemctl kill --signal=KILL {unit}")


def kill_machine(site: Site, unit: str) -> None:
    site.fleet.kill(VICTIM)
    site.fleet.power_on(VICTIM)


def kill_module(site: Site, unit: str) -> None:
    """The module goes; the worker, no child of it, goes on."""
    site.shell(VICTIM, "kill -KILL $(pgrep -f [A]nsiballZ_os_update)")
    site.shell(VICTIM, f"systemctl kill --signal=CONT {unit}")


FAULTS: dict[str, Callable[[Site, str], None]] = {
    "the module": kill_module,
    "dnf": kill_worker,
    "the machine": kill_machine,
}


def where(site: Site) -> str:
    """The release that the victim is pinned to."""
    return site.shell(VICTIM, "cat /etc/dnf/vars/osaas_release")


def set_out(site: Site) -> str:
    """Pin the victim to the release that it is not on; which one that is."""
    release = R2 if where(site) == R1 else R1
    assert not site.pin(VICTIM, release, force=True)["failed"]
    return release


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("distro", "share"), POINTS, indirect=["distro"], scope="module")
def test_a_transaction_that_was_cut_off_is_finished(
    site: Site, undisturbed: Undisturbed, table: dict[str, Row], fault: str, share: float
) -> None:
    release = set_out(site)
    site.shell(VICTIM, "rm -f /etc/ld.so.cache")  # only a file trigger brings it back
    point = 1 + round((undisturbed.lines[release] - 1) * share)
    row = table.setdefault(fault, Row(fault))
    row.cases += 1
    row.steps.append(point)
    with stopped(site, release, point) as (unit, call):
        FAULTS[fault](site, unit)
        first = call.result()
    result = first if not first["failed"] else site.update(VICTIM, "active", release)
    assert not result["failed"], result
    assert result["recovered"] is (fault != "the module")
    assert bool(result["repairs"]) is (fault != "the module")
    assert fault != "dnf" or "ended without a result" in first["msg"]
    seen = look(site, VICTIM)
    row.lost += len(set(undisturbed.looks[release]["packages"].split()) - set(seen["packages"].split()))
    assert seen == undisturbed.looks[release]
    row.recovered += 1


@every_dnf
def test_a_download_that_was_cut_off_is_finished(site: Site, undisturbed: Undisturbed) -> None:
    release = set_out(site)
    site.shell(VICTIM, "rm -rf /var/cache/osaas")
    with ThreadPoolExecutor() as pool:
        killer = pool.submit(site.fleet.ssh, VICTIM, "/usr/bin/python3", "-c", KILL_DOWNLOAD)
        assert site.update(VICTIM, "staged", release)["failed"]
        assert killer.result().stdout == "killed\n", killer.result().stderr
    staged = site.update(VICTIM, "staged", release)
    assert not staged["failed"], staged
    result = site.update(VICTIM, "active", release)
    assert not result["failed"] and not result["recovered"], result
    assert look(site, VICTIM) == undisturbed.looks[release]


KILL_DOWNLOAD = """
import os, signal, time
from pathlib import Path
cache, end = Path("/var/cache/osaas"), time.monotonic() + 120
while not any(cache.glob("*/*/packages/*")):
    assert time.monotonic() < end, "nothing was downloaded"
for process in Path("/proc").glob("[0-9]*"):
    try:
        words = (process / "cmdline").read_bytes().split(b"\\0")
    except OSError:
        continue
    if len(words) > 1 and words[0].endswith(b"python3") and words[1].endswith(b"AnsiballZ_os_update.py"):
        os.kill(int(process.name), signal.SIGKILL)
        print("killed")
"""


@every_dnf
def test_a_full_disk_in_mid_transaction(site: Site, undisturbed: Undisturbed) -> None:
    """Time zones come late in the transaction; by then there is no room for them."""
    release = set_out(site)
    with stopped(site, release, 3) as (unit, call):
        site.shell(VICTIM, "mount -t tmpfs -o size=64k full /usr/share/zoneinfo")
        site.shell(VICTIM, f"systemctl kill --signal=CONT {unit}")
        failed = call.result()
    site.shell(VICTIM, "umount /usr/share/zoneinfo")
    assert failed["failed"] and "tzdata-" in failed["msg"], failed
    assert any("tzdata" in line for line in failed["log"])
    result = site.update(VICTIM, "active", release)
    assert not result["failed"] and result["recovered"], result
    assert look(site, VICTIM) == undisturbed.looks[release]


@one_dnf
def test_a_network_that_is_cut_in_mid_transaction(site: Site, undisturbed: Undisturbed) -> None:
    """Longer than ssh has patience: the call comes back, finds the transaction, and tells of no failure."""
    release = set_out(site)
    alive = "-o ServerAliveInterval=1 -o ServerAliveCountMax=2 -o ControlPath=none"
    cut = "ip link set host0 down; sleep 1; systemctl kill --signal=CONT {}; sleep 12; ip link set host0 up"
    with stopped(site, release, 3, "--extra-vars", f"ansible_ssh_args='{alive}'") as (unit, call):
        site.shell(VICTIM, f"systemd-run --quiet --collect sh -c '{cut.format(unit)}'")
        result = call.result()
    assert not result["failed"] and not result["recovered"] and not result["repairs"], result
    assert unit == f"osaas-transaction-{result['transaction']}"
    assert not site.update(VICTIM, "active", release)["changed"]
    calls = "journalctl -b -o cat | grep -o ' request=[0-9a-f]*' | uniq -c | tail -n2"
    first, second = (line.split()[0] for line in site.shell(VICTIM, calls).splitlines())
    assert int(first) > int(second) == 1
    assert look(site, VICTIM) == undisturbed.looks[release]


@every_dnf
def test_packages_in_two_versions_are_made_one_again(site: Site, undisturbed: Undisturbed) -> None:
    """Whoever made them so: no transaction of ours was cut off."""
    release = where(site)
    other = R1 if release == R2 else R2
    names = ("bash", "tzdata")
    snapshot = site.config.parent / "store/snapshots" / other
    url = f"http://{site.fleet.address}:8080/snapshots/{other}"
    served = " ".join(
        f"{url}/{repo}/{path.relative_to((snapshot / repo).resolve())}"
        for repo in REPOS
        for path in (snapshot / repo).resolve().rglob("*.rpm")
        if path.name.startswith(tuple(f"{name}-{digit}" for name in names for digit in "0123456789"))
    )
    site.shell(VICTIM, f"rpm -i --force --nodeps {served}")
    doubles = site.shell(VICTIM, "rpm -qa --qf '%{NAME}\n' | sort | uniq -d").split()
    assert doubles == [*names]
    refused = site.update(VICTIM, "active", release, "--check")
    assert refused["msg"].startswith(
        "this host: has packages in several versions, left by an interrupted transaction: bash-"
    )
    assert refused["msg"].endswith(". Run os_update, which leaves one of each, without check mode")
    result = site.update(VICTIM, "active", release)
    assert not result["failed"] and result["changed"] and not result["recovered"], result
    gone = [
        re.fullmatch(r"removed (\w+)-\S+, installed beside another version", one) for one in result["repairs"]
    ]
    assert [one and one[1] for one in gone] == [*names]
    assert look(site, VICTIM) == undisturbed.looks[release]
    assert not site.update(VICTIM, "active", release)["changed"]


@one_dnf
def test_another_process_that_changes_packages_is_waited_for(site: Site, undisturbed: Undisturbed) -> None:
    release = set_out(site)
    assert not site.update(VICTIM, "staged", release)["failed"]
    hold_lock(site, seconds=600)
    result = site.update(VICTIM, "active", release, lock_timeout=1)
    assert result["failed"]
    holder = r"rpm database: has been locked for 1 s by python3 \(process \d+\)\. Wait for it to end"
    assert re.search(holder, result["msg"])
    site.shell(VICTIM, "systemctl stop hold-lock")
    hold_lock(site, seconds=3)
    result = site.update(VICTIM, "active", release)
    assert not result["failed"] and not result["recovered"], result
    assert look(site, VICTIM) == undisturbed.looks[release]


def hold_lock(site: Site, seconds: int) -> None:
    program = (
        "import fcntl, time; lock = open('/usr/lib/sysimage/rpm/.rpm.lock', 'r+'); "
        f"fcntl.lockf(lock, fcntl.LOCK_EX); print('held', flush=True); time.sleep({seconds})"
    )
    site.shell(VICTIM, f'systemd-run --quiet --collect --unit=hold-lock /usr/bin/python3 -c "{program}"')
    site.shell(VICTIM, "until journalctl -b -u hold-lock -o cat | grep -q held; do sleep 0.1; done")


@every_dnf
def test_a_broken_rpm_database_is_rebuilt(site: Site, undisturbed: Undisturbed) -> None:
    release = where(site)
    break_database(site, "type = 'index' AND sql IS NOT NULL")
    result = site.update(VICTIM, "active", release)
    assert not result["failed"] and result["changed"], result
    told = r"rebuilt the rpm database, which was broken \(.+\); what it was is kept in "
    assert re.match(told, result["repairs"][0])
    assert site.shell(VICTIM, "ls /var/lib/osaas/rpmdb-*/rpmdb.sqlite")
    assert look(site, VICTIM) == undisturbed.looks[release]
    assert not site.update(VICTIM, "active", release)["changed"]


@every_dnf
def test_a_database_that_would_lose_packages_stays_as_it_is(site: Site, undisturbed: Undisturbed) -> None:
    release = where(site)
    site.shell(VICTIM, "cp -a /usr/lib/sysimage/rpm /usr/lib/sysimage/whole")
    break_database(site, "name = 'Packages'")
    broken = site.shell(VICTIM, "sha256sum /usr/lib/sysimage/rpm/rpmdb.sqlite")
    result = site.update(VICTIM, "active", release)
    assert result["failed"]
    assert result["msg"].startswith("rpm database: is broken (") and "cannot be rebuilt" in result["msg"]
    assert site.shell(VICTIM, "sha256sum /usr/lib/sysimage/rpm/rpmdb.sqlite") == broken
    site.shell(VICTIM, "rm -r /usr/lib/sysimage/rpm && mv /usr/lib/sysimage/whole /usr/lib/sysimage/rpm")
    assert not site.update(VICTIM, "active", release)["changed"]
    assert look(site, VICTIM) == undisturbed.looks[release]


def break_database(site: Site, which: str) -> None:
    """Overwrite the first page of the first table or index that fits."""
    query = f"SELECT rootpage FROM sqlite_master WHERE {which}"
    done = site.fleet.ssh(VICTIM, "/usr/bin/python3", "-c", BREAK, query)
    assert done.returncode == 0, done.stderr


BREAK = """
import sqlite3, sys
path = "/usr/lib/sysimage/rpm/rpmdb.sqlite"
base = sqlite3.connect(path)
base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
(size,), (page,) = base.execute("PRAGMA page_size").fetchone(), base.execute(sys.argv[1]).fetchone()
base.close()
with open(path, "r+b") as file:
    file.seek((page - 1) * size)
    file.write(bytes(size))
"""
