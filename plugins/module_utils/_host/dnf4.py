# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The adapter for dnf 4: a distro-sync through the `dnf` Python API, from the repos of one release alone."""

from __future__ import annotations

import contextlib
import logging
import typing as t
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError, VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import Source
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import nevra
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Demand, Plan, Resolution

try:
    import dnf  # type: ignore[import-not-found]
    import dnf.callback  # type: ignore[import-not-found]
    import dnf.exceptions  # type: ignore[import-not-found]
    import dnf.transaction  # type: ignore[import-not-found]
    from dnf.callback import TransactionProgress
except ImportError:
    dnf = None
    TransactionProgress = object

_log = logging.getLogger("osaas.dnf")

# Of what dnf prints in several lines, those that say nothing.
_HEADS = ("Transaction test error:", "Error Summary", "-------------", "Disk Requirements:")
_NEVER = -1  # metadata of an immutable release does not expire
_AUTOMATIC = ("dependency", "weak-dependency", "clean")  # reasons that no person is behind


class Dnf4Session:
    """See backend.Session. Plugins are not loaded: what they change would differ from host to host."""

    def __init__(self, source: Source, *, offline: bool) -> None:
        if dnf is None:
            raise HostError(
                "has no dnf bindings for Python", where="this host", way_out="Install python3-dnf"
            )
        self._base = dnf.Base()
        self._source = source
        conf = self._base.conf
        conf.read()
        conf.substitutions.update_from_etc(conf.installroot, varsdir=conf.varsdir)
        conf.reposdir = []
        conf.cachedir = str(source.cache)
        conf.keepcache = True
        conf.cacheonly = offline
        conf.best = True
        # What would remove them is told by check_removals(), with all that it may not remove.
        self._protected, conf.protected_packages = frozenset(conf.protected_packages), []
        conf.defaultyes = conf.assumeyes = False
        with _errors(source):
            self._add_repositories()
            self._base.fill_sack()

    def resolve(self, demand: Demand) -> Resolution:
        """See Session.resolve."""
        self._solve(demand, ())
        came = _names(self._base.transaction.install_set)
        left = set(demand.bring).difference(came, _names(self._base.sack.query().installed()))
        if left:  # nothing needs them: a person wanted them, or they are kernels
            self._solve(demand, left)
        by_action: dict[int, list[t.Any]] = {}
        for item in self._base.transaction:
            if item.action in dnf.transaction.FILE_ACTIONS:  # else only the reason to be installed changes
                by_action.setdefault(item.action, []).append(item.pkg)
        erased = by_action.get(dnf.callback.PKG_REMOVE, [])
        gone = [*erased, *by_action.get(dnf.callback.PKG_OBSOLETED, [])]
        incoming = list(self._base.transaction.install_set)
        outgoing = list(self._base.transaction.remove_set)
        plan = Plan(
            install=_names(by_action.get(dnf.callback.PKG_INSTALL, [])),
            upgrade=_names(by_action.get(dnf.callback.PKG_UPGRADE, [])),
            downgrade=_names(by_action.get(dnf.callback.PKG_DOWNGRADE, [])),
            remove=_names(gone),
            reinstall=_names(by_action.get(dnf.callback.PKG_REINSTALL, [])),
            download_bytes=sum(package.downloadsize for package in incoming if not _cached(package)),
            install_bytes=sum(package.installsize for package in incoming)
            - sum(package.installsize for package in outgoing),
        )
        meant = {*_names(self._many_versions()), *demand.drop}
        wanted = {
            package.name
            for package in erased
            if package.reason not in _AUTOMATIC and _name(package) not in meant
        }
        lost = {package.name for package in gone if _name(package) not in meant}
        return Resolution(plan, tuple(sorted(wanted)), tuple(sorted(lost & self._protected)))

    def missing(self) -> tuple[str, ...]:
        """See Session.missing."""
        return tuple(sorted(p.localPkg() for p in self._base.transaction.install_set if not _cached(p)))

    def download(self) -> None:
        """See Session.download."""
        with _errors(self._source):
            self._base.download_packages(list(self._base.transaction.install_set))

    def files(self) -> Mapping[str, tuple[str, ...]]:
        """See Session.files."""
        found: dict[str, list[str]] = {}
        for package in self._base.transaction.install_set:
            found.setdefault(package.reponame, []).append(package.localPkg())
        return {name: tuple(sorted(files)) for name, files in found.items()}

    def rehearse(self) -> None:
        """See Session.rehearse."""
        self._base.conf.tsflags = ["test"]
        with _errors(self._source):
            self._base.do_transaction()

    def transact(self) -> None:
        """See Session.transact."""
        with _errors(self._source):
            self._base.download_packages(list(self._base.transaction.install_set))  # compares checksums
            self._base.do_transaction(_Progress())

    def duplicates(self) -> tuple[str, ...]:
        """See Session.duplicates."""
        return _names(self._duplicated())

    def close(self) -> None:
        """See Session.close."""
        self._base.close()

    def _add_repositories(self) -> None:
        for one in self._source.repositories:
            repo = self._base.repos.add_new_repo(
                one.name,
                self._base.conf,
                baseurl=[one.baseurl],
                gpgkey=[f"file://{key}" for key in one.keys],
                gpgcheck=True,
                repo_gpgcheck=True,
                skip_if_unavailable=False,
                metadata_expire=_NEVER,
                sslverify=True,
                sslcacert=self._source.ca,
            )
            # The keys offered are read from gpgkey, that is from the files of the pin: each of them is meant.
            repo._set_key_import(_AcceptPinnedKeys())

    def _duplicated(self) -> t.Any:
        return self._base.sack.query().installed().duplicated().difference(self._many_versions())

    def _leave_newer_kernels(self) -> None:
        """distro-sync never takes back what is installed side by side, be it newer than the release."""
        available = self._base.sack.query().available()
        for package in self._many_versions():
            offered = available.filter(name=package.name, arch=package.arch)
            if offered and all(package > one for one in offered):
                self._remove(package)

    def _remove(self, package: t.Any) -> None:
        """An older kernel stays for the reboot to come, or comes back; the limit would count this one too.

        To the solver this one would be the best for the others, and it would insist on it.
        """
        self._base.package_remove(package)
        self._base._goal.protect_running_kernel = False  # configuration comes too late for both
        self._base.sack.installonly_limit = 0
        self._base.conf.best = False

    def _solve(self, demand: Demand, bring: Collection[str]) -> None:
        query = self._base.sack.query()
        self._base.reset(goal=True)
        with _errors(self._source):
            self._base.distro_sync()
            self._leave_newer_kernels()
            for package in _among(query.installed(), demand.drop):
                self._remove(package)
            for package in _among(query.available(), bring):
                self._base.package_install(package)
            self._reinstall(demand.again)
            self._base.resolve(allow_erasing=True)

    def _reinstall(self, names: Collection[str]) -> None:
        """Ask for what is installed and offered in the same version; the rest is distro-sync's."""
        installed = self._base.sack.query().installed().filter(name=list(names))
        for package in installed:
            if self._base.sack.query().available().filter(nevra=str(package)):
                self._base.reinstall(str(package))

    def _many_versions(self) -> t.Any:
        installed = self._base.sack.query().installed()
        return installed.filter(provides=list(self._base.conf.installonlypkgs))


