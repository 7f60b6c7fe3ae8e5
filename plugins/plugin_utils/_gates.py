# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Ask gates from the controller: over HTTP, of Prometheus, by a command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
import typing as t
from collections.abc import Mapping, Sequence
from urllib.error import HTTPError
from urllib.parse import urlencode

from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.urls import open_url
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import gatekeeping, gates
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy
from ansible_collections.osaas.fleet.plugins.module_utils._module import Option

try:
    import jmespath
except ImportError:
    jmespath = None  # type: ignore[assignment]  # _search() says so

Headers = Mapping[str, Mapping[str, str]]
# By the gates' names. They come with every run, as the ledger keeps no secrets.
GATE_HEADERS: Option = {"type": "dict", "default": {}, "no_log": True}

_MOST = 1 << 20  # bytes of an answer
_PAUSE = 1.0  # seconds between two tries of a gate


class NoAnswer(Exception):
    """The gate could not be asked; why, in one line, without secrets."""


def keep_gates(ledger: Ledger, rollout: int, headers: Headers, *, who: str) -> bool:
    """Ask the gates that are due, if any are, and write down what they say; whether any were."""
    with ledger.write() as connection:
        due = gatekeeping.due(connection, rollout, now=time.time())
    if due is None:
        return False
    asked = [ask(gate, headers.get(gate.name, {})) for gate in due.gates]
    with ledger.write() as connection:
        gatekeeping.keep(connection, due, asked, who=who, now=time.time())
    return True


def check_gates(policy: Policy, headers: Headers) -> None:
    """Raises InputError for an expression that is none, and for headers of a gate that the policy lacks."""
    for gate in policy.gates:
        if isinstance(gate.check, gates.HttpCheck):
            try:
                _search(gate.check.expression, None)
            except NoAnswer as error:
                raise InputError(str(error), where=f"policy.gates {gate.name}") from None
    known = [gate.name for gate in policy.gates]
    for name in headers:
        if name not in known:
            way_out = f"Known are {', '.join(known) or 'none'}"
            raise InputError(f"{name!r} is no gate of the policy", where="gate_headers", way_out=way_out)


def ask(gate: gates.Gate, headers: Mapping[str, str]) -> gatekeeping.Asked:
    """The gate's answer; a broken one is asked for again as often as the gate says."""
    begun = time.monotonic()
    for retries in range(gate.retries, -1, -1):
        try:
            answer = _once(gate, headers)
        except NoAnswer as error:
            answer = gates.Answer(gates.BROKEN, str(error))
        if answer.outcome != gates.BROKEN or not retries:
            break
        time.sleep(_PAUSE)
    return gatekeeping.Asked(gate, _without(answer, headers.values()), time.monotonic() - begun)


def _once(gate: gates.Gate, headers: Mapping[str, str]) -> gates.Answer:
    check = gate.check
    if isinstance(check, gates.CommandCheck):
        return gates.judge_status(*_run(check.argv, gate.timeout))
    if isinstance(check, gates.HttpCheck):
        return gates.judge_value(check, _search(check.expression, _fetch(check.url, headers, gate.timeout)))
    # https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
    url = f"{check.url.rstrip('/')}/api/v1/query?{urlencode({'query': check.query})}"
    return gates.judge_samples(check, _samples(_fetch(url, headers, gate.timeout)))


def _fetch(url: str, headers: Mapping[str, str], timeout: float) -> t.Any:
    """The JSON document there. Redirects are not followed: they would take the headers along."""
    deadline = time.monotonic() + timeout
    try:
        with open_url(
            url, headers=dict(headers), timeout=timeout, follow_redirects="none", http_agent="osaas.fleet"
        ) as answer:
            body = b""
            while chunk := answer.read1(1 << 16):
                body += chunk
                if len(body) > _MOST:
                    raise NoAnswer(f"the answer is longer than {_MOST} bytes")
                if time.monotonic() > deadline:
                    raise NoAnswer(f"no whole answer within {timeout:g} s")
    except HTTPError as error:
        with error:
            raise NoAnswer(f"HTTP status {error.code}{_said(error)}") from None
    except TimeoutError:
        raise NoAnswer(f"no answer within {timeout:g} s") from None
    except (OSError, ValueError) as error:
        raise NoAnswer(" ".join(str(error).split())) from None
    try:
        return json.loads(body)
    except ValueError:
        raise NoAnswer("the answer is no JSON") from None


def _said(error: HTTPError) -> str:
    """Why Prometheus refuses a query, if it is Prometheus."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return f": {json.loads(error.read(_MOST))['error']}"
    return ""


def _search(expression: str, document: t.Any) -> t.Any:
    if jmespath is None:
        missing = missing_required_lib("jmespath", reason="on the controller")  # type: ignore[unreachable]
        raise NoAnswer(str(missing))
    try:
        compiled = jmespath.compile(expression)
        return None if document is None else compiled.search(document)
    except ValueError as error:
        raise NoAnswer(f"{expression}: {' '.join(str(error).split())}") from None


def _samples(document: t.Any) -> dict[str, float]:
    """The value of each series, by its labels; of a scalar, by ""."""
    try:
        data = document["data"]
        if document["status"] != "success" or data["resultType"] not in ("vector", "scalar"):
            raise NoAnswer(f"the query gives a {data['resultType']}, not an instant vector")
        if data["resultType"] == "scalar":
            return {"": float(data["result"][1])}
        return {_series(sample["metric"]): float(sample["value"][1]) for sample in data["result"]}
    except (KeyError, IndexError, TypeError, ValueError):
        raise NoAnswer("the answer is none of Prometheus") from None


def _series(labels: Mapping[str, str]) -> str:
    """As Prometheus writes it: name{label="value"}."""
    listed = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__")
    return labels.get("__name__", "") + (f"{{{listed}}}" if listed else "")


def _run(argv: Sequence[str], timeout: float) -> tuple[int, str]:
    """A program's exit status and output. It, and all that it began, is killed after `timeout` seconds."""

    async def run() -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            output, _none = await asyncio.wait_for(process.communicate(), timeout)
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise NoAnswer(f"no end within {timeout:g} s") from None
        return process.returncode or 0, output.decode(errors="replace")

    try:
        status, output = asyncio.run(run())
    except OSError as error:
        raise NoAnswer(f"{argv[0]}: {error.strerror}") from None
    if status < 0:
        raise NoAnswer(f"killed by signal {-status}")
    return status, output


def _without(answer: gates.Answer, secrets: t.Iterable[str]) -> gates.Answer:
    """The answer, should it repeat what it was asked with, without that."""
    hidden = [part for value in secrets for part in (value, value.split(" ")[-1]) if part]

    def clean(text: str) -> str:
        for part in hidden:
            text = text.replace(part, "********")
        return text

    values = answer.values
    if isinstance(values, str):
        values = clean(values)
    elif isinstance(values, dict):
        values = {clean(name): value for name, value in values.items()}
    return gates.Answer(answer.outcome, clean(answer.reason), values)
