# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many stories on one fleet: each has a ledger of its own, and begins where the last one left its hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.status import rollout_status
from demo.site import POLICY, make_site
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR
from .runner_site import RunnerSite

HOOKS = Path(__file__).with_name("hooks")
PATIENCE = 300.0  # seconds
WAVES = ({"name": "canary", "labels": {"canary": True}}, {"name": "fleet", "percent": 100})
LOOSE = {"soak": 0, "max_unavailable": 12}


@dataclass(frozen=True)
class StorySite(RunnerSite):
    """A site whose store has `old`, `bad` (its beacon does not start) and `new`, in that order."""

    old: str
    bad: str
    new: str


@contextmanager
def story_site(name: str, distro: Distro, *, hosts: int, racks: int) -> Iterator[StorySite]:
    """A fleet that runs the old release, enrolled in the site's own ledger. It ends with the block."""
    directory = RUN_DIR / f"{name}-site"
    with Fleet.start(
        name,
        distro=distro,
        release="r2",
        hosts=hosts,
        racks=racks,
        store=directory / "store",
        run_dir=RUN_DIR,
        cache=CACHE,
        progress=print,
    ) as fleet:
        plain = make_site(directory, fleet, distro)
        site = RunnerSite(plain.directory, plain.fleet)
        for release in ("r2", "r3", "r4"):
            fleet.publish(release)
            assert site.play("sync") == 0
        old, bad, new = sorted(path.name for path in (directory / "store/snapshots").iterdir())
        assert site.play("enrol", osaas_release=old) == 0
        yield StorySite(directory, fleet, old, bad, new)


