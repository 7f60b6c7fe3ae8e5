# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Every kind of feature.

Importing one registers it; and Ansible ships only what is imported by name.
"""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact_kinds import ARTIFACT_KINDS
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.features import (
    ansible_role,
    clone,
    command,
    directory,
    file,
    group,
    hardlink,
    hostname,
    image_host,
    kernel_arguments,
    label,
    locale,
    mount,
    remove,
    repository,
    requires,
    rpms,
    symlink,
    sysctl,
    systemd,
    tarball,
    timezone,
    tree,
    user,
)

MODULES = (
    ansible_role,
    clone,
    command,
    directory,
    file,
    group,
    hardlink,
    hostname,
    image_host,
    kernel_arguments,
    label,
    locale,
    mount,
    remove,
    repository,
    requires,
    rpms,
    symlink,
    sysctl,
    systemd,
    tarball,
    timezone,
    tree,
    user,
)
KINDS = Feature.kinds
__all__ = ["ARTIFACT_KINDS", "KINDS"]
