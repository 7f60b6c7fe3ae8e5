# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repo server on a host of the testbed, set up as README.md says, and a host that installs from it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import yaml
from demo.site import BIN, Site
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CHECKOUT

SERVER, CLIENT = "host-01", "host-02"
STORE = "/srv/osaas/store"
METRICS = "/var/lib/node_exporter/osaas.prom"
SYNC = "/opt/osaas/bin/ansible-playbook osaas.fleet.sync -e @/etc/osaas/fleet.yml"
LIBRARIES = ("ansible-core", "aiohttp>=3.10", "createrepo_c>=1.1", "solv", "prometheus-client==0.26.0")
UPSTREAM = """\
[{name}]
name={name}
baseurl=http://{address}:8081/{name}
gpgkey=file:///etc/pki/rpm-gpg/{key}
gpgcheck=1
repo_gpgcheck=1
"""
PARSE = """\
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
print(json.dumps([[one.name, one.labels, one.value] for family in families for one in family.samples]))
"""


@dataclass(frozen=True)
class Run:
    """How a run of the playbook with the role ended."""

    status: int
    changed: int
    output: str


@dataclass(frozen=True)
class Answer:
    """What a web server said."""

    status: int
    caching: str
    body: bytes


@dataclass(frozen=True)
class RepoServer:
    """The server, from the place of its operator."""

    site: Site
    scratch: Path

    @property
    def fleet(self) -> Fleet:
        """The server and its client."""
        return self.site.fleet

    @property
    def url(self) -> str:
        """By HTTP."""
        return f"http://{self.fleet.hosts[0].address}"

    @property
    def url_tls(self) -> str:
        """By HTTPS."""
        return f"https://{self.fleet.hosts[0].address}"

    @property
    def ca(self) -> Path:
        """The certificate of the CA."""
        return self.scratch / "ca.pem"

    def apply(self, *flags: str, **variables: Any) -> Run:
        """Run the role on the server."""
        playbook = self.site.directory / "repo.yml"
        given = {"osaas_store": STORE, **variables}
        play = {
            "hosts": SERVER,
            "gather_facts": False,
            "vars": given,
            "roles": ["osaas.fleet.repo_server"],
        }
        playbook.write_text(yaml.safe_dump([play]))
        argv = self.fleet.command(str(BIN / "ansible-playbook"), str(playbook), *flags)
        environment = self.site.environment() | {"ANSIBLE_STDOUT_CALLBACK": "default"}
        done = subprocess.run(argv, env=environment, check=False, capture_output=True, text=True)
        output = done.stdout + done.stderr
        recap = re.search(rf"^{SERVER} .* changed=(\d+)", output, re.MULTILINE)
        assert recap, output
        assert "[WARNING]" not in output and "[DEPRECATION" not in output, output
        return Run(done.returncode, int(recap[1]), output)

    def shell(self, script: str, *, host: str = SERVER) -> str:
        """The output of a script on a host."""
        done = self.fleet.ssh(host, "bash", "-euc", script)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def put(self, path: str, content: bytes, *, host: str = SERVER) -> None:
        """Have a file on a host."""
        argv = [*self.fleet.ssh_command(host), f"mkdir -p {Path(path).parent} && cat > {path}"]
        self.fleet.run(argv, input=content, check=True)

    def get(self, url: str, *more: str) -> Answer:
        """Ask as curl does."""
        body = self.scratch / "body"
        words = ["--silent", "--show-error", "--output", str(body), "--cacert", str(self.ca), *more]
        wanted = ["--write-out", "%{http_code} %header{cache-control}"]
        done = self.fleet.run(["curl", *words, *wanted, url], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        status, _, caching = done.stdout.partition(" ")
        return Answer(int(status), caching, body.read_bytes())

    def unit(self, name: str, key: str) -> str:
        """A property of a unit on the server."""
        return self.shell(f"systemctl show --value --property={key} {name}")

    def snapshots(self) -> list[str]:
        """Ids of the snapshots in the store, oldest first."""
        return self.shell(f"ls {STORE}/snapshots 2>/dev/null || true").split()

    def figures(self) -> dict[tuple[str, str], float]:
        """The figures for Prometheus, by name and repo, as its own library reads them."""
        program = f"/opt/osaas/bin/python -c '{PARSE}' < {METRICS}"
        return {
            (name, labels.get("repo", "")): value for name, labels, value in json.loads(self.shell(program))
        }

    def prepare(self, distro: Distro, wheels: Path) -> None:
        """What the server needs to sync by itself: README.md's commands, without the Internet."""
        repos = "".join(
            UPSTREAM.format(name=name, address=self.fleet.address, key=distro.key.name)
            for name in ("baseos", "appstream")
        )
        self.put("/etc/yum.repos.d/upstream.repo", repos.encode())
        tarball = next(self.site.directory.glob("osaas-fleet-*.tar.gz"))
        self.put(f"/root/{tarball.name}", tarball.read_bytes())
        python = self.shell("python3 -c 'import sys; print(*sys.version_info[:2], sep=\".\")'")
        make_wheels(wheels, python)
        address = self.fleet.address
        self.put(
            "/etc/pip.conf",
            f"[global]\nno-index = true\nfind-links = http://{address}:8080/{wheels.name}/\n"
            f"trusted-host = {address}\n".encode(),
        )
        self.shell("dnf --quiet --assumeyes install gpgv python3-venv")
        self.shell("python3 -m venv /opt/osaas")
        self.shell(f"/opt/osaas/bin/pip install --quiet {' '.join(map(repr, LIBRARIES))}")
        galaxy = "/opt/osaas/bin/ansible-galaxy collection install --offline"
        self.shell(f"{galaxy} -p /usr/share/ansible/collections /root/{tarball.name}")
        self.put(f"/etc/osaas/{distro.key.name}", distro.key.read_bytes())
        self.put("/etc/osaas/fleet.yml", yaml.safe_dump(self._variables(distro)).encode())
        self.shell(f"mkdir -p {Path(METRICS).parent}")

    def _variables(self, distro: Distro) -> Mapping[str, Any]:
        key = f"/etc/osaas/{distro.key.name}"
        upstream = f"http://{self.fleet.address}:8081"
        return {
            "osaas_store": STORE,
            "osaas_repositories": [
                {"name": name, "baseurl": [f"{upstream}/{name}"], "gpgkey": [key]}
                for name in ("baseos", "appstream")
            ],
            "osaas_metrics": METRICS,
            "osaas_who": "timer",
        }


def make_wheels(place: Path, python: str) -> None:
    """The libraries for a host's Python in the versions of this environment, downloaded once and kept."""
    installed = sorted(f"{one.metadata['Name']}=={one.version}" for one in distributions())
    key = hashlib.sha256(repr((python, LIBRARIES, installed)).encode()).hexdigest()[:16]
    kept = CHECKOUT / ".cache/wheels" / key
    if not kept.exists():
        beside = kept.with_name(f".{key}")
        beside.mkdir(parents=True, exist_ok=True)
        (beside / "constraints").write_text("\n".join(installed))
        argv = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(beside)]
        argv += ["--only-binary=:all:", "--python-version", python, "--constraint"]
        environment = os.environ | {"PIP_CACHE_DIR": str(CHECKOUT / ".cache/pip")}
        subprocess.run([*argv, str(beside / "constraints"), *LIBRARIES], env=environment, check=True)
        beside.rename(kept)
    place.symlink_to(kept)


