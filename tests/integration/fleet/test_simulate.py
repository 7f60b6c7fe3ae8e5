# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action rollout_simulate as playbooks call it, and its page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from integration.fleet.steps import ENROL, Ansible, Step


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    return Ansible(tmp_path)


class Needs(HTMLParser):
    """Every address that a page would fetch something from, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href")]


def test_a_fleet_that_does_not_exist_is_played_through_and_shown(ansible: Ansible, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    arguments = {
        "ledger": None,
        "hosts": 2000,
        "policy": {"ladder": "rapid", "max_unavailable": "5%", "error_budget": "2%"},
        "page": str(page),
    }
    (result,) = ansible(Step("rollout_simulate", arguments))
    assert [outcome["failure_rate"] for outcome in result["outcomes"]] == [0.1, 1.0, 10.0, 100.0]
    good, _one, ten, worst = result["outcomes"]
    assert good["state"].startswith("succeeded") and good["done"] + good["broken"] == 2000
    assert ten["state"] != "succeeded" and ten["broken"] > good["broken"]
    assert (worst["state"], worst["done"]) == ("halted", 0)
    assert worst["broken"] <= result["forecast"]["blast_radius"]["hosts"] == 2
    assert max(good["peak_unavailable_by_domain"].values()) == 1
    needs = Needs()
    needs.feed(page.read_text())
    assert needs.addresses == [] and needs.tags.count("svg") == 4 and needs.tags.count("tr") == 5


def test_the_hosts_of_a_ledger_are_not_touched_by_a_simulation(ansible: Ansible) -> None:
    simulation = {"policy": {"max_unavailable": 2}, "failure_rates": [0, 100]}
    _enrolled, result, rollouts = ansible(ENROL, Step("rollout_simulate", simulation), Step("rollout_info"))
    assert [outcome["done"] for outcome in result["outcomes"]] == [4, 0]
    assert result["forecast"]["blast_radius"]["by_domain"] == {"rack-0": 1}
    assert rollouts["msg"] == "ledger: has no rollouts yet"


def test_what_cannot_be_simulated_is_told_in_one_line(ansible: Ansible) -> None:
    both, rate = ansible(
        Step("rollout_simulate", {"hosts": 5}),
        Step("rollout_simulate", {"ledger": None, "hosts": 5, "failure_rates": [1, 101]}),
    )
    assert both["msg"].startswith("ledger, hosts: give one of them, and not both.")
    assert rate["msg"] == "failure_rates[1]: 101 is not a percentage from 0 to 100"
