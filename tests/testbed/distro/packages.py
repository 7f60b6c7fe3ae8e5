# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that are the distribution's own: filesystem, setup, testbed-release and beacon."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from . import tree
from .convert import service_scriptlets
from .flavour import Amendment, File, Flavour, words
from .keys import KEY_NAME
from .paths import MERGED
from .plan import Build
from .releases import FAULTY_BEACON, Release
from .rpm import RpmSpec
from .tree import Entry, Tree
from .versions import Evr

# Directories that every system has, with their modes.
STANDARD_DIRECTORIES: Mapping[str, int] = {
    **dict.fromkeys(
        words("""
            /boot /dev /efi /etc /etc/dnf/protected.d /etc/pki /etc/pki/rpm-gpg /etc/yum.repos.d /home /mnt
            /opt /run /srv /usr/bin /usr/lib /usr/lib/sysimage /usr/lib/sysimage/rpm
            /usr/lib/systemd/system-preset /usr/lib64 /usr/sbin /var/cache /var/log
        """),
        0o755,
    ),
    **{"/proc": 0o555, "/sys": 0o555, "/root": 0o700, "/tmp": 0o1777, "/var/tmp": 0o1777},
}

_PAM = {
    "auth": """\
auth [success=1 default=ignore] pam_unix.so nullok
auth requisite pam_deny.so
auth required pam_permit.so
""",
    "account": """\
account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
account requisite pam_deny.so
account required pam_permit.so
""",
    "password": """\
password [success=1 default=ignore] pam_unix.so obscure yescrypt
password requisite pam_deny.so
password required pam_permit.so
""",
    "session": "session required pam_unix.so\nsession optional pam_systemd.so\n",
    "session-noninteractive": "session required pam_unix.so\n",
}

_NSSWITCH = """\
passwd: files systemd
group: files systemd
shadow: files
hosts: files myhostname dns
networks: files
protocols: files
services: files
"""


def filesystem(flavour: Flavour, first: Release, shared: Mapping[str, Entry], trees: Path) -> Build:
    """Every directory that several packages have, and the links of the merged /usr."""
    links = {f"/{name}": f"usr/{name}" for name in MERGED}
    links |= {"/var/run": "../run", "/var/lock": "../run/lock"}
    content = tree.write("filesystem", Amendment(links=links), trees, tuple(shared.values()))
    summary = "Directories and links of the system"
    return Build(_spec("filesystem", flavour.major, summary, content, ("setup",)), content, first.issued)


def setup(flavour: Flavour, first: Release, debian: Mapping[str, Tree], trees: Path) -> Build:
    """Base accounts (Debian's and the flavour's) and the configuration that every login needs.

    `debian` are the trees of the Debian packages by name.
    """
    masters = debian["base-passwd"].root / "usr/share/base-passwd"
    passwd = _accounts(masters / "passwd.master", flavour.passwd)
    group = _accounts(masters / "group.master", flavour.group)
    texts = {
        "/etc/passwd": _lines(passwd),
        "/etc/group": _lines(group),
        "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "/etc/nsswitch.conf": _NSSWITCH,
        "/etc/shells": "/bin/sh\n/bin/bash\n/usr/bin/bash\n",
        "/etc/environment": "",
        "/etc/profile": (debian["base-files"].root / "usr/share/base-files/profile").read_text(),
        "/etc/locale.conf": "LANG=C.UTF-8\n",
        **{f"/etc/pam.d/common-{name}": text for name, text in _PAM.items()},
    }
    secrets = {
        "/etc/shadow": _lines([f"{line.split(':')[0]}:*:20000:0:99999:7:::" for line in passwd]),
        "/etc/gshadow": _lines([f"{line.split(':')[0]}:*::" for line in group]),
    }
    files = {path: File(text, config=True) for path, text in texts.items()}
    files |= {path: File(text, mode=0o600, config=True) for path, text in secrets.items()}
    links = {"/etc/default/locale": "../locale.conf"}
    content = tree.write("setup", Amendment(files=files, links=links), trees)
    return Build(
        _spec("setup", flavour.major, "Base accounts and configuration", content), content, first.issued
    )