def make_ca(scratch: Path) -> None:
    """A CA of our own: ca.pem and ca.key."""
    _openssl(scratch, "ca", "/CN=CA of the test", "-addext", "keyUsage=keyCertSign")


def make_certificate(scratch: Path, name: str, address: str) -> None:
    """A server's certificate NAME.pem of that CA, and its key NAME.key."""
    signed = ("-CA", str(scratch / "ca.pem"), "-CAkey", str(scratch / "ca.key"))
    more = ("-addext", f"subjectAltName=IP:{address}", "-addext", "basicConstraints=critical,CA:FALSE")
    _openssl(scratch, name, f"/CN={name}", *signed, *more)


def _openssl(scratch: Path, name: str, subject: str, *more: str) -> None:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    files = ("-keyout", str(scratch / f"{name}.key"), "-out", str(scratch / f"{name}.pem"))
    argv = ["openssl", "req", "-x509", "-days", "2", "-subj", subject, *key, *files, *more]
    subprocess.run(argv, check=True, capture_output=True)


def make_key(scratch: Path) -> bytes:
    """A public key that nothing was signed by."""
    home = scratch / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--batch", "--quiet", "--homedir", str(home), "--passphrase", ""]
    subprocess.run([*gpg, "--quick-generate-key", "stranger@example.com", "rsa2048", "sign"], check=True)
    key = subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True).stdout
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True)
    return key


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for something; fails with its name."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)
