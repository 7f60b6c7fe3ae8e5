# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and versions, compared with what rpm itself says."""

from __future__ import annotations

import random
import subprocess
from itertools import pairwise

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import (
    Nevra,
    compare_evr,
    compare_versions,
    parse_nevra,
)

KNOWN = [
    ("1.0", "1.0", 0),
    ("1.0", "2.0", -1),
    ("2.0.1a", "2.0.1", 1),
    ("5.5p10", "5.5p9", 1),
    ("10xyz", "10.1xyz", -1),
    ("1.05", "1.5", 0),
    ("a", "1", -1),
    ("1_0", "1.0", 0),
    ("1.0~rc1", "1.0", -1),
    ("1.0~rc1~git1", "1.0~rc1", -1),
    ("1.0^", "1.0", 1),
    ("1.0^git1", "1.01", -1),
    ("1.0^git1~pre", "1.0^git1", -1),
    ("9" * 5000, "1" + "0" * 5000, -1),
]


@pytest.mark.parametrize(("one", "other", "order"), KNOWN)
def test_known(one: str, other: str, order: int) -> None:
    assert compare_versions(one, other) == order
    assert compare_versions(other, one) == -order


def test_as_rpm_does() -> None:
    """A thousand random pairs, judged by rpm in one go."""
    dice = random.Random(20261122)
    texts = ["".join(dice.choices("0019ab.~^_", k=dice.randrange(1, 7))) for _ in range(2000)]
    pairs = list(zip(texts[::2], texts[1::2], strict=True))
    calls = "".join(f'print(rpm.vercmp("{one}","{other}").." ")' for one, other in pairs)
    done = subprocess.run(["rpm", "--eval", f"%{{lua:{calls}}}"], capture_output=True, text=True, check=True)
    wrong = [
        (pair, int(order))
        for pair, order in zip(pairs, done.stdout.split(), strict=True)
        if compare_versions(*pair) != int(order)
    ]
    assert not wrong


def test_epoch_then_version_then_release() -> None:
    evrs = [(0, "2", "9"), (1, "1", "1"), (1, "1", "2"), (1, "2", "1")]
    builds = [Nevra("a", *evr, "noarch") for evr in evrs]
    for older, newer in pairwise(builds):
        assert (compare_evr(older, newer), compare_evr(newer, older)) == (-1, 1)


@pytest.mark.parametrize("text", ["python3-lib-0:3.9-1.el9.x86_64", "python3-lib-3.9-1.el9.x86_64"])
def test_names(text: str) -> None:
    nevra = parse_nevra(text, where="here")
    assert nevra == Nevra("python3-lib", 0, "3.9", "1.el9", "x86_64")
    assert str(nevra) == "python3-lib-0:3.9-1.el9.x86_64"


def test_no_name() -> None:
    with pytest.raises(
        InputError, match=r"here: 'bash' is not the name of a package build\. Give it as name-"
    ):
        parse_nevra("bash", where="here")
