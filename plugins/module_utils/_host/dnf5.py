# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The adapter for dnf 5: a distro-sync through the `libdnf5` API, from the repos of one release alone."""

from __future__ import annotations

import contextlib
import logging
import typing as t
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError, VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import evr_key, parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import Source
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import nevra
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Demand, Plan, Resolution

try:
    import libdnf5  # type: ignore[import-not-found]
    from libdnf5.rpm import TransactionCallbacks  # type: ignore[import-not-found]
except ImportError:
    libdnf5 = None
    TransactionCallbacks = object

_log = logging.getLogger("osaas.dnf")

_NEVER = -1  # metadata of an immutable release does not expire


class Dnf5Session:
    """See backend.Session. Plugins are not loaded: what they change would differ from host to host."""

    def __init__(self, source: Source, *, offline: bool) -> None:
        if libdnf5 is None:
            raise HostError(
                "has no libdnf5 bindings for Python", where="this host", way_out="Install python3-libdnf5"
            )
        self._source = source
        self._transaction: t.Any = None
        with _errors(source):
            self._base: t.Any = libdnf5.base.Base()
            self._base.load_config()
            conf = self._base.get_config()
            conf.plugins = False
            conf.cachedir = str(source.cache)
            conf.keepcache = True
            conf.cacheonly = "all" if offline else "none"
            conf.best = True
            conf.skip_broken = conf.skip_unavailable = False
            self._base.setup()
            # What would remove them is told by check_removals(), with all that it may not remove.
            self._protected, conf.protected_packages = frozenset(conf.protected_packages), []
            self._add_repositories()
            self._base.get_repo_sack().load_repos()

    def resolve(self, demand: Demand) -> Resolution:
        """See Session.resolve."""
        self._solve(demand, ())
        left = set(demand.bring).difference(_names(self._coming()), _names(self._installed()))
        if left:  # nothing needs them: a person wanted them, or they are kernels
            self._solve(demand, left)
        erased, coming, going = self._doing("REMOVE"), self._coming(), self._going()
        gone = [*erased, *self._obsoleted()]
        plan = Plan(
            install=_names(self._doing("INSTALL")),
            upgrade=_names(self._doing("UPGRADE")),
            downgrade=_names(self._doing("DOWNGRADE")),
            remove=_names(gone),
            reinstall=_names(self._doing("REINSTALL")),
            download_bytes=sum(package.get_download_size() for package in coming if not _cached(package)),
            install_bytes=sum(package.get_install_size() for package in coming)
            - sum(package.get_install_size() for package in going),
        )
        meant = {*_names(self._many_versions()), *demand.drop}
        wanted = {
            package.get_name()
            for package in erased
            if package.get_reason() not in _automatic() and _name(package) not in meant
        }
        lost = {package.get_name() for package in gone if _name(package) not in meant}
        return Resolution(plan, tuple(sorted(wanted)), tuple(sorted(lost & self._protected)))

    def missing(self) -> tuple[str, ...]:
        """See Session.missing."""
        return tuple(sorted(one.get_package_path() for one in self._coming() if not _cached(one)))

    def download(self) -> None:
        """See Session.download."""
        with _errors(self._source):
            self._transaction.download()

    def files(self) -> Mapping[str, tuple[str, ...]]:
        """See Session.files."""
        found: dict[str, list[str]] = {}
        for package in self._coming():
            found.setdefault(package.get_repo_id(), []).append(package.get_package_path())
        return {name: tuple(sorted(files)) for name, files in found.items()}

    def rehearse(self) -> None:
        """See Session.rehearse."""
        with _errors(self._source):
            self._check(self._transaction.test())

    def transact(self) -> None:
        """See Session.transact. What scriptlets print goes to dnf's own log, where `dnf` has it too."""
        log = libdnf5.logger.create_file_logger(self._base, "dnf5.log")
        self._base.get_logger().add_logger(log)
        progress = _Progress(self._transaction)
        with _errors(self._source):
            self._transaction.download()  # compares checksums
            self._transaction.set_description(f"osaas.fleet: distro-sync to {self._source.cache.name}")
            self._transaction.set_callbacks(libdnf5.rpm.TransactionCallbacksUniquePtr(progress))
            self._check(self._transaction.run(), progress.not_unpacked)

    def duplicates(self) -> tuple[str, ...]:
        """See Session.duplicates."""
        return _names(self._duplicated())

    def close(self) -> None:
        """See Session.close. libdnf5 gives back when nothing refers to it any more."""
        self._transaction = self._base = None

    def _add_repositories(self) -> None:
        for one in self._source.repositories:
            conf = self._base.get_repo_sack().create_repo(one.name).get_config()
            conf.baseurl = [one.baseurl]
            conf.gpgkey = [f"file://{key}" for key in one.keys]
            conf.pkg_gpgcheck = conf.repo_gpgcheck = True
            conf.skip_if_unavailable = False
            conf.metadata_expire = _NEVER
            conf.sslverify = True
            conf.sslcacert = self._source.ca

    def _solve(self, demand: Demand, bring: Collection[str]) -> None:
        goal = libdnf5.base.Goal(self._base)
        goal.add_rpm_distro_sync()
        self._leave_newer_kernels(goal)
        self._undo(goal, demand.drop, bring)
        for package in self._offered(demand.again):
            goal.add_rpm_reinstall(package)
        with _errors(self._source):
            goal.set_allow_erasing(True)
            self._transaction = goal.resolve()
            if self._transaction.get_problems() != libdnf5.base.GoalProblem_NO_PROBLEM:
                lines = self._transaction.get_resolve_logs_as_strings()
                raise HostError(_one_line("\n".join(lines)), where="distro-sync")

    def _check(self, result: int, not_unpacked: Collection[str] = ()) -> None:
        """Raises HostError unless `result` is that of a transaction that went well."""
        if result != libdnf5.base.Transaction.TransactionRunResult_SUCCESS:
            lines = [
                libdnf5.base.Transaction.transaction_result_to_string(result).rstrip("."),
                *self._transaction.get_transaction_problems(),
                *self._transaction.get_gpg_signature_problems(),
                *(f"{package} could not be unpacked" for package in not_unpacked),
            ]
            raise HostError(_one_line("\n".join(lines)), where="dnf")

    def _doing(self, action: str) -> list[t.Any]:
        """The packages that the transaction does one thing to."""
        kind = getattr(libdnf5.transaction, f"TransactionItemAction_{action}")
        items = self._transaction.get_transaction_packages()
        return [item.get_package() for item in items if item.get_action() == kind]

    def _coming(self) -> list[t.Any]:
        inbound = libdnf5.transaction.transaction_item_action_is_inbound
        items = self._transaction.get_transaction_packages()
        return [item.get_package() for item in items if inbound(item.get_action())]

    def _going(self) -> list[t.Any]:
        return [*self._doing("REMOVE"), *self._doing("REPLACED")]

    def _obsoleted(self) -> list[t.Any]:
        """What is replaced, and by packages of other names alone."""
        found = []
        for item in self._transaction.get_transaction_packages():
            names = {package.get_name() for package in item.get_replaced_by()}
            if names and item.get_package().get_name() not in names:
                found.append(item.get_package())
        return found

    def _installed(self) -> t.Any:
        query = libdnf5.rpm.PackageQuery(self._base)
        query.filter_installed()
        return query

    def _duplicated(self) -> list[t.Any]:
        query = self._installed()
        query.filter_duplicates()
        query.difference(self._many_versions())
        return list(query)

    def _many_versions(self) -> t.Any:
        query = self._installed()
        query.filter_installonly()
        return query

    def _available(self) -> t.Any:
        query = libdnf5.rpm.PackageQuery(self._base)
        query.filter_available()
        return query

    def _leave_newer_kernels(self, goal: t.Any) -> None:
        """distro-sync never takes back what is installed side by side, be it newer than the release."""
        for package in self._many_versions():
            offered = self._available()
            offered.filter_name([package.get_name()])
            offered.filter_arch([package.get_arch()])
            if offered and all(_version(package) > _version(one) for one in offered):
                self._remove(goal, package)

    def _undo(self, goal: t.Any, drop: Collection[str], bring: Collection[str]) -> None:
        going, coming = self._installed(), self._available()
        going.filter_nevra(sorted(drop))
        for package in going:
            self._remove(goal, package)
        coming.filter_nevra(sorted(bring))
        for package in coming:
            goal.add_rpm_install(package)

    def _remove(self, goal: t.Any, package: t.Any) -> None:
        """An older kernel stays for the reboot to come, or comes back; the limit would count this one too.

        To the solver this one would be the best for the others, and it would insist on it.
        """
        goal.add_rpm_remove(package)
        conf = self._base.get_config()
        conf.protect_running_kernel, conf.installonly_limit, conf.best = False, 0, False

    def _offered(self, names: Collection[str]) -> list[t.Any]:
        """Of what is installed under `names`, the packages that are offered in the same version."""
        installed = self._installed()
        installed.filter_name(list(names))
        offered = self._available()
        offered.filter_nevra([package.get_full_nevra() for package in installed])
        return list(offered)


