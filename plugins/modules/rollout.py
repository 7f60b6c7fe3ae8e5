#!/usr/bin/python
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of osaas.fleet.rollout; what it does stands in the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rollout
short_description: Open a rollout of a release, go on with it, or stop it
version_added: "0.1.0"
description:
  - Plans which host gets a release in which wave, and writes the plan into the ledger.
  - Called again for the same release it resumes, whatever happened to the run before. An unfinished
    rollout of another release is superseded.
  - Hosts enrolled meanwhile join in the wave that their cohort says; no other host moves.
  - Without O(release), an operator brings the newest unfinished rollout, or O(rollout), to another
    O(state). Only in state V(running) hosts are started; those in flight always finish.
  - In check mode the plan is made and returned, and nothing is written.
extends_documentation_fragment:
  - osaas.fleet._attributes.CONTROLLER
  - osaas.fleet._attributes.ACTION_GROUP
  - osaas.fleet._ledger
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(running), with O(release), opens a rollout or goes on with it. It does not wake a halted one.
      - V(running), with O(reason) alone, approves a planned rollout, or resumes a paused or halted one.
        Its error budget begins anew.
      - V(planned), with O(release), opens a rollout that starts nobody until it is approved.
      - V(paused) and V(halted) start no more hosts until the rollout is resumed.
      - V(aborted) ends it; hosts stay where they are.
    type: str
    choices: [planned, running, paused, halted, aborted]
    default: running
  leaving:
    description:
      - A release that is taken back. The rollout of O(release) is then only for hosts that have that one, or
        were left half way to it; all others stay what they are.
    type: str
    default: ""
  only:
    description:
      - Names of the hosts that this run may touch, of those that the plan permits; all by default.
      - The rollout itself is always one of the whole fleet.
    type: list
    elements: str
  rollout:
    description: Number of the rollout to bring to another state; the newest unfinished one by default.
    type: int
  gate_headers:
    description:
      - HTTP headers for the gates of the policy, by a gate's name. What is secret about a gate belongs here,
        as a policy is kept in the ledger and shown to everyone.
    type: dict
    default: {}
  pass_gates:
    description:
      - Names of gates that an operator lets pass unasked, at the end of the wave that the rollout is at. For
        O(state=running) with O(reason), and for a rollout that runs as well as for one that they have halted.
    type: list
    elements: str
    default: []
  reason:
    description: Why; mandatory without O(release), and kept as an event.
    type: str
    default: ""
  release:
    description: Id of the release.
    type: str
  kind:
    description: What the release is.
    type: str
    choices: [snapshot, image]
    default: snapshot
  digest:
    description: Digest of the release; needed with O(release). The same id with another digest is refused.
    type: str
  policy:
    description:
      - What the rollout may do; every field may be left out.
      - C(waves), a list of waves in order, each with a C(name) and either C(labels), a dictionary that a
        host's labels must match, or C(percent), the cumulative share of all hosts. The last is 100
        percent. By default hosts labelled C(canary=true), then the rest.
      - C(max_unavailable), how many hosts may be unavailable at once for any reason, as a number or a
        percentage of the fleet, by default V(10%).
      - C(max_unavailable_per_domain), the same for one failure domain, by default V(1).
      - C(error_budget), how many hosts may fail before the rollout halts, by default V(0).
      - C(error_budget_per_wave), the same for the hosts of any one wave, by default no other limit.
      - C(soak), for how many seconds a wave must have been through before the next one opens, by default
        V(0).
      - C(soak_host_hours), for how many hours all hosts of a wave together must have run the release before
        the next one opens, by default V(0). Few hosts tell less, so they take longer.
      - C(gates), a list of checks outside of the ledger that are asked from the controller when a wave is
        through and has soaked, before the next one opens. Each has a C(name), may have C(waves) (the names of
        the waves that it follows, all by default), C(timeout) (V(10) seconds) and C(retries) (V(2), of one
        that cannot be asked), and is of one of three kinds. One that refuses, or cannot be asked, halts the
        rollout. While one holds as too little is known, the next wave stays shut, and it is asked again.
      - A gate with C(http), an address of JSON, and C(expression), in JMESPath, which must be V(true). With
        V(null) the gate holds, with V(false) it refuses. Redirects are not followed.
      - A gate with C(prometheus), the address of such a server, C(query), an instant query, and C(passes), a
        comparison like V('< 0.01') that every sample must fulfil. With fewer C(samples) than so many (V(1))
        the gate holds.
      - A gate with C(command), a list of arguments. Exit status 0 passes, 75 holds, any other refuses.
      - C(cover), names of labels, for example of the operating system, the architecture and the role. The
        first wave must have a host of every combination that there is, or the rollout is refused.
      - C(max_hosts_per_run), how many hosts one run may start, by default as many as the policy permits.
      - C(retry), what is tried again, by the kind of failure (C(unreachable), C(staging), C(drain) or
        C(activation)), each with C(times) and, in seconds, C(after), which doubles with every try. Nothing by
        default. Meanwhile the host stays charged to the disruption budget.
      - C(lease), after how many seconds without news a claimed host is taken for unreachable, by default
        V(3600).
      - C(windows), a list of weekly windows, outside of which no host is started; those in flight finish.
        Each has C(from) and C(until) (for example V('22:00')), C(days) (of V(mon) to V(sun), all by
        default) and C(timezone) (an IANA name, V(UTC) by default). One that ends before it begins ends on
        the next day. Where a clock is changed, the narrowest reading of a window counts.
      - C(freezes), a list of times when no host is started, each with C(from), C(until) (ISO 8601),
        C(reason) and, for times without an offset, C(timezone).
      - C(strict_window), whether a host is started only when the window stays open for C(host_time)
        seconds more, by default V(false) and V(900).
      - C(deadline), in how many seconds every host should have the release, by default V(1209600).
      - C(approval), whether the rollout waits for an operator before it starts anybody, by default
        V(false).
      - C(ladder), a ready-made policy whose fields count where no others are given. V(standard) takes ten
        working days, V(rapid) 24 hours, and V(emergency) 3 hours after its approval.
      - C(salt), a text that decides which cohort a host belongs to, by default empty.
    type: dict
    default: {}
