# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flavour testbed-9: Debian bookworm's packages, like an EL9 (systemd 252, dnf 4.14, Python 3.11)."""

from __future__ import annotations

from .flavour import Amendment, File, Flavour, Owner, Scriptlet, words

_LDCONFIG = "/usr/sbin/ldconfig || :"
_LIBRARIES = ("/usr/lib", "/usr/lib64")

_DNF_CONF = """\
[main]
gpgcheck=1
installonly_limit=3
clean_requirements_on_remove=True
best=True
skip_if_unavailable=False
"""

_TMPFILES = """\
/usr/bin/systemd-tmpfiles --create --exclude-prefix=/dev --exclude-prefix=/proc --exclude-prefix=/run \\
  --exclude-prefix=/sys >/dev/null 2>&1 || :"""

# Units that packages marked in %posttrans are restarted here, once, after the reload.
_UNITS = """\
if [ -d /run/systemd/system ]; then
  /usr/bin/systemctl daemon-reload || :
  /usr/bin/systemctl reload-or-restart --marked || :
fi"""

_SYSTEMD = Amendment(
    owners={"/etc/credstore": Owner(0o700), "/etc/credstore.encrypted": Owner(0o700)},
    scriptlets=(
        Scriptlet("transfiletriggerin", "/usr/bin/systemd-sysusers || :", ("/usr/lib/sysusers.d",)),
        Scriptlet("transfiletriggerin", _TMPFILES, ("/usr/lib/tmpfiles.d",)),
        Scriptlet(
            "transfiletriggerin", _UNITS, ("/usr/lib/systemd/system", "/etc/systemd/system"), priority=900899
        ),
    ),
)

_SSHD_KEYGEN = """\
[Unit]
Description=OpenSSH host key
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
"""

_SSHD_NEEDS_KEY = """\
[Unit]
Requires=sshd-keygen.service
After=sshd-keygen.service
"""

_OPENSSH_SERVER = Amendment(
    copies={"/etc/ssh/sshd_config": "/usr/share/openssh/sshd_config"},
    files={
        "/usr/lib/sysusers.d/sshd.conf": File('u sshd - "sshd" /run/sshd /usr/sbin/nologin\n'),
        "/usr/lib/tmpfiles.d/sshd.conf": File("d /run/sshd 0755 root root\n"),
        "/usr/lib/systemd/system/sshd-keygen.service": File(_SSHD_KEYGEN),
        "/usr/lib/systemd/system/ssh.service.d/keygen.conf": File(_SSHD_NEEDS_KEY),
    },
    services=("ssh.service",),
)

# As on EL: includes conf.d, then has a server of its own on port 80.
_NGINX_CONF = """\
user www-data;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events {
}
http {
    access_log /var/log/nginx/access.log;
    include /etc/nginx/mime.types;
    include /etc/nginx/conf.d/*.conf;
    server {
        listen 80;
        listen [::]:80;
        server_name _;
        root /usr/share/nginx/html;
    }
}
"""

_CA_CERTIFICATES = """\
mkdir -p /etc/ssl/certs
cd /usr/share/ca-certificates && find * -name '*.crt' | LC_ALL=C sort > /etc/ca-certificates.conf
/usr/sbin/update-ca-certificates >/dev/null 2>&1 || :"""

