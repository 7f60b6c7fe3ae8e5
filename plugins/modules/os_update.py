#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move a package host to its release."""

from __future__ import annotations

DOCUMENTATION = r"""
module: os_update
short_description: Bring a package host to its pinned release, or back
version_added: 0.1.0
description:
  - Converges a host on the release that M(osaas.fleet.host_pin) pinned it to, as one C(distro-sync) through
    the Python API of the host's own dnf. Only the repos of the pinned snapshot are used.
  - The transaction runs in a transient systemd unit of its own. It goes on when the connection drops or the
    controller dies; a second call finds it, follows it and returns its result.
  - A transaction that was killed, cut off by a crash, or failed half way is detected by the next call, which
    runs it once more, whole, from the packages in the cache, and says what it mended (RV(repairs)). Packages
    that were installed by then are installed again, so that no file, script or trigger is missing.
  - It counts as done only if a fresh look finds nothing left to do. If it cannot be finished and the host has
    been pinned to another release since, that one is installed over it.
  - Packages that are installed in several versions, whoever made them so, are made one again; all but the
    newest are removed, without a resolver, and the rest is installed again or becomes what the release has.
  - A broken rpm database is rebuilt if rpm proves that it is broken, and if no package would be lost. The
    broken one is kept in C(/var/lib/osaas).
  - Executables in C(/etc/osaas/pre-update.d) and C(/etc/osaas/post-update.d) of the host are run before and
    after packages change, in the order of their names, with the release left (or an empty string) and the
    release entered as arguments. One that fails before stops the update before any change; one that fails
    after makes the update fail, with its output, and is run again by the next call. A recovery runs only
    the latter.
  - On the way back packages that O(release) brought go, and those that it removed come back, if the repos of
    the release before have them.
  - An unreachable host is a failure here, after O(reconnect_timeout), so that C(rescue) sees it.
author:
  - osaas.fleet contributors (@osaas-fleet)
extends_documentation_fragment:
  - osaas.fleet._attributes
  - osaas.fleet._attributes.action_group
  - osaas.fleet._patient
attributes:
  check_mode:
    support: full
    details:
      - Repo metadata is downloaded into the cache, nothing else.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - V(staged) resolves, downloads, verifies and rehearses, while the host serves.
      - V(active) does the transaction from the cache, without network. It stages first if that was not done.
      - V(rolled_back) pins the release before O(release), stages and activates that, restarts units that have
        failed, and remembers O(release) as bad. A host that has no release before and never set out for
        O(release) is not changed but unpinned.
    type: str
    choices: [staged, active, rolled_back]
    required: true
  release:
    description:
      - Id of the snapshot that the host is pinned to. Another one is an error.
      - With O(state=rolled_back), the release to leave. A host that has left it already converges on its pin.
    type: str
    required: true
  allow_removals:
    description:
      - Names of packages that may be removed although a person installed them or dnf protects them.
      - Any other removal of such a package is refused.
    type: list
    elements: str
    default: []
  reboot_packages:
    description:
      - Patterns of package names that need a reboot, in place of the collection's own list (kernel, glibc,
        systemd, dbus, openssl and their like).
    type: list
    elements: str
    default: []
  restart:
    description:
      - Whether services that still run replaced files are restarted when no reboot is required.
    type: str
    choices: [auto, never]
    default: auto
  remember:
    description:
      - Whether the host shall refuse O(release) from now on; for O(state=rolled_back).
      - Set it to V(false) when the release was never activated, so that it cannot be to blame.
    type: bool
    default: true
  reason:
    description: Why the release is left, kept on the host; for O(state=rolled_back).
    type: str
    default: rolled back
  mode:
    description:
      - When the transaction is done; for O(state=active) and O(state=rolled_back).
      - V(online) does it at once. V(offline) has the next boot do it, with nothing else running, by means of
        C(systemd.offline-updates(7\)). The host then boots once more by itself. RV(reboot_required) is true,
        and the first call after that boot tells how it ended.
    type: str
    choices: [online, offline]
    default: online
  restore_point:
    description:
      - With V(btrfs) and O(state=active), the root as it is before packages change is kept, as a subvolume
        beside that of C(/). One is kept, until the next is taken.
      - With V(btrfs) and O(state=rolled_back), the next boot finds the root as it was before O(release), if
        that was kept. B(Everything) on it is as it was then, not packages alone. What is on other file
        systems and subvolumes stays. RV(reboot_required) is true, and the first call after that boot tells
        how it ended. Until then the host refuses to be updated.
      - The way back is by packages, as with V(none), if no root was kept, or if packages of O(release) have
        files on another file system, such as that of a C(/boot) of its own.
      - It needs C(btrfs) on the host. It is refused, before packages change, where C(/) is no subvolume,
        where the rpm database is on another file system, and where a subvolume inside of C(/) holds files.
    type: str
    choices: [none, btrfs]
    default: none
  lock_timeout:
    description: Seconds to wait while another process changes packages.
    type: int
    default: 300
  hook_timeout:
    description: Seconds that each hook may run.
    type: int
    default: 300
  url:
    description:
      - Base URL of the store, as given to M(osaas.fleet.host_pin).
      - This, O(repositories), O(gpgkeys) and O(ca_cert) are used in check mode alone, when the host is not
        pinned to O(release) yet, so that a playbook that pins and updates can be tried in check mode.
    type: str
  repositories:
    description: The repos of the snapshot, as given to M(osaas.fleet.host_pin). See O(url).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the repo.
        type: str
        required: true
      gpgkey:
        description: Names, in O(gpgkeys), of the keys any of which may have signed packages and metadata.
        type: list
        elements: str
        required: true
  gpgkeys:
    description: The public keys, as given to M(osaas.fleet.host_pin). See O(url).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the key.
        type: str
        required: true
      content:
        description: The key, ASCII-armored.
        type: str
        required: true
  ca_cert:
    description: Certificates (PEM), as given to M(osaas.fleet.host_pin). See O(url).
    type: str
    default: ''
  timeout:
    description:
      - Seconds to follow the transaction. When they have passed the module fails; the transaction goes on.
    type: int
    default: 3600
  request:
    description:
      - Names this call in all repetitions after a dropped connection, so that they return the same result.
      - Set by the action plugin; leave it out.
    type: str
    default: ''
seealso:
  - module: osaas.fleet.host_pin
  - module: osaas.fleet.host_info
  - module: osaas.fleet.health_check
"""

