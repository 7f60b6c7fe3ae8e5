# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Which module streams a person, or dnf for them, enabled on this host, and which modules are disabled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError

try:
    import tomllib
except ImportError:  # Python 3.9 and 3.10, which no system with dnf 5 has
    tomllib = None  # type: ignore[assignment]

_DNF4 = Path("/etc/dnf/modules.d")
_DNF5 = Path("/usr/lib/sysimage/libdnf5/modules.toml")
_WORDS = {"enabled": "{name}:{stream}", "disabled": "-{name}"}  # of the states that count


def module_streams(*, dnf5: bool, directory: Path = _DNF4, file: Path = _DNF5) -> tuple[str, ...]:
    """Sorted: name:stream of an enabled one, -name of a disabled module.

    Raises HostError for a file that tells nothing.
    """
    told = _of_dnf5(file) if dnf5 else _of_dnf4(directory)
    found = (
        _WORDS[state].format(name=name, stream=stream) for name, stream, state in told if state in _WORDS
    )
    return tuple(sorted(found))


def _of_dnf4(directory: Path) -> Iterator[tuple[str, str, str]]:
    for path in directory.glob("*.module"):
        parser = ConfigParser(interpolation=None)
        try:
            parser.read_string(path.read_text(encoding="utf-8"))
        except ConfigError as error:
            raise _broken(path) from error
        for name in parser.sections():
            section = parser[name]
            yield name, section.get("stream", ""), section.get("state", "")


def _of_dnf5(file: Path) -> Iterator[tuple[str, str, str]]:
    if not file.exists() or tomllib is None:
        return
    try:
        modules: Mapping[str, Mapping[str, str]] = tomllib.loads(file.read_text(encoding="utf-8"))["modules"]
        for name, one in modules.items():
            yield name, one["enabled_stream"], one["state"].lower()
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _broken(file) from error


def _broken(path: Path) -> HostError:
    return HostError("does not tell module streams", where=str(path), way_out="Have dnf write it again")
