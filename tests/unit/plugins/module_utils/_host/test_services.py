# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that are images: what is done to which, in what order, and what a run that failed leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError, VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._host import service_swap
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.check import Check
from ansible_collections.osaas.fleet.plugins.module_utils._host.service_files import ServicePaths, UnitFiles
from ansible_collections.osaas.fleet.plugins.module_utils._host.service_images import (
    remove_others,
    unit_in_image,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.services import (
    Service,
    Steps,
    service_of,
    steps_to,
    unit_text,
)

UNIT = "[Service]\nExecStart=/usr/bin/one\n"


def service(name: str, digit: str) -> Service:
    return Service(name, f"{name}-2026112{digit}T000000Z", digit * 64)


OLD, NEW, OTHER = service("one", "1"), service("one", "2"), service("two", "3")


@dataclass
class Systemd:
    """Has every unit active, but those whose text holds a word of `bad` fail; counts what it is told."""

    files: UnitFiles
    bad: str = "no such word"
    commands: list[Sequence[str]] = field(default_factory=list)

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        self.commands.append(tuple(argv))
        if argv[:2] == ["systemctl", "show"]:
            text = self.files.text(argv[-1])
            state = "inactive" if text is None else "failed" if self.bad in text else "active"
            return Completed(0, f"ActiveState={state}\nInvocationID=1\n", "")
        return Completed(0, "it broke\nfor good\n" if argv[0] == "journalctl" else "", "")

    def warn(self, message: str) -> None:
        raise AssertionError(message)

    def told(self) -> list[Sequence[str]]:
        """What changed something, in order."""
        return [one for one in self.commands if one[1] in ("stop", "daemon-reload", "restart")]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_swap, "_SETTLES", 0.0)


@pytest.fixture
def files(tmp_path: Path) -> UnitFiles:
    found = UnitFiles(ServicePaths(tmp_path))
    for one in (OLD, NEW, OTHER):
        put_image(found.paths, one, UNIT)
    return found


def put_image(paths: ServicePaths, one: Service, unit: str) -> None:
    path = paths.tree(one.digest) / "usr/lib/systemd/system" / one.unit
    path.parent.mkdir(parents=True)
    path.write_text(unit)


def on_disk(files: UnitFiles) -> dict[str, str]:
    """Every file and link of the units."""
    top = files.paths.units[0]
    return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}


def test_steps_are_a_difference_of_sets() -> None:
    assert steps_to({}, [OTHER, OLD]) == Steps(start=(OLD, OTHER))
    assert steps_to({"one": OLD, "two": OTHER}, [NEW]) == Steps(swap=(NEW,), stop=(OTHER,))
    assert steps_to({"one": OLD}, [OLD]) == Steps(kept=(OLD,))


def test_a_unit_says_which_service_it_is() -> None:
    text = unit_text(OLD, UNIT, Path("/tree"))
    assert text == (
        "[Service]\nExecStart=/usr/bin/one\n\n"
        "# Added by osaas.fleet.host_config.\n"
        "[Service]\nRootDirectory=/tree\nMountAPIVFS=yes\nProtectSystem=strict\nStateDirectory=one\n"
        "BindReadOnlyPaths=-/etc/machine-id -/etc/resolv.conf -/etc/hosts\n\n"
        f"[X-Osaas]\nRelease=one-20261121T000000Z\nDigest={'1' * 64}\n"
    )
    assert service_of("one.service", text) == OLD
    assert service_of("one.service", UNIT) is None
    assert service_of("one.service", f"{text}\n[Unit]\n") is None


@pytest.mark.parametrize("line", ["RootDirectory=/", " RootImage = /x", "[X-Osaas]"])
def test_a_unit_of_an_image_may_not_name_its_root(line: str) -> None:
    with pytest.raises(VerificationError) as caught:
        unit_text(OLD, f"{UNIT}{line}\n", Path("/tree"))
    assert str(caught.value) == (
        f"release one-20261121T000000Z: one.service has {line.strip()}. "
        "The host says where a service has its root: leave it out of the image's unit"
    )


def test_all_is_changed_with_one_reload(files: UnitFiles) -> None:
    systemd = Systemd(files)
    service_swap.commit(systemd, files, Steps(start=(OLD, OTHER)), [])
    assert files.current() == {"one": OLD, "two": OTHER}
    assert sorted(on_disk(files)) == [
        "multi-user.target.wants/one.service",
        "multi-user.target.wants/two.service",
        "one.service",
        "two.service",
    ]
    service_swap.settle(files)
    systemd.commands.clear()
    service_swap.commit(systemd, files, Steps(swap=(NEW,), stop=(OTHER,)), [])
    assert files.current() == {"one": NEW}
    assert systemd.told() == [
        ("systemctl", "stop", "two.service"),
        ("systemctl", "daemon-reload"),
        ("systemctl", "restart", "one.service"),
    ]


def test_one_that_does_not_start_brings_all_back(files: UnitFiles) -> None:
    service_swap.commit(Systemd(files), files, Steps(start=(OLD,)), [])
    service_swap.settle(files)
    before = on_disk(files)
    with pytest.raises(HostError) as caught:
        service_swap.commit(Systemd(files, bad=NEW.digest), files, Steps(start=(OTHER,), swap=(NEW,)), [])
    assert str(caught.value) == (
        "services: not changed, all is as it was: one.service is failed: it broke | for good. "
        "Mend the image of the service, or its health check, and run this again"
    )
    assert on_disk(files) == before and not files.paths.pending.exists()


