# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two real snapshots, told apart as data and as a page."""

from __future__ import annotations

import json
from pathlib import Path

from integration.repo.conftest import Upstream
from integration.repo.related import offer

ADVISORY = """\
<updates><update from="a" status="stable" type="security" version="1"><id>FLEET-2026:1</id>
<title>tool &lt;script&gt; fix</title><severity>Important</severity><issued date="2026-11-22 00:00:00"/>
<references><reference href="x" id="CVE-2026-1" title="x" type="cve"/>
<reference href="x" id="17" title="x" type="bugzilla"/></references>
<pkglist><collection><name>c</name></collection></pkglist></update></updates>
"""


def test_difference(upstream: Upstream, tmp_path: Path) -> None:
    first = offer(upstream, ("up", "1.9", ""), ("down", "2", ""), ("gone", "1", ""), ("same", "1", ""))
    offer(upstream, ("up", "1.10", ""), ("down", "2~rc1", ""), ("fresh", "1", ""), ("same", "1", ""))
    (tmp_path / "updateinfo.xml").write_text(ADVISORY)
    forge = upstream.built.forge
    forge.run("/usr/bin/modifyrepo_c", tmp_path / "updateinfo.xml", upstream.path / "repodata")
    forge.sign_metadata(upstream.path)
    upstream.sync()
    last = upstream.module("snapshot").data["snapshot"]["id"]
    sets = tmp_path / "sets.json"
    sets.write_text(json.dumps([{"name": "web", "packages": ["up-1.9-1.noarch", "same-1-1.noarch"]}]))
    report = tmp_path / "report.html"
    options = {"before": first, "after": last, "package_sets_file": str(sets), "report": str(report)}

    assert upstream.module("snapshot_diff", check=True, **options).changed
    assert not report.exists()
    result = upstream.module("snapshot_diff", **options)

    assert not result.failed, result.msg
    found = result.data["difference"]
    kinds = ("added", "removed", "upgraded", "downgraded")
    told = {kind: [(one["name"], one["old"], one["new"]) for one in found[kind]] for kind in kinds}
    assert told == {
        "added": [("fresh", None, "0:1-1")],
        "removed": [("gone", "0:1-1", None)],
        "upgraded": [("up", "0:1.9-1", "0:1.10-1")],
        "downgraded": [("down", "0:2-1", "0:2~rc1-1")],
    }
    assert found["cves"] == ["CVE-2026-1"]
    [up] = upstream.path.glob("up-1.10-*.rpm")
    assert result.data["downloads"] == {"web": up.stat().st_size}
    text = report.read_text()
    assert "tool &lt;script&gt; fix" in text
    assert "http" not in text
    assert not upstream.module("snapshot_diff", **options).changed


def test_the_first_has_no_parent(upstream: Upstream) -> None:
    only = offer(upstream, ("up", "1", ""))

    assert upstream.module("snapshot_diff", after=only).msg == (
        f"{only}: it has no parent to compare it with. Give before"
    )
