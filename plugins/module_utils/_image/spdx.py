# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A software bill of materials: SPDX 2.3, as JSON."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from urllib.parse import quote

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.installed import InstalledPackage

NOTHING = "NOASSERTION"
UNSAID = "(none)"
IMAGE = "SPDXRef-Image"
ADVISORY = "https://www.cve.org/CVERecord?id="


def bill_of_materials(image: Finished, packages: Sequence[InstalledPackage]) -> dict[str, t.Any]:
    """The document. CVEs are those that advisories or a package's own changelog say it has fixed."""
    created = datetime.fromtimestamp(image.epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    digests = {package.nevra: package.sha256 for package in image.built.packages}
    told = [_package(package, digests, image.built.cves.get(package.nevra, ())) for package in packages]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{image.name}-{image.built.snapshot}",
        "documentNamespace": f"urn:uuid:{image.uuid('spdx')}",
        "creationInfo": {"created": created, "creators": ["Tool: osaas.fleet"]},
        "packages": [_image(image), *told],
        "relationships": [
            _relation("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE),
            *(_relation(IMAGE, "CONTAINS", package["SPDXID"]) for package in told),
        ],
    }


def _image(image: Finished) -> dict[str, t.Any]:
    return {
        "SPDXID": IMAGE,
        "name": image.name,
        "versionInfo": image.built.snapshot,
        "primaryPackagePurpose": "OPERATING-SYSTEM",
        "downloadLocation": NOTHING,
        "filesAnalyzed": False,
        "comment": f"SHA-256 of all that is in it: {image.digest}",
    }


def _package(
    package: InstalledPackage, digests: Mapping[str, str], advised: Sequence[str]
) -> dict[str, t.Any]:
    cves = sorted({*advised, *package.changelog_cves})
    digest = digests.get(package.nevra)
    return {
        "SPDXID": f"SPDXRef-Package-{re.sub('[^A-Za-z0-9.-]', '-', package.nevra)}",
        "name": package.name,
        "versionInfo": f"{package.epoch}:{package.version}-{package.release}",
        "supplier": NOTHING if package.vendor == UNSAID else f"Organization: {package.vendor}",
        "downloadLocation": NOTHING,
        "filesAnalyzed": False,
        "licenseDeclared": NOTHING,
        "licenseComments": f"The package says: {package.licence}",
        "summary": package.summary,
        "sourceInfo": f"built from {package.source}",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": _purl(package),
            },
            *(
                {
                    "referenceCategory": "SECURITY",
                    "referenceType": "advisory",
                    "referenceLocator": f"{ADVISORY}{cve}",
                    "comment": f"{cve} is fixed",
                }
                for cve in cves
            ),
        ],
        **({"checksums": [{"algorithm": "SHA256", "checksumValue": digest}]} if digest else {}),
        **({} if package.url == UNSAID else {"homepage": package.url}),
    }


def _purl(package: InstalledPackage) -> str:
    """A package URL, type rpm: https://github.com/package-url/purl-spec."""
    epoch = f"&epoch={package.epoch}" if package.epoch else ""
    version = quote(f"{package.version}-{package.release}", safe="")
    return f"pkg:rpm/{quote(package.name, safe='')}@{version}?arch={package.arch}{epoch}"


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
