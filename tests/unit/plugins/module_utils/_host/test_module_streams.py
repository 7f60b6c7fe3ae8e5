# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dnf 4 and dnf 5 write about modules, read back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.module_streams import module_streams

INI = "[{0}]\nname={0}\nstream={1}\nprofiles=common\nstate={2}\n"
TOML = """\
version = "1.0"
[modules]
nodejs = {enabled_stream = "18", installed_profiles = ["common"], state = "Enabled"}
perl = {enabled_stream = "", installed_profiles = [], state = "Disabled"}
ruby = {enabled_stream = "", installed_profiles = [], state = "Available"}
"""
dnf5_has = pytest.mark.skipif(sys.version_info < (3, 11), reason="no system with dnf 5 has this Python")


def test_dnf4(tmp_path: Path) -> None:
    for name, stream, state in (("nodejs", "18", "enabled"), ("perl", "", "disabled"), ("ruby", "3", "")):
        (tmp_path / f"{name}.module").write_text(INI.format(name, stream, state))
    (tmp_path / "README").write_text("no module")
    assert module_streams(dnf5=False, directory=tmp_path) == ("-perl", "nodejs:18")
    assert module_streams(dnf5=False, directory=tmp_path / "none") == ()
    broken = tmp_path / "x.module"
    broken.write_text("stream=18\n")
    with pytest.raises(HostError) as caught:
        module_streams(dnf5=False, directory=tmp_path)
    assert str(caught.value) == f"{broken}: does not tell module streams. Have dnf write it again"


@dnf5_has
def test_dnf5(tmp_path: Path) -> None:
    file = tmp_path / "modules.toml"
    assert module_streams(dnf5=True, file=file) == ()
    file.write_text(TOML)
    assert module_streams(dnf5=True, file=file) == ("-perl", "nodejs:18")


@dnf5_has
@pytest.mark.parametrize(
    "text", ["[modules", "version = '1.0'", "[modules]\nperl = 1", "[modules.perl]\nstate = 'x'"]
)
def test_a_file_of_dnf5_that_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "modules.toml"
    file.write_text(text)
    with pytest.raises(HostError) as caught:
        module_streams(dnf5=True, file=file)
    assert str(caught.value) == f"{file}: does not tell module streams. Have dnf write it again"