class _Progress(TransactionCallbacks):  # type: ignore[misc]  # libdnf5 is not typed
    """A line of log when rpm comes to the next package, and when a package or a scriptlet fails."""

    def __init__(self, transaction: t.Any) -> None:
        super().__init__()
        self._transaction = transaction
        self.not_unpacked: list[str] = []

    def elem_progress(self, item: t.Any, amount: int, total: int) -> None:
        """See libdnf5's TransactionCallbacks."""
        what = libdnf5.transaction.transaction_item_action_to_string(item.get_action())
        _log.info("%s of %s: %s %s", amount + 1, total, what, item.get_package().get_full_nevra())

    def unpack_error(self, item: t.Any) -> None:
        """See libdnf5's TransactionCallbacks. rpm goes on; dnf's own log says why it failed."""
        self.not_unpacked.append(_name(item.get_package()))
        _log.error("%s could not be unpacked", self.not_unpacked[-1])

    def script_error(self, item: t.Any, package: t.Any, kind: int, return_code: int) -> None:
        """See libdnf5's TransactionCallbacks."""
        name = libdnf5.rpm.TransactionCallbacks.script_type_to_string(kind)
        said = _one_line(self._transaction.get_last_script_output())
        _log.warning(
            "scriptlet %s of %s ended with %s: %s", name, package.get_name(), return_code, said or "no output"
        )


