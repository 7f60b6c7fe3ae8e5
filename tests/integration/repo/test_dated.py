# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dnf through a dated address, as a real nginx resolves it with the store's map."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.repo import nginx
from integration.repo.conftest import Upstream
from integration.repo.related import offer
from integration.repo.test_story import dnf, installed

MAPS = """\
    map $uri $osaas_moment {{
        default "";
        ~^/at/(?<osaas_when>[0-9TZ]+)/ $osaas_when;
    }}
    map $osaas_moment $osaas_snapshot {{
        default none;
        include {store}/at.map;
    }}
    server {{
"""
LOCATION = """\
        location ~ ^/at/[^/]+(?<osaas_rest>/.*)$ {{
            root {store};
            try_files /snapshots/$osaas_snapshot$osaas_rest =404;
        }}
        root {root};
"""


def test_dnf_by_date(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = offer(upstream, ("tool", "1", ""))
    second = offer(upstream, ("tool", "2", ""))
    store = str(upstream.store)
    config = nginx.CONFIG.replace("    server {{\n", MAPS.replace("{store}", store))
    config = config.replace("        root {root};\n", LOCATION.replace("{store}", store))
    monkeypatch.setattr(nginx, "CONFIG", config)
    root = tmp_path / "root"
    with nginx.serve(tmp_path, tmp_path / "dated") as dated:
        later = "20991231T2359Z"
        dnf(upstream, root, f"{dated.url}/at/{later}/os", "install", "tool")
        assert installed(root) == ["tool-2"]
        dnf(upstream, root, f"{dated.url}/at/{first}/os", "distro-sync")
        assert installed(root) == ["tool-1"]
        dnf(upstream, root, f"{dated.url}/at/{second}/os", "distro-sync")
        assert installed(root) == ["tool-2"]
        with pytest.raises(AssertionError, match="All mirrors were tried"):
            dnf(upstream, tmp_path / "early", f"{dated.url}/at/20000101T0000Z/os", "makecache")