class _Progress(TransactionProgress):  # type: ignore[misc]  # dnf is not typed
    """A line of log when rpm comes to the next package; dnf's own log tells of it only when all is over."""

    def __init__(self) -> None:
        super().__init__()
        self._last: tuple[t.Any, ...] = ()

    def progress(
        self, package: t.Any, action: int, ti_done: int, ti_total: int, ts_done: int, ts_total: int
    ) -> None:
        """See dnf.callback.TransactionProgress."""
        now = (action, str(package))
        if now != self._last and action != dnf.transaction.PKG_VERIFY:
            self._last = now
            what = dnf.transaction.ACTIONS.get(action, "action")
            _log.info("%s of %s: %s %s", ts_done, ts_total, what, package)


class _AcceptPinnedKeys:
    """dnf.callback.KeyImport, without needing dnf to be defined."""

    def _confirm(self, id: str, userid: str, fingerprint: str, url: str, timestamp: int) -> bool:  # noqa: A002
        return True


def _name(package: t.Any) -> str:
    return nevra(package.name, package.epoch, package.version, package.release, package.arch)


def _names(packages: Iterable[t.Any]) -> tuple[str, ...]:
    return tuple(sorted(map(_name, packages)))


def _among(query: t.Any, nevras: Iterable[str]) -> list[t.Any]:
    """One of each: several repos may offer it."""
    return [package for name in sorted(nevras) for package in [*query.filter(nevra=name)][:1]]


def _cached(package: t.Any) -> bool:
    return Path(package.localPkg()).is_file() and bool(package.verifyLocalPkg())


@contextlib.contextmanager
def _errors(source: Source) -> Iterator[None]:
    """Tell what dnf raises in the collection's own words."""
    try:
        yield
    except dnf.exceptions.RepoError as error:
        text = _one_line(error)
        if "GPG" in text or "gpg" in text:
            keys = sorted({Path(key).name for one in source.repositories for key in one.keys})
            raise VerificationError(
                text, where="repo metadata", way_out=f"Only these keys may have signed it: {', '.join(keys)}"
            ) from error
        raise HostError(
            text, where="repo metadata", way_out="Is the store reachable from this host?"
        ) from error
    except dnf.exceptions.DepsolveError as error:
        raise HostError(_one_line(error), where="distro-sync") from error
    except dnf.exceptions.Error as error:
        raise HostError(_one_line(error), where="dnf") from error


def _one_line(error: Exception) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    return "; ".join(line for line in lines if line and line not in _HEADS)