def testbed_release(flavour: Flavour, release: Release, key: str, trees: Path) -> Build:
    """Who the system is, the `key` (armored) that it trusts, and the units that are enabled."""
    version = f"{flavour.major}.{release.minor}"
    presets = [*(f"enable {unit}" for unit in flavour.presets), "disable *"]
    files = {
        "/usr/lib/os-release": File(_os_release(flavour.major, version)),
        "/etc/testbed-release": File(f"Testbed Linux release {version}\n"),
        f"/etc/pki/rpm-gpg/{KEY_NAME}": File(key),
        "/usr/lib/systemd/system-preset/90-testbed.preset": File(_lines(presets)),
        "/etc/dnf/protected.d/testbed.conf": File("dnf\nsystemd\ntestbed-release\n", config=True),
    }
    links = {
        "/etc/os-release": "../usr/lib/os-release",
        "/etc/redhat-release": "testbed-release",
        "/etc/system-release": "testbed-release",
    }
    content = tree.write("testbed-release", Amendment(files=files, links=links), trees)
    provides = (f"system-release = {version}-1", f"system-release(releasever) = {flavour.major}")
    summary = "Release files of Testbed Linux"
    spec = _spec("testbed-release", version, summary, content, ("filesystem",), provides)
    return Build(spec, content, release.issued)


def beacon(release: Release, trees: Path) -> Build:
    """The service that every host runs; its faulty version wants a setting that no host has."""
    place = Path(__file__).parent / "beacon"
    wanted = "address" if release.beacon == FAULTY_BEACON else ""
    program = (place / "beacon.py").read_text().replace("@VERSION@", release.beacon)
    files = {
        "/usr/bin/beacon": File(program.replace("@REQUIRED_SETTINGS@", wanted), mode=0o755),
        "/usr/lib/systemd/system/beacon.service": File((place / "beacon.service").read_text()),
        "/etc/beacon.conf": File((place / "beacon.conf").read_text(), config=True),
    }
    services = ("beacon.service",)
    content = tree.write("beacon", Amendment(files=files, services=services), trees)
    requires = ("filesystem", "python3", "systemd")
    spec = _spec("beacon", release.beacon, "Says what this host runs", content, requires, services=services)
    return Build(spec, content, release.issued)


def _spec(
    name: str,
    version: str,
    summary: str,
    content: Tree,
    requires: tuple[str, ...] = (),
    provides: tuple[str, ...] = (),
    services: tuple[str, ...] = (),
) -> RpmSpec:
    evr = Evr("0", version, "1")
    return RpmSpec(
        name=name,
        evr=evr,
        source=name,
        source_evr=evr,
        arch="noarch",
        summary=summary,
        description=f"{summary}.",
        requires=requires,
        provides=provides,
        entries=content.entries,
        scriptlets=service_scriptlets(services),
    )


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _accounts(master: Path, more: tuple[str, ...]) -> list[str]:
    """Debian's base accounts with their passwords in the shadow file, and more."""
    fields = (line.split(":") for line in master.read_text().splitlines())
    return [*(":".join([name, "x", *rest]) for name, _, *rest in fields), *more]


def _os_release(major: str, version: str) -> str:
    fields = {
        "NAME": "Testbed Linux",
        "VERSION": version,
        "ID": "testbed",
        "ID_LIKE": "rhel fedora",
        "VERSION_ID": version,
        "PLATFORM_ID": f"platform:tb{major}",
        "PRETTY_NAME": f"Testbed Linux {version}",
        "CPE_NAME": f"cpe:/o:testbed:testbed:{version}",
    }
    return _lines([f'{name}="{value}"' for name, value in fields.items()])