class Story:
    """Some hosts of the site, in a ledger of their own: `at` one good release, ready to go `to` the other.

    Hosts that an earlier story left elsewhere are brought back first. `labels` are those of each host.
    """

    def __init__(
        self,
        site: StorySite,
        name: str,
        hosts: Iterable[int],
        *,
        labels: Mapping[int, Mapping[str, Any]] | None = None,
        ledger: str = "",
        at: str = "",
        **policy: Any,
    ) -> None:
        self.site, self.hosts = site, [f"host-{number:02}" for number in hosts]
        self.ledger = ledger or str(site.directory / f"{name}.db")
        self.scratch = site.directory / name
        (self.scratch / "pool").mkdir(parents=True)
        for host in self.hosts:
            (self.scratch / "pool" / host).touch()
        self.at = at or self._where()
        self.to = site.new if self.at == site.old else site.old
        self._bring_back()
        self.variables = {
            "osaas_ledger": self.ledger,
            "osaas_policy": {**POLICY, "waves": list(WAVES if labels else WAVES[1:]), **LOOSE, **policy},
            "osaas_reconnect_timeout": 4,
            "story": str(self.scratch),
        }
        self._labels = {f"host-{number:02}": dict(given) for number, given in (labels or {}).items()}
        self._enrol(self.hosts)

    def join(self, number: int) -> None:
        """Have one more host."""
        host = f"host-{number:02}"
        self.hosts.append(host)
        self._enrol([host])

    def module(self, name: str, **arguments: Any) -> None:
        """Run a module that works on the ledger."""
        self.site.call(name, {"ledger": self.ledger, **arguments})

    def _enrol(self, hosts: Iterable[str]) -> None:
        """Copy hosts from the site's ledger, where the playbook has enrolled them."""
        with Ledger.open(str(self.site.ledger)) as ledger, ledger.read() as connection:
            known = {row.name: row for row in connection.exec_driver_sql("SELECT * FROM host")}
        enrolments = [
            Enrolment(
                name=host,
                domain=known[host].domain,
                labels=self._labels.get(host, {}),
                machine_id=known[host].machine_id,
                release=self.at,
                digest="of the release before",
            )
            for host in hosts
        ]
        with Ledger.open(self.ledger) as ledger, ledger.write() as connection:
            enrol(connection, enrolments, who="story", now=time.time())

    def play(self, playbook: str, flags: str = "", **variables: Any) -> tuple[int, str]:
        """The exit status and the output of a playbook."""
        return self.site.run(playbook, self.variables | variables, flags)

    def roll(self, flags: str = "", **variables: Any) -> tuple[int, str]:
        """Roll out `to`, unless another release is given."""
        return self.play("rollout", flags, **{"osaas_release": self.to, **variables})

    @contextmanager
    def rolling(self, **variables: Any) -> Iterator[subprocess.Popen[bytes]]:
        """The same beside the test. What still runs at the end of the block is killed."""
        given = self.variables | {"osaas_release": self.to, **variables}
        with (self.scratch / "rolling.log").open("ab") as log:
            process = subprocess.Popen(
                self.site.argv("rollout", **given),
                cwd=self.site.directory,
                env=self.site.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                kill(process)
            print((self.scratch / "rolling.log").read_text())

    def hooks(self, **stops: Iterable[int]) -> dict[str, Any]:
        """Variables that have hosts drained from a pool, and some stop where they are said to, until go()."""
        return {
            "osaas_drain_tasks": str(HOOKS / "drain.yml"),
            "osaas_undrain_tasks": str(HOOKS / "undrain.yml"),
            "osaas_extra_checks": str(HOOKS / "extra_checks.yml"),
            "stops": {
                f"host-{number:02}": step.replace("_", " ")
                for step, hosts in stops.items()
                for number in hosts
            },
        }

    def go(self) -> None:
        """Let hosts go on that a hook holds."""
        (self.scratch / "go").touch()

    def wait_for_stop(self, *hosts: int) -> None:
        """Until these hosts stand still in a hook."""
        stopped = [self.scratch / f"host-{number:02}.stopped" for number in hosts]
        wait_until(lambda: all(path.exists() for path in stopped), f"{hosts} to stop")

    def status(self, number: int | None = None) -> dict[str, Any]:
        """The newest rollout, or the one of that number, as osaas.fleet.rollout_info tells it."""
        with Ledger.open(self.ledger) as ledger, ledger.read() as connection:
            return rollout_status(connection, number)

    def states(self) -> dict[int, str]:
        """The state of each host in the newest rollout, by the number in its name."""
        return {int(host["host"][-2:]): host["state"] for host in self.status()["hosts"]}

    def attempts(self) -> dict[int, int]:
        """How often each host was claimed in the newest rollout."""
        return {int(host["host"][-2:]): host["attempt"] for host in self.status()["hosts"]}

    def reason(self, host: int) -> str:
        """Why the host is where it is."""
        [found] = [row for row in self.status()["hosts"] if row["host"] == f"host-{host:02}"]
        return str(found["reason"])

    def events(self, what: str) -> list[dict[str, Any]]:
        """All events of a kind, oldest first."""
        with Ledger.open(self.ledger) as ledger, ledger.read() as connection:
            rows = connection.exec_driver_sql("SELECT * FROM event ORDER BY id").mappings()
            return [dict(row) for row in rows if row["what"] == what]

    def pool(self) -> set[int]:
        """The hosts that serve, as the hooks keep it."""
        return {int(path.name[-2:]) for path in (self.scratch / "pool").iterdir()}

    def beacons(self) -> dict[int, str]:
        """What each host itself says that it runs, not Ansible and not the ledger."""
        return dict(self._everywhere(_beacon_of))

    def transactions(self, host: int) -> int:
        """How many transactions the host has had."""
        return len(self.shell(host, "ls /var/lib/osaas/transactions 2>&- || true").split())

    def answers(self, host: int) -> bool:
        """Whether its sshd does."""
        address = next(each.address for each in self.site.fleet.hosts if each.name == f"host-{host:02}")
        argv = ["timeout", "1", "bash", "-c", f"</dev/tcp/{address}/22"]
        return bool(self.site.fleet.run(argv, capture_output=True).returncode == 0)

    def shell(self, host: int, script: str) -> str:
        """Run a script on a host."""
        done = self.site.fleet.ssh(f"host-{host:02}", "sh", "-c", script)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _everywhere(self, ask: Callable[[Fleet, str], str]) -> list[tuple[int, str]]:
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda host: ask(self.site.fleet, host), self.hosts)
            return [(int(host[-2:]), answer) for host, answer in zip(self.hosts, answers, strict=True)]

    def _where(self) -> str:
        """The good release that most of the hosts are on."""
        found = Counter(pin for _host, pin in self._everywhere(_pin_of) if pin != self.site.bad)
        return found.most_common(1)[0][0]

    def _bring_back(self) -> None:
        """Make the hosts forget what went wrong on them, and bring those to `at` that are elsewhere."""
        astray = [f"host-{host:02}" for host, pin in self._everywhere(_forgetting_pin_of) if pin != self.at]
        if astray:
            variables = {"osaas_targets": ",".join(astray), "osaas_serial": len(astray)}
            assert self.site.play("host", osaas_release=self.at, **variables) == 0


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, with all that it has started on this machine."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Return as soon as it is true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.1)


def ended(process: subprocess.Popen[bytes]) -> int:
    """The exit status of a process that is about to end."""
    return process.wait(PATIENCE)


def _beacon_of(fleet: Fleet, host: str) -> str:
    address = next(each.address for each in fleet.hosts if each.name == host)
    argv = ["curl", "-fsS", "--max-time", "5", f"http://{address}:8000/"]
    answer = fleet.run(argv, capture_output=True, text=True)
    return str(json.loads(answer.stdout)["version"]) if answer.returncode == 0 else ""


def _pin_of(fleet: Fleet, host: str) -> str:
    done = fleet.ssh(host, "cat", "/etc/osaas/release.json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["release"])


def _forgetting_pin_of(fleet: Fleet, host: str) -> str:
    fleet.ssh(host, "rm", "-rf", "/etc/osaas/bad_releases.json", "/etc/osaas/pre-update.d")
    return _pin_of(fleet, host)
