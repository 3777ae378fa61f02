"""DVC's outputs as versions of data, and versions of data as DVC's outputs.

Coming: an output's folder is committed as it lies beside its metafile; where it was never checked out it is first put
there from the cache, by hard links. What was committed is then held against the MD5 that DVC knows. Going: the
objects are linked into DVC's cache, the list of the folder and the metafile are written, and `dvc checkout` does the
rest. No file is read twice for it, since a version knows the MD5 of every file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from noria.core.errors import BadInput, Corrupt
from noria.data.versions.exchange import Brought, Exchange, Given
from noria.data.versions.model import Entry, Snapshot, shown
from noria.data.versions.operations import commit, manifest_of
from noria.data.versions.places import object_store
from noria.integrations.dvc.cache import Cache, Listed, _linked
from noria.integrations.dvc.metafiles import Output, read_outputs, safe_parts, write_metafile
from noria.workspace.workspace import Workspace


def read(ws: Workspace, place: str | Path) -> list[Brought]:
    """Commit every output that a `.dvc` file or a `dvc.lock` names; each is a dataset of its path's last part.

    Raises BadMetafile, NotFound for content that is not in the cache, Corrupt for content that is not what DVC says,
    and whatever a commit raises.
    """
    path = Path(place).absolute()
    cache, brought = Cache.above(path), []
    for output in read_outputs(path):
        place = path.parent / output.path
        files = _files(cache, output)
        folder = place if output.is_folder else place.parent / f"{place.name}.data"
        notes = [] if _there(folder, files) else [f"put there from the cache: {folder}"]
        for one in files if notes else ():
            _put(cache.find(one.md5, legacy=output.legacy), folder.joinpath(*one.parts))
        made = commit(ws, folder.absolute(), place.name if output.is_folder else place.stem)
        if not output.legacy:
            _compare(ws, made.snapshot, files, folder)
        else:
            notes.append("of DVC 2, whose MD5 is of changed line ends: not compared")
        brought.append(Brought(folder, made, tuple(notes)))
    return brought


def write(ws: Workspace, snapshot: Snapshot, place: str | Path, name: str | None = None, mode: str = "") -> Given:
    """Make a snapshot an output of a DVC repository, which is made when there is none: `NAME.dvc`, and its cache.

    Without a name it is called as the dataset is. There is but one mode: an output of that name is replaced.

    Links and empty folders are left out, since DVC has none; a name that is no UTF-8 cannot be told. Raises BadInput.
    """
    if mode:
        raise BadInput(f"an output of DVC has no mode {mode!r}", hint="leave it out: what is there is replaced")
    repository, name = Path(place), snapshot.dataset.rpartition("/")[2] if name is None else name
    if safe_parts(name) is None or "/" in name:
        raise BadInput(f"{name!r} cannot be the name of an output", hint="write a plain name, such as raw")
    _prepare(repository)
    cache, store = Cache(repository), object_store(ws)
    _, entries = manifest_of(ws, snapshot)
    kept = [entry for entry in entries if entry.kind in ("file", "program")]
    for entry in kept:
        cache.keep_file(Path(store.at(entry.blake3)), entry.md5.hex())
    md5 = cache.keep_list([(_told(entry), entry.md5.hex()) for entry in kept])
    metafile = repository / f"{name}.dvc"
    write_metafile(metafile, md5, sum(entry.size for entry in kept), len(kept))
    notes = [f"{shown(entry.path)} is a {entry.kind}" for entry in entries if entry.kind in ("link", "folder")]
    return Given(metafile, len(kept), tuple(notes), "check it out with `dvc checkout`")


def _files(cache: Cache, output: Output) -> list[Listed]:
    if output.is_folder:
        return cache.listing(output.md5, legacy=output.legacy)
    return [Listed((Path(output.path).name,), output.md5)]


def _there(folder: Path, files: list[Listed]) -> bool:
    """Whether the output was checked out: its content is compared after the commit, which reads it anyway."""
    return folder.is_dir() and all(folder.joinpath(*one.parts).is_file() for one in files)


def _put(source: Path, target: Path) -> None:
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        _linked(source, target)


def _compare(ws: Workspace, snapshot: Snapshot, files: list[Listed], folder: Path) -> None:
    """Hold what was committed against DVC's MD5. Raises Corrupt, naming the first files that differ."""
    _, entries = manifest_of(ws, snapshot)
    known = {os.fsencode("/".join(one.parts)): one.md5 for one in files}
    wrong = list(_differing(entries, known))
    if wrong:
        said = f"{len(wrong)} files of {folder} are not what DVC says, such as {wrong[0]}"
        hint = "they were changed and not added, or the cache is damaged: see `dvc status`; the commit stays"
        raise Corrupt(said, hint=hint)


def _differing(entries: list[Entry], known: dict[bytes, str]) -> Iterator[str]:
    for entry in entries:
        if entry.kind in ("file", "program") and known.pop(entry.path, None) != entry.md5.hex():
            yield shown(entry.path)
    yield from map(shown, known)


def _told(entry: Entry) -> str:
    try:
        return entry.path.decode()
    except UnicodeDecodeError:
        said = f"DVC cannot name the file {shown(entry.path)}, whose name is no UTF-8"
        raise BadInput(said, hint="rename it, commit, and export that") from None


def _prepare(repository: Path) -> None:
    folder = repository / ".dvc"
    if folder.is_dir():
        return
    (folder / "tmp").mkdir(parents=True)
    in_git = any((one / ".git").exists() for one in (repository.resolve(), *repository.resolve().parents))
    (folder / "config").write_text("" if in_git else "[core]\n    no_scm = True\n")
    (folder / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")


DVC = Exchange("dvc", read, write)
