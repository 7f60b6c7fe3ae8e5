# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""modules.yaml: module streams, cut to the packages that are left.

A package that is modular must never lose its document: without one, dnf takes it for any other package.
"""

from __future__ import annotations

import copy
import re
import typing as t
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import yaml

MODULE = "modulemd"
DEFAULTS = "modulemd-defaults"
DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """One document: its text, byte for byte, and what it says, with every scalar a string."""

    text: str
    raw: dict[str, t.Any]

    @property
    def kind(self) -> str:
        """For example modulemd, modulemd-defaults."""
        return str(self.raw.get("document"))

    @property
    def data(self) -> dict[str, t.Any]:
        """What it says, without its kind and version."""
        data: dict[str, t.Any] = self.raw["data"]
        return data

    @property
    def stream(self) -> tuple[str, str]:
        """Module and stream, either "" if it is not said."""
        return str(self.data.get("name") or self.data.get("module") or ""), str(self.data.get("stream") or "")

    @property
    def artifacts(self) -> list[str]:
        """The NEVRAs of its packages, source packages among them."""
        artifacts = self.data.get("artifacts") if self.kind == MODULE else None
        rpms = artifacts.get("rpms") if isinstance(artifacts, dict) else None
        return rpms if isinstance(rpms, list) else []

    @property
    def identity(self) -> tuple[str, ...]:
        """What no two documents of a repo share."""
        rest = (str(self.data.get(key)) for key in ("version", "context", "arch"))
        return (self.kind, *self.stream, *rest)


def read_modules(source: Path, *, where: str) -> list[Document]:
    """The documents in `source`. Raises UpstreamError if it is no such file."""
    try:
        texts = DOCUMENT.split(source.read_text(encoding="utf-8"))[1:]
        raws = [yaml.load(text, yaml.CBaseLoader) for text in texts]
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise UpstreamError(f"this is not a list of modules: {first}", where=where) from error
    for raw in raws:
        if not isinstance(raw, dict) or not isinstance(raw.get("data"), dict):
            raise UpstreamError("this is not a list of modules: a document has no data", where=where)
    return [Document(f"---{text}", raw) for text, raw in zip(texts, raws)]


def streams(documents: Iterable[Document]) -> dict[str, str]:
    """The module stream (name:stream) of each modular NEVRA."""
    return {rpm: ":".join(document.stream) for document in documents for rpm in document.artifacts}


def cut_modules(
    documents: Sequence[Document],
    kept: Collection[str],
    gone: Collection[str],
    names: Collection[str],
    carried: Iterable[Document] = (),
) -> list[Document]:
    """`documents` for a repo that has the packages `kept` left and lost those `gone` (NEVRAs).

    `names` are those of which no package is left. A stream that lost all of its packages goes, with what
    speaks of it, unless it is among those `carried` into the repo. Packages that a document names but the
    repo never had, such as sources, stay in it.
    """
    there = [document for document in documents if document.kind == MODULE]
    left = [document for document in there if _lives(document, kept, gone)]
    alive = {document.stream for document in (*left, *carried) if document.kind == MODULE}
    lost = {document.stream for document in there} - alive
    out = [_without(document, gone, names) for document in left]
    for document in documents:
        if document.kind == DEFAULTS:
            out += _defaults(document, alive, lost)
        elif document.kind != MODULE and document.stream not in lost:
            out.append(document)
    return out


def carry_modules(documents: Sequence[Document], kept: Collection[str]) -> list[Document]:
    """Those of `documents` that a package in `kept` (NEVRAs) belongs to, with defaults of their modules."""
    carried = [document for document in documents if any(rpm in kept for rpm in document.artifacts)]
    alive = {document.stream for document in carried}
    modules = {module for module, _stream in alive}
    lost = {document.stream for document in documents if document.kind == MODULE} - alive
    for document in documents:
        if document.kind == DEFAULTS and document.stream[0] in modules:
            carried += _defaults(document, alive, lost)
    return carried


def merge_modules(own: Sequence[Document], carried: Iterable[Document]) -> list[Document]:
    """The documents of a repo into which others are carried; its own defaults come first."""
    told = {document.stream[0] for document in own if document.kind == DEFAULTS}
    documents: dict[tuple[str, ...], Document] = {}
    for document in own:
        documents.setdefault(document.identity, document)
    for document in carried:
        if document.kind != DEFAULTS or document.stream[0] not in told:
            documents.setdefault(document.identity, document)
    return list(documents.values())


def _lives(document: Document, kept: Collection[str], gone: Collection[str]) -> bool:
    lost_any = any(rpm in gone for rpm in document.artifacts)
    return not lost_any or any(rpm in kept for rpm in document.artifacts)


def _without(document: Document, gone: Collection[str], names: Collection[str]) -> Document:
    profiles = (document.data.get("profiles") or {}).values()
    if not any(rpm in gone for rpm in document.artifacts) and not any(
        rpm in names for profile in profiles for rpm in profile.get("rpms") or ()
    ):
        return document
    raw = copy.deepcopy(document.raw)
    raw["data"]["artifacts"]["rpms"] = [rpm for rpm in document.artifacts if rpm not in gone]
    for profile in (raw["data"].get("profiles") or {}).values():
        profile["rpms"] = [rpm for rpm in profile.get("rpms") or () if rpm not in names]
    return _written(raw)


def _defaults(
    document: Document, alive: Collection[tuple[str, str]], lost: Collection[tuple[str, str]]
) -> list[Document]:
    """Nothing if no stream of the module is left; else it without the lost ones."""
    module, stream = document.stream
    of_it = {name for of, name in lost if of == module}
    if not of_it:
        return [document]
    if all(of != module for of, _name in alive):
        return []
    raw = copy.deepcopy(document.raw)
    if stream in of_it:
        del raw["data"]["stream"]
    profiles = raw["data"].get("profiles") or {}
    raw["data"]["profiles"] = {name: value for name, value in profiles.items() if name not in of_it}
    return [_written(raw)]


def _written(raw: dict[str, t.Any]) -> Document:
    text = yaml.dump(raw, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=1000)
    return Document(f"---\n{text}...\n", raw)
