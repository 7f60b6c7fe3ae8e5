# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Options of modules that make artifacts of images."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment osaas.fleet._image.signing."""

    SIGNING = r"""
options:
  signing_key:
    description:
      - Key that signs C(manifest.json), as gpg takes it (fingerprint, key id, e-mail address).
        The signature is C(manifest.json.asc) beside it, and vouches for every artifact.
    type: str
  gnupg_home:
    description: GnuPG home with the secret half of O(signing_key); that of the user if not given.
    type: path
"""