def _automatic() -> tuple[int, ...]:
    """Reasons that no person is behind."""
    reasons = ("DEPENDENCY", "WEAK_DEPENDENCY", "CLEAN")
    return tuple(getattr(libdnf5.transaction, f"TransactionItemReason_{reason}") for reason in reasons)


def _name(package: t.Any) -> str:
    return nevra(
        package.get_name(),
        int(package.get_epoch()),
        package.get_version(),
        package.get_release(),
        package.get_arch(),
    )


def _version(package: t.Any) -> t.Any:
    return evr_key(parse_nevra(_name(package), where="repo metadata"))


def _names(packages: Iterable[t.Any]) -> tuple[str, ...]:
    return tuple(sorted(map(_name, packages)))


def _cached(package: t.Any) -> bool:
    return bool(package.is_available_locally())  # compares size and checksum


@contextlib.contextmanager
def _errors(source: Source) -> Iterator[None]:
    """Tell what libdnf5 raises in the collection's own words."""
    try:
        yield
    except Exception as error:  # its classes have none above them all, and some releases raise RuntimeError
        if type(error).__module__ != "libdnf5.exception" and not isinstance(error, RuntimeError):
            raise
        text = _one_line(str(error))
        if "PGP" in text or "GPG" in text:
            keys = sorted({Path(key).name for one in source.repositories for key in one.keys})
            raise VerificationError(
                text, where="repo metadata", way_out=f"Only these keys may have signed it: {', '.join(keys)}"
            ) from error
        if type(error).__name__.startswith("Repo"):
            raise HostError(
                text, where="repo metadata", way_out="Is the store reachable from this host?"
            ) from error
        raise HostError(text, where="dnf") from error


def _one_line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
