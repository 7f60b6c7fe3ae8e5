# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What events alone tell: how every rollout and every host that was ever touched stands, and who is down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import states

# Failed, and charged until an operator answers for it.
CHARGED = (*states.FAILED, states.RETRY)


@dataclass
class Story:
    """States of rollouts by number, of their hosts that were touched, and why hosts are unavailable."""

    rollouts: dict[int, str] = field(default_factory=dict)
    hosts: dict[tuple[int, str], str] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Any]) -> Story:
        """From rows of the table `event`, oldest first."""
        story = cls()
        for event in events:
            outcome = event.outcome.partition(":")[0]
            if event.what.endswith(" rollout"):
                number = int(event.subject.removeprefix("rollout "))
                story.rollouts[number] = "superseded" if event.what == "supersede rollout" else outcome
            elif event.what in ("claim", "record", "expire"):
                state = states.CLAIMED if event.what == "claim" else outcome
                story._move(event.inputs["rollout"], event.subject, state)
            elif event.what == "exempt" and event.inputs["waived"]:
                story._waive(event.subject)
            else:
                assert event.what in ("enrol", "exempt"), f"an event of an unknown kind: {event.what}"
        return story

    def _move(self, rollout: int, host: str, state: str) -> None:
        self.hosts[rollout, host] = state
        if state in states.SERVING:
            self.unavailable.pop(host, None)
        elif state == states.CLAIMED:
            self.unavailable.setdefault(host, state)
        elif state in (*states.DISRUPTED, *CHARGED):
            self.unavailable[host] = state

    def _waive(self, host: str) -> None:
        for number, state in self.rollouts.items():
            if state in states.UNFINISHED and self.hosts.get((number, host)) in CHARGED:
                untouched = self.hosts[number, host] in (states.HELD, states.RETRY)
                self.hosts[number, host] = states.EXEMPT if untouched else states.WAIVED
        if self.unavailable.get(host) in CHARGED:
            del self.unavailable[host]
