"""`noria export --edge`: a model as a bundle for other runtimes, and a bundle held against its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from noria.cli.opening import open_stores
from noria.cli.output import counted, say_json, say_table
from noria.core.errors import BadInput

if TYPE_CHECKING:
    from noria.optimization.edge.operations import Checked, Exported


@dataclass(frozen=True)
class Asked:
    """The options that go with --edge."""

    target: str
    output: Path | None
    packed: bool
    int8_within: float
    check: bool
    digest: str


def is_asked(asked: Asked, *, edge: bool) -> bool:
    """Whether this is for the edge. Raises BadInput for options that go with it, given without it."""
    if not edge and (asked.output is not None or asked.packed or asked.check or asked.digest):
        raise BadInput("--output, --zip, --check and --digest go with --edge", hint="noria export MODEL --edge ...")
    if edge and not asked.check and asked.output is None:
        raise BadInput("--edge needs a folder to write", hint=f"noria export {asked.target} --edge --output FOLDER")
    if edge and asked.check and (asked.output is not None or asked.packed):
        raise BadInput("--check writes nothing", hint="leave --output and --zip out")
    return edge


def answer(asked: Asked, project: Path, *, as_json: bool) -> None:
    """Do what was asked, and tell it: without an output the target is a bundle to check."""
    if asked.output is None:
        from noria.optimization.edge.operations import check

        _tell_checked(check(Path(asked.target), digest=asked.digest), as_json=as_json)
        return
    from noria.optimization.edge.operations import export
    from noria.optimization.model import NotServable
    from noria.optimization.operations import load_package
    from noria.registry.resolving import resolve

    ws = open_stores(project)
    version = resolve(ws, asked.target)
    if not version.package:
        raise NotServable(
            f"version {version.number} of {version.model!r} was registered by a client and has no package",
            hint="let `noria run` make a version; a bundle holds what Noria packaged and compared itself",
        )
    made = export(
        ws, load_package(ws, version.package), version.model, version.number, asked.output,
        packed=asked.packed, int8_within=asked.int8_within,
    )  # fmt: skip
    _tell_exported(made, as_json=as_json)


def _tell_exported(made: Exported, *, as_json: bool) -> None:
    about = made.manifest
    if as_json:
        packed = str(made.packed) if made.packed else None
        say_json({"folder": str(made.folder), "packed": packed, "digest": made.digest, "manifest": about})
        return
    rows = [(name, f"{file.bytes:,}", _off(about.graphs[name].largest_difference) if name in about.graphs else "")
            for name, file in about.files.items()]  # fmt: skip
    say_table(f"{about.model} version {about.version} in {made.folder}", ["file", "bytes", "off by"], rows)
    for name, why in about.left_out.items():
        print(f"no {name}: {why}")
    if made.packed:
        print(f"and as {made.packed}")
    print(f"digest {made.digest}")


def _tell_checked(checked: Checked, *, as_json: bool) -> None:
    about = checked.manifest
    if as_json:
        say_json({"model": about.model, "version": about.version, "digest": checked.digest, "rows": checked.rows,
                  "off": checked.off})  # fmt: skip
        return
    rows = [(name, _off(off)) for name, off in checked.off.items()]
    title = f"{about.model} version {about.version}, {counted(len(about.files), 'file')} as the manifest says"
    say_table(title, ["graph", f"off by, on {counted(checked.rows, 'golden row')}"], rows)
    print(f"digest {checked.digest}")


def _off(value: float) -> str:
    return f"{value:.1e}"