TESTBED_9 = Flavour(
    name="testbed-9",
    suite="bookworm",
    major="9",
    core=words("""
        base-files base-passwd bash bzip2 ca-certificates coreutils dash dbus debianutils diffutils dnf
        dnf-plugins-core findutils gpg gpgconf grep gzip hostname iproute2 iputils-ping kmod libc-bin
        libnss-myhostname libnss-systemd libpam-systemd login mawk mount ncurses-base ncurses-bin
        openssh-client openssh-server passwd procps python3 python3-dnf python3-rpm rpm sed systemd
        systemd-sysv tar tzdata udev util-linux xz-utils zstd
        """),
    tools=("curl", "hello", "jq", "less", "sudo"),
    offered=("btrfs-progs", "gpgv", "nginx", "python3-venv"),
    appstream=("curl", "hello", "jq", "less", "libjq1", "libonig5", "nginx", "nginx-common", "sudo"),
    dropped=words("""
        adduser apt cdebconf debconf debconf-2.0 debsums dirmngr dpkg gnupg gnupg-l10n gpg-wks-client
        gpg-wks-server gpgsm init-system-helpers initramfs-tools libdebconfclient0 linux-base
        linux-initramfs-tool lsb-base lsb-release perl perl-base pinentry-curses runit-helper sensible-utils
        sysvinit-utils ucf usr-is-merged usrmerge
        """),
    amendments={
        # Ours to say: who the system is (testbed-release), and the links of /var (filesystem).
        "base-files": Amendment(
            omitted=words("""
                /etc/debian_version /etc/dpkg /etc/dpkg/origins /etc/dpkg/origins/debian /etc/issue
                /etc/issue.net /etc/os-release /usr/lib/os-release /var/lock /var/run
                """)
        ),
        "bash": Amendment(provides=("/bin/bash",)),
        "ca-certificates": Amendment(scriptlets=(Scriptlet("posttrans", _CA_CERTIFICATES),)),
        "dash": Amendment(provides=("/bin/sh", "/usr/bin/sh")),
        "dbus": Amendment(
            owners={"/usr/lib/dbus-1.0/dbus-daemon-launch-helper": Owner(0o4754, "root", "messagebus")},
        ),
        "dnf-data": Amendment(rewritten={"/etc/dnf/dnf.conf": _DNF_CONF}),
        # Debian enables this plugin; it would call createrepo_c on the host after every transaction.
        "dnf-plugins-core": Amendment(rewritten={"/etc/dnf/plugins/local.conf": "[main]\nenabled = false\n"}),
        "less": Amendment(links={"/usr/bin/pager": "less"}),
        "libc-bin": Amendment(
            scriptlets=(
                Scriptlet("transfiletriggerin", _LDCONFIG, _LIBRARIES),
                Scriptlet("transfiletriggerpostun", _LDCONFIG, _LIBRARIES),
            )
        ),
        "mawk": Amendment(links={"/usr/bin/awk": "mawk"}),
        # With a script of SysV's, `systemctl enable` would call update-rc.d.
        "nginx-common": Amendment(
            omitted=("/etc/init.d/nginx",), rewritten={"/etc/nginx/nginx.conf": _NGINX_CONF}
        ),
        "openssh-client": Amendment(
            owners={"/usr/bin/ssh-agent": Owner(0o2755, "root", "_ssh")}, provides=("openssh-clients",)
        ),
        "openssh-server": _OPENSSH_SERVER,
        # Debian's rpm keeps its database below $HOME.
        "rpm-common": Amendment(
            files={"/usr/lib/rpm/macros.d/macros.zz-testbed": File("%_dbpath /usr/lib/sysimage/rpm\n")}
        ),
        "systemd": _SYSTEMD,
        "tzdata": Amendment(links={"/etc/localtime": "../usr/share/zoneinfo/Etc/UTC"}),
    },
    passwd=(
        "messagebus:x:101:101::/nonexistent:/usr/sbin/nologin",
        "systemd-network:x:998:998:systemd Network Management:/:/usr/sbin/nologin",
    ),
    group=(
        "messagebus:x:101:",
        "_ssh:x:102:",
        "kvm:x:103:",
        "render:x:104:",
        "sgx:x:105:",
        "input:x:106:",
        "systemd-network:x:998:",
        "systemd-journal:x:999:",
    ),
    presets=(
        "beacon.service",
        "dbus.service",
        "getty@.service",
        "remote-fs.target",
        "ssh.service",
        "systemd-networkd.service",
        "systemd-networkd-wait-online.service",
    ),
)
