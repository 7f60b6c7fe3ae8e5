# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""primary.xml: the packages of a repo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError, UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo import hrefs
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import check_digest
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import createrepo_c
from ansible_collections.osaas.fleet.plugins.module_utils._repo.listing import Listed
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package, RemoteFile, Tolerance
from ansible_collections.osaas.fleet.plugins.module_utils._repo.safexml import check_prolog, check_xml

PACKAGE_BYTES = 16 << 30
STRICT = Tolerance()


def parse_primary(
    path: Path, *, repository: str, tolerance: Tolerance = STRICT, baseurl: str = ""
) -> list[Package]:
    """The packages in the unpacked primary.xml at `path`, of a repo at `baseurl`.

    Raises UpstreamError for XML that is none, AllErrors naming every package that breaks a rule that
    `tolerance` does not lift. Of a mutable RPM that was decided about, both builds are listed.
    """
    packages: list[Package] = []
    errors: list[FleetError] = []
    surprises: list[str] = []  # elements of newer formats; no fault, unless there is nothing else

    def take(raw: createrepo_c.Package) -> None:
        try:
            packages.append(_package(raw, tolerance, baseurl, repository=repository))
        except FleetError as error:
            errors.append(error)

    def wonder(_kind: int, message: str) -> None:
        surprises.append(message)

    check_prolog(path, where=f"{repository}: primary")
    try:
        createrepo_c.xml_parse_primary(str(path), pkgcb=take, warningcb=wonder, do_files=0)
    except createrepo_c.CreaterepoCError as error:
        check_xml(path, where=f"{repository}: primary")  # tells a line and a column
        raise UpstreamError(f"this is not a package list: {error}", where=f"{repository}: primary") from error
    if surprises and not packages and not errors:
        raise UpstreamError(f"this is not a package list: {surprises[0]}", where=f"{repository}: primary")
    errors += conflicts(packages, repository=repository, tolerance=tolerance)
    if errors:
        raise AllErrors(errors)
    return packages


def _package(raw: createrepo_c.Package, tolerance: Tolerance, baseurl: str, *, repository: str) -> Package:
    nevra = raw.nevra()
    if not nevra.isprintable() or " " in nevra:
        what = "its name or version has a blank or a control character"
        raise UpstreamError(what, where=f"{repository}: {nevra!r}")
    where = f"{repository}: {nevra}"
    origin = (raw.location_base or "", raw.location_href or "")
    algorithm, digest = check_digest(raw.checksum_type, raw.pkgId, where=where, weak=tolerance.weak_digests)
    address = hrefs.foreign(baseurl, origin, tolerance.foreign_bases)
    if address:
        href = hrefs.brought(address, digest)
    else:
        href = hrefs.check_href(origin[1], raw.location_base, where=where)
    if href.split("/", 1)[0] == "repodata":
        raise UpstreamError(f"location {href!r} is refused: a package has no place in repodata/", where=where)
    if not 0 < raw.size_package <= PACKAGE_BYTES:
        raise UpstreamError(
            f"size {raw.size_package} is not between 1 and {PACKAGE_BYTES} bytes", where=where
        )
    return Package(
        nevra=nevra,
        file=RemoteFile(href, algorithm, digest, raw.size_package, address, hrefs.spelled(href, origin)),
        build=Nevra(raw.name, int(raw.epoch or 0), raw.version, raw.release, raw.arch),
        source=raw.rpm_sourcerpm or "",
        origin=origin,
    )


def mutable(nevra: str, one: Listed | RemoteFile, other: RemoteFile, *, repository: str) -> FleetError:
    """The error about a NEVRA with two digests."""
    return UpstreamError(
        f"one NEVRA has two digests: {one.digest} ({one.href}) and {other.digest} ({other.href})",
        where=f"{repository}: {nevra}",
        way_out="Ask upstream which one is right, and say so in accept_mutable",
    )


def conflicts(
    packages: Sequence[Package], *, repository: str, tolerance: Tolerance = STRICT
) -> Iterable[FleetError]:
    """One NEVRA with two digests (a mutable RPM), one location with two packages or below another one."""
    nevras: dict[str, Package] = {}
    places: dict[str, Package] = {}
    for package in packages:
        first = nevras.setdefault(package.nevra, package)
        if first.file.digest != package.file.digest:
            if tolerance.verdict(package.nevra, {first.file.digest, package.file.digest}):
                continue
            yield mutable(package.nevra, first.file, package.file, repository=repository)
        other = places.setdefault(package.file.href, package)
        if other.file.digest != package.file.digest and first.file.digest == package.file.digest:
            yield UpstreamError(
                f"one location for {other.nevra} and {package.nevra}",
                where=f"{repository}: {package.file.href}",
            )
    both = hrefs.clash(places)
    if both:
        yield UpstreamError("is wanted as a file and as a directory", where=f"{repository}: {both}")