seealso:
  - module: osaas.fleet.claim
  - module: osaas.fleet.rollout_info
author: osaas.fleet contributors (@osaas-fleet)
"""

EXAMPLES = r"""
---
- name: Roll out a snapshot, two hosts at a time and one per rack
  osaas.fleet.rollout:
    ledger: /var/lib/osaas/ledger.db
    release: 20261122T174400Z
    digest: "{{ snapshot.digest }}"
    policy:
      max_unavailable: 2
      max_unavailable_per_domain: 1
  register: osaas_run

- name: Plan an ordinary rollout that starts hosts at night, and nobody over the holidays
  osaas.fleet.rollout:
    ledger: /var/lib/osaas/ledger.db
    release: 20261122T174400Z
    digest: "{{ snapshot.digest }}"
    state: planned
    policy:
      ladder: standard
      windows:
        - {days: [mon, tue, wed, thu], from: "22:00", until: "04:00", timezone: Europe/Berlin}
      freezes:
        - {from: "2026-12-23", until: "2027-01-02", timezone: Europe/Berlin, reason: holidays}

- name: Open the next wave only while the shop is well
  osaas.fleet.rollout:
    ledger: /var/lib/osaas/ledger.db
    release: 20261122T174400Z
    digest: "{{ snapshot.digest }}"
    policy:
      ladder: standard
      gates:
        - name: few errors
          prometheus: https://prometheus.example.com
          query: sum by (site) (rate(shop_errors_total[30m])) / sum by (site) (rate(shop_requests_total[30m]))
          passes: "< 0.01"
        - name: no incident
          http: https://status.example.com/api/incidents
          expression: length(open) == `0`
        - name: an order goes through
          command: [/usr/local/bin/order-something, --dry-run]
      retry:
        staging: {times: 3, after: 60}
    gate_headers:
      few errors:
        Authorization: Bearer {{ prometheus_token }}

- name: Go on without asking Prometheus, which is down
  osaas.fleet.rollout:
    ledger: /var/lib/osaas/ledger.db
    reason: I have looked at the graphs myself
    pass_gates: [few errors]

- name: Approve it
  osaas.fleet.rollout:
    ledger: /var/lib/osaas/ledger.db
    reason: seen and agreed

- name: Stop everything
  osaas.fleet.rollout:
    ledger: /var/lib/osaas/ledger.db
    state: halted
    reason: the shop is slow

- name: Go on
  osaas.fleet.rollout:
    ledger: /var/lib/osaas/ledger.db
    state: running
    reason: it was the database
"""

RETURN = r"""
---
run:
  description: What M(osaas.fleet.claim) and M(osaas.fleet.rollout_record) want to know of this run.
  type: dict
  returned: with O(release)
  sample: {rollout: 3, plan_hash: 9f86d081884c7d65, owner: controller/4f3c/4711/98765}
rollout:
  description:
    - The rollout and its state. With O(release), C(next) says C(when) a run finds work; V(now), V(at) a Unix
      time, V(blocked) until an operator has acted, or not at all as the rollout is V(over), and for what
      C(reason).
  type: dict
  returned: success
  sample:
    id: 3
    release: 20261122T174400Z
    state: running
    reason: ""
    resumed: false
    next: {when: at, at: 1795438800.0, reason: wave canary soaks for 600 s more}
hosts:
  description:
    - Hosts that this run may touch, in order. Those that an earlier run has left in flight come first.
  type: list
  elements: str
  returned: with O(release)
  sample: [web-03, web-01, web-02]
summary:
  description:
    - How many hosts of which wave this run may touch. In check mode, and with O(state=planned), the forecast
      too; it says when the rollout ends, who misses the deadline, and how many hosts it can break at most.
  type: list
  elements: str
  returned: with O(release)
  sample: ["Release 20261122T174400Z to 1 in wave canary, 5 in wave fleet, of 6 hosts"]
serial:
  description:
    - Sizes of consecutive batches of RV(hosts), one for each wave, for the C(serial) of a play with the
      strategy P(ansible.builtin.host_pinned#strategy). Empty when there are no hosts.
  type: list
  elements: int
  returned: with O(release)
  sample: [1, 5]
progress:
  description:
    - How far the rollout is. Its C(waves), how many hosts of the fleet are C(unavailable) of at most
      C(max_unavailable), and how many of the rollout have C(failed) of at most C(error_budget).
  type: dict
  returned: with O(release)
  sample:
    waves: [{name: canary, hosts: 1, done: 1, failed: 0}, {name: fleet, hosts: 5, done: 0, failed: 0}]
    unavailable: 1
    max_unavailable: 2
    failed: 0
    error_budget: 0
"""
