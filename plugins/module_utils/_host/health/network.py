# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Checks that look over the network."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import urlsplit

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.check import Check, Seen, State

_LONGEST_BODY = 1024**2  # bytes that are looked at


def tcp(runner: Runner, check: Check, before: State) -> Seen:
    """Its host accepts connections on its port."""
    with socket.create_connection((check.options["host"], check.options["port"]), timeout=check.timeout):
        return Seen(True, "connected")


def dns(runner: Runner, check: Check, before: State) -> Seen:
    """Its host has an address, as the name service switch of this host sees it."""
    name = check.options["host"]
    limit = ["timeout", f"{check.timeout:g}"]
    done = runner.run([*limit, "getent", "ahosts", name], check=False)
    if done.status != 0:
        return Seen(False, f"{name} has no address" if done.status == 2 else f"{name}: no answer")
    return Seen(True, f"{name} is {done.stdout.split()[0]}")


def web(runner: Runner, check: Check, before: State) -> Seen:
    """Its URL answers as it should."""
    answer, body = _get(check)
    wanted = check.options
    if answer.status != wanted["status"]:
        return Seen(False, f"status {answer.status}, not {wanted['status']}")
    for name, value in (wanted.get("headers") or {}).items():
        if answer.getheader(name) != value:
            return Seen(False, f"header {name} is {answer.getheader(name)!r}, not {value!r}")
    if wanted.get("contains") and wanted["contains"] not in body:
        return Seen(False, f"body lacks {wanted['contains']!r}")
    return Seen(True, "answers", body=body if wanted.get("jmespath") else None)


def _get(check: Check) -> tuple[http.client.HTTPResponse, str]:
    url = urlsplit(check.options["url"])
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(url.netloc, timeout=check.timeout, context=context)
    else:
        connection = http.client.HTTPConnection(url.netloc, timeout=check.timeout)
    try:
        connection.request("GET", f"{url.path or '/'}{'?' if url.query else ''}{url.query}")
        answer = connection.getresponse()
        return answer, answer.read(_LONGEST_BODY).decode("utf-8", errors="replace")
    finally:
        connection.close()
