# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that are the distribution's own: filesystem, setup, testbed-release and beacon."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from . import releases, tree
from .convert import service_scriptlets
from .flavour import File, Flavour
from .keys import KEY_NAME
from .paths import MERGED
from .rpm import RpmSpec
from .tree import Entry, Tree
from .versions import Evr

# Directories that every system has, with their modes.
STANDARD_DIRECTORIES: Mapping[str, int] = {
    **dict.fromkeys(
        """
        /boot /dev /efi /etc /etc/dnf/protected.d /etc/pki /etc/pki/rpm-gpg /etc/yum.repos.d /home /mnt /opt /run /srv
        /usr/bin /usr/lib /usr/lib/sysimage /usr/lib/sysimage/rpm /usr/lib/systemd/system-preset /usr/lib64 /usr/sbin
        /var/cache /var/log
        """.split(),
        0o755,
    ),
    "/proc": 0o555, "/sys": 0o555, "/root": 0o700, "/tmp": 0o1777, "/var/tmp": 0o1777,
}

_PAM = {
    "auth": "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n"
            "auth required pam_permit.so\n",
    "account": "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"
               "account requisite pam_deny.so\naccount required pam_permit.so\n",
    "password": "password [success=1 default=ignore] pam_unix.so obscure yescrypt\n"
                "password requisite pam_deny.so\npassword required pam_permit.so\n",
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


def filesystem(flavour: Flavour, shared: Mapping[str, Entry], trees: Path) -> tuple[RpmSpec, Tree]:
    """Every directory that several packages have, and the links of the merged /usr."""
    links = {f"/{name}": f"usr/{name}" for name in MERGED} | {"/var/run": "../run", "/var/lock": "../run/lock"}
    content = tree.write("filesystem", {}, links, trees, shared.values())
    return _spec("filesystem", _first(flavour), "Directories and links of the system", content, ("setup",)), content


def setup(flavour: Flavour, base_passwd: Tree, base_files: Tree, trees: Path) -> tuple[RpmSpec, Tree]:
    """Base accounts (Debian's and the flavour's) and the configuration that every login needs."""
    masters = base_passwd.root / "usr/share/base-passwd"
    passwd = _accounts(masters / "passwd.master", flavour.passwd)
    group = _accounts(masters / "group.master", flavour.group)
    texts = {
        "/etc/passwd": "".join(f"{line}\n" for line in passwd),
        "/etc/group": "".join(f"{line}\n" for line in group),
        "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "/etc/nsswitch.conf": _NSSWITCH,
        "/etc/shells": "/bin/sh\n/bin/bash\n/usr/bin/bash\n",
        "/etc/environment": "",
        "/etc/profile": (base_files.root / "usr/share/base-files/profile").read_text(),
        "/etc/default/locale": "LANG=C.UTF-8\n",
        **{f"/etc/pam.d/common-{name}": text for name, text in _PAM.items()},
    }
    secrets = {
        "/etc/shadow": "".join(f"{line.split(':')[0]}:*:20000:0:99999:7:::\n" for line in passwd),
        "/etc/gshadow": "".join(f"{line.split(':')[0]}:*::\n" for line in group),
    }
    files = {path: File(text, config=True) for path, text in texts.items()}
    files |= {path: File(text, mode=0o600, config=True) for path, text in secrets.items()}
    content = tree.write("setup", files, {}, trees)
    return _spec("setup", _first(flavour), "Base accounts and configuration", content, ()), content


def release(flavour: Flavour, minor: int, key: str, trees: Path) -> tuple[RpmSpec, Tree]:
    """Who the system is, the `key` (armored) that it trusts, and the units that are enabled."""
    version = f"{flavour.major}.{minor}"
    presets = "".join(f"enable {unit}\n" for unit in flavour.presets)
    files = {
        "/usr/lib/os-release": File(_os_release(flavour.major, version)),
        "/etc/testbed-release": File(f"Testbed Linux release {version}\n"),
        f"/etc/pki/rpm-gpg/{KEY_NAME}": File(key),
        "/usr/lib/systemd/system-preset/90-testbed.preset": File(f"{presets}disable *\n"),
        "/etc/dnf/protected.d/testbed.conf": File("dnf\nsystemd\ntestbed-release\n", config=True),
    }
    links = {"/etc/os-release": "../usr/lib/os-release", "/etc/redhat-release": "testbed-release",
             "/etc/system-release": "testbed-release"}
    content = tree.write("testbed-release", files, links, trees)
    provides = (f"system-release = {version}-1", f"system-release(releasever) = {flavour.major}")
    spec = _spec("testbed-release", Evr("0", version, "1"), "Release files of Testbed Linux", content,
                 ("filesystem",), provides)
    return spec, content


def beacon(version: str, trees: Path) -> tuple[RpmSpec, Tree]:
    """The service that every host of the testbed runs; the faulty version wants a setting that no host has."""
    place = Path(__file__).parent / "beacon"
    wants = "address" if version == releases.FAULTY_BEACON else ""
    program = (place / "beacon.py").read_text().replace("@VERSION@", version).replace("@REQUIRED_SETTINGS@", wants)
    files = {
        "/usr/bin/beacon": File(program, mode=0o755),
        "/usr/lib/systemd/system/beacon.service": File((place / "beacon.service").read_text()),
        "/etc/beacon.conf": File((place / "beacon.conf").read_text(), config=True),
    }
    content = tree.write("beacon", files, {}, trees)
    spec = _spec("beacon", Evr("0", version, "1"), "Says what this host runs", content,
                 ("filesystem", "python3", "systemd"), services=("beacon.service",))
    return spec, content


def _spec(name: str, evr: Evr, summary: str, content: Tree, requires: tuple[str, ...],
          provides: tuple[str, ...] = (), services: tuple[str, ...] = ()) -> RpmSpec:
    return RpmSpec(name, evr, name, evr, "noarch", summary, f"{summary}.", requires, provides,
                   content.entries, service_scriptlets(services))


def _first(flavour: Flavour) -> Evr:
    return Evr("0", flavour.major, "1")


def _accounts(master: Path, more: tuple[str, ...]) -> list[str]:
    lines = [":".join(["x" if place == 1 else word for place, word in enumerate(line.split(":"))])
             for line in master.read_text().splitlines()]
    return [*lines, *more]


def _os_release(major: str, version: str) -> str:
    fields = {"NAME": "Testbed Linux", "VERSION": version, "ID": "testbed", "ID_LIKE": "rhel fedora",
              "VERSION_ID": version, "PLATFORM_ID": f"platform:tb{major}",
              "PRETTY_NAME": f"Testbed Linux {version}", "CPE_NAME": f"cpe:/o:testbed:testbed:{version}"}
    return "".join(f'{name}="{value}"\n' for name, value in fields.items())
