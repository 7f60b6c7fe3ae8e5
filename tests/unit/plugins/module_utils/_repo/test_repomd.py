# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""repomd.xml is read as it is written, and every fault in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import RemoteFile
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repomd import Record, Repomd, parse_repomd

A, B = "a" * 64, "b" * 64


def record(kind: str, *, href: str = "", digest: str = A, opened: str = "") -> str:
    opened = opened or f'<open-checksum type="sha256">{B}</open-checksum><open-size>20</open-size>'
    href = href or f"repodata/{kind}.xml.gz"
    return f"""<data type="{kind}"><checksum type="sha256">{digest}</checksum>{opened}
        <location href="{href}"/><timestamp>1.5</timestamp><size>10</size></data>"""


def parse(tmp_path: Path, *records: str) -> Repomd:
    path = tmp_path / "repomd.xml"
    path.write_text(
        '<?xml version="1.0"?><repomd xmlns="http://linux.duke.edu/metadata/repo">'
        f"<revision>1795</revision>{''.join(records)}</repomd>"
    )
    return parse_repomd(path, repository="os")


def test_records(tmp_path: Path) -> None:
    repomd = parse(tmp_path, record("primary"), record("productid", href="repodata/x-productid", digest=B))

    assert repomd.revision == "1795"
    file = RemoteFile("repodata/primary.xml.gz", "sha256", A, 10)
    assert repomd.primary == Record("primary", file, 20, "sha256", B, timestamp=1)
    assert [one.kind for one in repomd.records] == ["primary", "productid"], "unknown kinds are carried along"


def test_a_plain_primary_needs_no_second_checksum(tmp_path: Path) -> None:
    primary = parse(tmp_path, record("primary", opened="<timestamp>1</timestamp>")).primary

    assert (primary.open_size, primary.open_algorithm, primary.open_digest) == (10, "sha256", A)


def test_a_size_may_be_missing(tmp_path: Path) -> None:
    assert parse(tmp_path, record("primary").replace("<size>10</size>", "")).primary.file.size == 0


@pytest.mark.parametrize(
    ("records", "faults"),
    [
        ((), ["it names no primary record"]),
        ((record("primary"), record("primary", href="p")), ["two records are 'primary'"]),
        (
            (record("primary", href="x"), record("other", href="x")),
            ["two records have the location 'x'"],
        ),
        (
            (record("primary"), record("other", href="repodata/repomd.xml")),
            ["a record claims the location 'repodata/repomd.xml'"],
        ),
        (
            (record("primary", href="../x"), record("other", digest="0")),
            ["record 'primary': location '../x' is refused", "record 'other': '0' is not a sha256 checksum"],
        ),
        (
            (record("primary").replace("sha256", "md5", 1),),
            ["record 'primary': checksum type 'md5' is refused"],
        ),
        (
            (record("primary").replace(">20<", ">99999999999999<"),),
            ["open-size 99999999999999 is over the limit"],
        ),
    ],
)
def test_faults(tmp_path: Path, records: tuple[str, ...], faults: list[str]) -> None:
    with pytest.raises(FleetError) as caught:
        parse(tmp_path, *records)
    for fault in faults:
        assert fault in str(caught.value)
    assert str(caught.value).count("os: repodata/repomd.xml: ") == len(faults)
