# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package contents as directory trees: unpacked from Debian packages, or written by us."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .bytecode import Compiler
from .cache import DistroError, code, digest, new_directory
from .command import run
from .deb import Deb
from .flavour import Amendment, File, Owner
from .paths import canonical, link_target, member_path, shipped


@dataclass(frozen=True)
class Entry:
    """One path of a package. `mode` is the permission bits; `config`: a person's changes are kept."""

    path: str
    directory: bool = False
    mode: int = 0o644
    user: str = "root"
    group: str = "root"
    config: bool = False


@dataclass(frozen=True)
class Tree:
    """A package's files below `root`, and what to say of each; `key` is the digest of all that made it."""

    key: str
    root: Path
    entries: tuple[Entry, ...]


def unpack(deb: Deb, amendment: Amendment, compiler: Compiler, trees: Path) -> Tree:
    """The tree of a Debian package, moved to merged /usr, amended and byte-compiled. Unpacked once.

    Raises DistroError if the package cannot be read.
    """
    made_by = code("tree.py", "paths.py")
    key = digest(deb.path.name, str(deb.path.stat().st_size), repr(amendment), compiler.key, made_by)
    place = trees / f"{deb.name}-{key}"
    if not place.exists():
        with new_directory(place) as beside:
            root = beside / "root"
            root.mkdir()
            entries = _extract(deb, amendment, root)
            entries += _amend(amendment, root)
            entries += _compile(compiler, root)
            (beside / "entries.json").write_text(json.dumps([asdict(entry) for entry in entries]))
    return _load(place, key)


def write(name: str, content: Amendment, trees: Path, directories: tuple[Entry, ...] = ()) -> Tree:
    """The tree of a package of our own, written once: the files and links of `content` and `directories`."""
    key = digest(name, repr(content), repr(directories), code("tree.py"))
    place = trees / f"{name}-{key}"
    if not place.exists():
        with new_directory(place) as beside:
            root = beside / "root"
            root.mkdir()
            for entry in directories:
                _below(root, entry.path).mkdir(parents=True, exist_ok=True)
            entries = [*directories, *_amend(content, root)]
            (beside / "entries.json").write_text(json.dumps([asdict(entry) for entry in entries]))
    return _load(place, key)


def shared_directories(trees: Iterable[Tree], standard: Mapping[str, int]) -> dict[str, Entry]:
    """The directories of package filesystem: those of several trees, and `standard` ones (path -> mode)."""
    found: dict[str, Entry] = {}
    count: Counter[str] = Counter()
    for tree in trees:
        for entry in tree.entries:
            if entry.directory:
                count[entry.path] += 1
                found.setdefault(entry.path, entry)
    shared = {path: entry for path, entry in found.items() if count[path] > 1}
    shared.update({path: Entry(path, directory=True, mode=mode) for path, mode in standard.items()})
    return dict(sorted(shared.items()))


def _load(place: Path, key: str) -> Tree:
    entries = json.loads((place / "entries.json").read_text())
    return Tree(key, place / "root", tuple(Entry(**entry) for entry in entries))


def _below(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _extract(deb: Deb, amendment: Amendment, root: Path) -> list[Entry]:
    entries: dict[str, Entry] = {}
    try:
        conffiles = _conffiles(deb)
        with _members(deb.path) as members:
            for member in members:
                path = canonical(member_path(member.name))
                left_out = not shipped(path) or path in amendment.omitted
                if not left_out and _place(members, member, _below(root, path), root):
                    owner = amendment.owners.get(path, Owner(member.mode, member.uname, member.gname))
                    kept = path in conffiles
                    entries[path] = Entry(path, member.isdir(), owner.mode, owner.user, owner.group, kept)
    except (DistroError, tarfile.TarError) as error:
        raise DistroError(f"{deb.path}: {error}; delete it and try again") from error
    return list(entries.values())


@contextmanager
def _members(deb: Path) -> Iterator[tarfile.TarFile]:
    """The files of a Debian package, to be read once from the first to the last."""
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader,
        tarfile.open(fileobj=reader.stdout, mode="r|") as members,
    ):
        yield members


def _conffiles(deb: Deb) -> frozenset[str]:
    with tempfile.TemporaryDirectory() as scratch:
        run(["dpkg-deb", "--control", str(deb.path), f"{scratch}/control"])
        listed = Path(scratch, "control", "conffiles")
        lines = listed.read_text().splitlines() if listed.exists() else []
    return frozenset(canonical(line.strip()) for line in lines if line.startswith("/"))


def _place(members: tarfile.TarFile, member: tarfile.TarInfo, target: Path, root: Path) -> bool:
    """Make one member at `target`; False if it is left out (a compatibility link to itself, a device)."""
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.exists():
        if member.issym():  # /bin/x -> /usr/bin/x beside the real /usr/bin/x
            return False
        target.unlink()
    if member.issym():
        target.symlink_to(link_target(member_path(member.name), member.linkname))
    elif member.islnk():
        target.hardlink_to(_below(root, canonical(member_path(member.linkname))))
    elif (content := members.extractfile(member)) is not None:
        with target.open("wb") as stream:
            shutil.copyfileobj(content, stream)
        target.chmod(member.mode)
        os.utime(target, (member.mtime, member.mtime))
    else:
        return False
    return True


def _amend(amendment: Amendment, root: Path) -> list[Entry]:
    """Carry out what `amendment` says of files; return the entries that are new."""
    for path, text in amendment.rewritten.items():
        _below(root, path).write_text(text)
    files = dict(amendment.files)
    for path, original in amendment.copies.items():
        files[path] = File(_below(root, original).read_text(), config=True)
    for path, file in files.items():
        target = _below(root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.text)
        target.chmod(file.mode)
    for path, destination in amendment.links.items():
        target = _below(root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(destination)
    return [Entry(path, mode=file.mode, config=file.config) for path, file in files.items()] + [
        Entry(path, mode=0o777, config=path.startswith("/etc/")) for path in amendment.links
    ]


def _compile(compiler: Compiler, root: Path) -> list[Entry]:
    """Byte-compile the tree's Python modules, so that no file appears (and no `rpm -Va` differs) later."""
    libraries = [path for path in (root / "usr/lib").glob("python3*") if path.is_dir()]
    if not any(next(library.rglob("*.py"), None) for library in libraries):
        return []
    compiler.compile(root, libraries)
    entries = []
    for cache in sorted(path for library in libraries for path in library.rglob("__pycache__")):
        entries.append(Entry(f"/{cache.relative_to(root)}", directory=True, mode=0o755))
        entries += [Entry(f"/{file.relative_to(root)}") for file in sorted(cache.iterdir())]
    return entries
