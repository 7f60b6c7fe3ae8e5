# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run_module fixture tells the truth about a module."""

from __future__ import annotations

import pytest
from ansible.module_utils.basic import AnsibleModule
from unit.harness import RunModule


def greet() -> None:
    """A module: greets `name`, fails for nobody, warns about strangers."""
    module = AnsibleModule(
        argument_spec={"name": {"type": "str", "required": True}}, supports_check_mode=True
    )
    name = module.params["name"]
    if name == "nobody":
        module.fail_json(msg="there is nobody to greet")
    if name == "stranger":
        module.warn("do not talk to strangers")
        module.deprecate("strangers are going away", version="9.0.0", collection_name="osaas.fleet")
    module.exit_json(changed=not module.check_mode, greeting=f"hello {name}", diff_wanted=module._diff)


def test_success_carries_the_data(run_module: RunModule) -> None:
    result = run_module(greet, {"name": "fleet"})

    assert (result.changed, result.failed, result.msg) == (True, False, "")
    assert result.data["greeting"] == "hello fleet"


def test_check_and_diff_mode_reach_the_module(run_module: RunModule) -> None:
    result = run_module(greet, {"name": "fleet"}, check=True, diff=True)

    assert not result.changed
    assert result.data["diff_wanted"] is True


def test_failure_carries_the_message(run_module: RunModule) -> None:
    result = run_module(greet, {"name": "nobody"})

    assert result.failed
    assert result.msg == "there is nobody to greet"


def test_bad_arguments_fail_as_on_a_host(run_module: RunModule) -> None:
    assert run_module(greet, {}).msg == "missing required arguments: name"


def test_a_warning_fails_the_test(run_module: RunModule) -> None:
    with pytest.raises(AssertionError, match=r"unexpected warnings.*do not talk to strangers"):
        run_module(greet, {"name": "stranger"})


def test_allowed_warnings_are_returned_and_forgotten(run_module: RunModule) -> None:
    first = run_module(greet, {"name": "stranger"}, allow_warnings=True)
    second = run_module(greet, {"name": "fleet"})

    assert first.warnings == ("do not talk to strangers",)
    assert first.deprecations == ("strangers are going away",)
    assert second.warnings == ()


def test_warnings_are_seen_after_a_controller_import(run_module: RunModule) -> None:
    import ansible.utils.display  # noqa: F401  (turns this process into a controller)

    assert run_module(greet, {"name": "stranger"}, allow_warnings=True).warnings


def test_a_module_that_never_answers_is_an_error(run_module: RunModule) -> None:
    with pytest.raises(AssertionError, match="returned without exit_json"):
        run_module(lambda: None, {})


def test_a_module_is_found_by_name(run_module: RunModule) -> None:
    result = run_module("ansible.modules.ping", {"data": "pong"})

    assert result.data["ping"] == "pong"
