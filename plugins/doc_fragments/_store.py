# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Options of every module that works on the store of the repo service."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments osaas.fleet._store, osaas.fleet._store.signing and osaas.fleet._store.metrics."""

    DOCUMENTATION = r"""
options:
  store:
    description: Directory of the store, all of it on one file system. M(osaas.fleet.repo_sync) makes it.
    type: path
    required: true
"""

    SIGNING = r"""
options:
  signing_key:
    description:
      - Key that signs derived metadata, as gpg takes it (fingerprint, key id, e-mail address).
      - Required where metadata cannot stay the upstream's, byte for byte, because packages are left out or
        carried over. Hosts need the public half of it beside the keys of the upstream.
    type: str
  gnupg_home:
    description: GnuPG home with the secret half of O(signing_key); that of the user if not given.
    type: path
"""

    METRICS = r"""
options:
  metrics:
    description:
      - File (C(*.prom)) in which to leave figures for the textfile collector of Prometheus' node exporter.
      - They are when each mirror was last seen to be as its upstream, its size and packages,
        how many snapshots there are, and how many syncs failed. Each module renews those that it knows.
    type: path
"""
