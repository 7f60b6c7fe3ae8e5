# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Look at a release that the host is not pinned to: what check mode of a whole playbook needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import Source, source_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin, Trust, check_pin


@dataclass(frozen=True)
class Preview:
    """A pin that is not written, and what it trusts."""

    pin: Pin
    trust: Trust

    def source(self) -> Source:
        """Where its repos are; keys and certificates are put into the cache, beside what they prove."""
        check_pin(self.pin, self.trust)
        source = source_of(self.pin)
        directory = source.cache / "keys"
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in self.trust.keys.items():
            write_atomic(directory / f"{paths.KEY_PREFIX}{name}", content.encode())
        ca = directory / "ca.pem"
        write_atomic(ca, self.trust.ca_cert.encode())
        repositories = tuple(
            replace(repo, keys=tuple(str(directory / f"{paths.KEY_PREFIX}{key}") for key in pinned.keys))
            for repo, pinned in zip(source.repositories, self.pin.repositories)
        )
        return replace(source, repositories=repositories, ca=str(ca) if self.pin.ca else "")