def test_one_that_was_down_before_is_told_too(files: UnitFiles) -> None:
    service_swap.commit(Systemd(files), files, Steps(start=(OLD,)), [])
    with pytest.raises(HostError) as caught:
        service_swap.commit(Systemd(files, bad="ExecStart"), files, Steps(swap=(NEW,)), [])
    assert str(caught.value) == (
        "services: not changed, but it is not as it was either (one.service is failed: it broke | for good): "
        "one.service is failed: it broke | for good. "
        "Mend the image of the service, or its health check, and run this again"
    )


def test_a_worse_health_check_brings_all_back(files: UnitFiles, tmp_path: Path) -> None:
    check = Check("there", "file", {"path": str(tmp_path / "etc/systemd/system/one.service"), "contains": ""})
    service_swap.commit(Systemd(files), files, Steps(start=(OLD,)), [])
    with pytest.raises(HostError, match=r"^services: not changed, all is as it was: there: "):
        service_swap.commit(Systemd(files), files, Steps(stop=(OLD,)), [check])
    assert files.current() == {"one": OLD}


def test_a_check_that_the_host_had_before_may_stay_bad_but_a_new_one_may_not(
    files: UnitFiles, tmp_path: Path
) -> None:
    check = Check("there", "file", {"path": str(tmp_path / "not there"), "contains": ""})
    service_swap.commit(Systemd(files), files, Steps(start=(OLD,)), [check], [check])
    with pytest.raises(HostError, match=r"^services: not changed, all is as it was: there: "):
        service_swap.commit(Systemd(files), files, Steps(swap=(NEW,)), [check], [])
    assert files.current() == {"one": OLD}


def test_what_a_killed_run_left_is_put_back(files: UnitFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    service_swap.commit(Systemd(files), files, Steps(start=(OLD,)), [])
    service_swap.settle(files)
    assert not service_swap.finish(Systemd(files), files)
    before = on_disk(files)
    for point in ("stop", "daemon-reload", "restart", "show"):

        def die(self: Systemd, argv: Sequence[str], point: str = point, **kw: object) -> Completed:
            if argv[1] == point:
                raise KeyboardInterrupt
            return Completed(0, "", "")

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Systemd, "run", die)
            service_swap.commit(Systemd(files), files, Steps(start=(OTHER,), stop=(OLD,)), [])
        systemd = Systemd(files)
        assert service_swap.finish(systemd, files), point
        assert on_disk(files) == before and not files.paths.pending.exists(), point
        assert ("systemctl", "restart", "one.service") in systemd.commands, point


def test_a_unit_of_the_host_is_never_replaced(files: UnitFiles, tmp_path: Path) -> None:
    path = tmp_path / "usr/lib/systemd/system/one.service"
    path.parent.mkdir(parents=True)
    path.write_text(UNIT)
    with pytest.raises(HostError) as caught:
        service_swap.commit(Systemd(files), files, Steps(start=(OLD,)), [])
    message = (
        "one.service: is a unit that the host has already. "
        "Give the service another name, or remove what brings that unit"
    )
    assert str(caught.value) == message
    path.unlink()
    own = files.paths.units[0] / "one.service"
    own.parent.mkdir(parents=True)
    own.write_text(UNIT)
    with pytest.raises(HostError) as caught:
        service_swap.commit(Systemd(files), files, Steps(start=(OLD,)), [])
    assert str(caught.value) == message and own.read_text() == UNIT


def test_an_image_host_keeps_units_for_its_next_boots(files: UnitFiles, tmp_path: Path) -> None:
    assert files.paths.config == tmp_path / "var/lib/osaas/config"
    (tmp_path / "run/osaas").mkdir(parents=True)
    (tmp_path / "run/osaas/booted.json").write_text(json.dumps({"digest": "0" * 64}))
    service_swap.commit(Systemd(files), files, Steps(start=(OLD,)), [])
    kept = tmp_path / "run/osaas/data/identity/systemd/system"
    assert (kept / "multi-user.target.wants/one.service").read_text() == files.text("one.service")
    assert files.paths.config == tmp_path / "run/osaas/data/config"


def test_an_image_must_bring_the_unit_itself(files: UnitFiles, tmp_path: Path) -> None:
    (tmp_path / "three.service").write_text(UNIT)
    three = Service("three", "three-20261122T000000Z", "1" * 64)
    tree = files.paths.tree(OLD.digest)
    (tree / "usr/lib/systemd/system/three.service").symlink_to(tmp_path / "three.service")
    for name in ("three", "four"):
        with pytest.raises(VerificationError) as caught:
            unit_in_image(tree, Service(name, three.release, three.digest))
        assert str(caught.value) == (
            f"release three-20261122T000000Z: its image has no file /usr/lib/systemd/system/{name}.service. "
            "Put the unit into the image, or name the service as its unit is named"
        )


def test_images_that_nothing_needs_go(files: UnitFiles) -> None:
    (files.paths.images / f".{'9' * 64}").mkdir()
    remove_others(files.paths, [NEW])
    assert [path.name for path in files.paths.images.iterdir()] == [NEW.digest]
