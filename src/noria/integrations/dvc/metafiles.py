"""DVC's metafiles: `NAME.dvc` and `dvc.lock` as lists of outputs, and a `NAME.dvc` written.

Format: DVC 3, where an output says `hash: md5`; without it the file is of DVC 2, whose MD5 was taken after line ends
were changed, and whose cache lies elsewhere (dvc.org/doc/user-guide/project-structure/dvc-files).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from noria.core.errors import Fault, FaultyInput

_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_LONGEST = 64 << 20
_DEEPEST = 64


class BadMetafile(FaultyInput):
    """A metafile of DVC does not say what one has to say."""

    code = "N9050"


@dataclass(frozen=True)
class Output:
    """One output: its path beside the metafile, the MD5 of its content (`.dir` for a folder), how it was hashed."""

    path: str
    md5: str
    legacy: bool

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, whose files are listed in an object of the cache."""
        return self.md5.endswith(".dir")


def read_outputs(path: Path) -> list[Output]:
    """The outputs of a `.dvc` file or a `dvc.lock`. Raises BadMetafile with every fault."""
    document = _document(path)
    if path.name == "dvc.lock" or "stages" in document:
        stages = document.get("stages")
        listed = (
            [one for stage in (stages or {}).values() for one in stage.get("outs", ())]
            if isinstance(stages, dict) and all(isinstance(stage, dict) for stage in stages.values())
            else None
        )
    else:
        listed = document.get("outs")
    if not isinstance(listed, list):
        raise BadMetafile(f"the metafile {path}", [Fault("outs", "is no list of outputs")])
    faults: list[Fault] = []
    found = [output for number, one in enumerate(listed) if (output := _output(one, f"outs[{number}]", faults))]
    if faults:
        raise BadMetafile(f"the metafile {path}", faults, hint="is it a file that `dvc add` or `dvc repro` wrote?")
    return found


def write_metafile(path: Path, md5: str, size: int, files: int | None) -> None:
    """A `.dvc` file for one output beside it, of the metafile's name."""
    out: dict[str, Any] = {"md5": md5, "size": size, "hash": "md5", "path": path.name.removesuffix(".dvc")}
    if files is not None:
        out = {"md5": md5, "size": size, "nfiles": files, "hash": "md5", "path": out["path"]}
    path.write_text(yaml.safe_dump({"outs": [out]}, sort_keys=False, allow_unicode=True))


def safe_parts(name: Any) -> tuple[str, ...] | None:
    """The parts of a path that stays below where it is put; None for one that does not, or is none."""
    if not isinstance(name, str) or not name or "\0" in name or "\\" in name:
        return None
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
        return None
    return path.parts or None


def _document(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LONGEST:
            raise BadMetafile(f"the metafile {path}", [Fault("", f"is larger than {_LONGEST >> 20} MiB")])
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Plain)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise BadMetafile(f"the metafile {path}", [Fault("", f"cannot be read: {error}")]) from error
    if not isinstance(document, dict):
        raise BadMetafile(f"the metafile {path}", [Fault("", "is no mapping")])
    return document


class _Plain(yaml.SafeLoader):  # type: ignore[misc]
    """YAML without references: nine lines of them can grow into gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("references are not taken")
        return super().compose_node(parent, index)


def _output(one: Any, place: str, faults: list[Fault]) -> Output | None:
    if not isinstance(one, dict):
        faults.append(Fault(place, "is no mapping"))
        return None
    md5, path = one.get("md5"), one.get("path")
    if not isinstance(md5, str) or not _MD5.fullmatch(md5):
        faults.append(Fault(f"{place}.md5", "is no MD5; outputs in clouds and outputs without a cache are not read"))
        return None
    if safe_parts(path) is None:
        faults.append(Fault(f"{place}.path", "leads out of the folder of its metafile"))
        return None
    return Output(str(path), md5, legacy=one.get("hash") != "md5")