EXAMPLES = r"""
- name: Download the release while the host serves
  osaas.fleet.os_update:
    state: staged
    release: 20261122T174400Z

- name: Say what the next update would do, on a host pinned to something else
  osaas.fleet.os_update:
    state: staged
    release: 20261122T174400Z
    url: https://repos.example.com
    repositories:
      - name: baseos
        gpgkey: [upstream]
    gpgkeys:
      - name: upstream
        content: "{{ lookup('ansible.builtin.file', 'RPM-GPG-KEY-upstream') }}"
  check_mode: true

- name: Update
  osaas.fleet.os_update:
    state: active
    release: 20261122T174400Z
  register: update

- name: Reboot if needed
  ansible.builtin.reboot:
  when: update.reboot_required

- name: Update, and keep the root as it is now
  osaas.fleet.os_update:
    state: active
    release: 20261122T174400Z
    restore_point: btrfs

- name: Leave a release that failed
  osaas.fleet.os_update:
    state: rolled_back
    release: 20261122T174400Z
    reason: beacon.service does not start
"""

RETURN = r"""
release:
  description: The release that the host is pinned to; V(null) if it was unpinned.
  returned: success
  type: str
  sample: 20261122T174400Z
plan:
  description: What the transaction will do.
  returned: O(state=staged)
  type: dict
  contains:
    install: {description: Packages that are new., type: list, elements: str}
    upgrade:
      description: Packages that become newer.
      type: list
      elements: str
      sample: ['bash-0:5.2.15-2.x86_64']
    downgrade: {description: Packages that become older., type: list, elements: str}
    remove: {description: Packages that go., type: list, elements: str}
    reinstall: {description: Packages of the same version that are replaced., type: list, elements: str}
    download_bytes: {description: What was not in the cache yet., type: int, sample: 12582912}
    install_bytes: {description: By how much file systems fill up; may be negative., type: int, sample: 4096}
from_release:
  description: The release that the host ran before; V(null) if it never ran one.
  returned: O(state=active) or O(state=rolled_back)
  type: str
  sample: 20261115T174400Z
packages:
  description: What the transaction did; lists like those of RV(plan).
  returned: O(state=active) or O(state=rolled_back)
  type: dict
package_set_digest:
  description:
    - The sha256 over the sorted lines C(name-epoch:version-release.arch) of all installed packages, each
      ended by a newline, without imported public keys (C(gpg-pubkey)).
    - Hosts with one digest run the same OS.
  returned: O(state=active) or O(state=rolled_back)
  type: str
  sample: 0f343b0931126a20f133d67c2b018a3b5b7c5d4c8f2b9c3d1e0f9a8b7c6d5e4f
transaction:
  description: Id of the transaction that brought the host here, empty if it was here already.
  returned: O(state=active) or O(state=rolled_back)
  type: str
  sample: 20261122T174400Z-3
recovered:
  description: Whether an interrupted transaction was taken up.
  returned: O(state=active) or O(state=rolled_back)
  type: bool
repairs:
  description: What was mended before, one line each.
  returned: success
  type: list
  elements: str
  sample: [upgraded 14 packages, installed once more 29 packages]
waits_for_boot:
  description: Whether the next boot is to do the transaction. See O(mode).
  returned: O(state=active) or O(state=rolled_back)
  type: bool
seconds:
  description: How long the transaction took.
  returned: O(state=active) or O(state=rolled_back)
  type: float
  sample: 8.4
reboot_required:
  description: Whether the host must be rebooted.
  returned: O(state=active) or O(state=rolled_back)
  type: bool
reboot_reasons:
  description: Why.
  returned: O(state=active) or O(state=rolled_back)
  type: list
  elements: str
  sample: [systemd was updated since the boot]
restored:
  description:
    - Whether the package set is the one that the host had before it entered O(release). It is not if somebody
      changed packages in between, or if packages that O(release) removed are not offered any more.
    - V(null) if that is not known, or if the next boot is to tell.
  returned: O(state=rolled_back)
  type: bool
services_restarted:
  description: Services that ran replaced files and were restarted.
  returned: O(state=active) or O(state=rolled_back)
  type: list
  elements: str
services_to_restart:
  description: Services that run replaced files still.
  returned: O(state=active) or O(state=rolled_back)
  type: list
  elements: str
log:
  description: The last lines of the transaction's log.
  returned: when the transaction failed
  type: list
  elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osaas.fleet.plugins.module_utils._command import ModuleRunner
from ansible_collections.osaas.fleet.plugins.module_utils._host.activation import Wish
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import bindings
from ansible_collections.osaas.fleet.plugins.module_utils._host.interpreter import need_bindings
from ansible_collections.osaas.fleet.plugins.module_utils._host.options import RELEASE_OPTIONS, release_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.patience import Patience
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Demand
from ansible_collections.osaas.fleet.plugins.module_utils._host.preview import Preview
from ansible_collections.osaas.fleet.plugins.module_utils._host.update import STATES, Request
from ansible_collections.osaas.fleet.plugins.module_utils._module import ArgumentSpec, run_module
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_snapshot_id

SPEC = ArgumentSpec(
    options={
        "state": {"type": "str", "choices": ["staged", "active", "rolled_back"], "required": True},
        "release": {"type": "str", "required": True},
        "allow_removals": {"type": "list", "elements": "str", "default": []},
        "reboot_packages": {"type": "list", "elements": "str", "default": []},
        "restart": {"type": "str", "choices": ["auto", "never"], "default": "auto"},
        "remember": {"type": "bool", "default": True},
        "reason": {"type": "str", "default": "rolled back"},
        "mode": {"type": "str", "choices": ["online", "offline"], "default": "online"},
        "restore_point": {"type": "str", "choices": ["none", "btrfs"], "default": "none"},
        "lock_timeout": {"type": "int", "default": 300},
        "hook_timeout": {"type": "int", "default": 300},
        **RELEASE_OPTIONS,
        "timeout": {"type": "int", "default": 3600},
        "request": {"type": "str", "default": ""},
        "reconnect_timeout": {"type": "int", "default": 120},
    }
)


def _preview(params: t.Mapping[str, t.Any]) -> Preview | None:
    if not params["url"]:
        return None
    pin, trust = release_of({**params, "digest": ""})
    return Preview(pin, trust)


def _work(module: AnsibleModule) -> dict[str, t.Any]:
    need_bindings(module, bindings())
    params = module.params
    request = Request(
        release=check_snapshot_id(params["release"], where="release"),
        wish=Wish(
            demand=Demand(allow_removals=tuple(sorted(params["allow_removals"]))),
            timeout=params["timeout"],
            request=params["request"],
            patience=Patience(lock=params["lock_timeout"], hook=params["hook_timeout"]),
            offline=params["mode"] == "offline",
            restore_point=params["restore_point"] == "btrfs",
        ),
        restart=params["restart"] == "auto",
        reboot_packages=tuple(params["reboot_packages"]),
        bad_because=params["reason"] if params["remember"] else None,
        check=module.check_mode,
        preview=_preview(params),
    )
    return STATES[params["state"]](ModuleRunner(module), request)


def main() -> None:
    """Run the module."""
    run_module(SPEC, _work)


if __name__ == "__main__":
    main()
