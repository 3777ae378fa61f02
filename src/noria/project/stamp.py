"""Whether anything at all has changed since the last run, told without importing the project.

Importing a project imports its machine-learning libraries, which takes longer than everything else an
unchanged `noria run` would do. The stamp is deliberately coarse: any Python file of the project, its TOML
file, any data file's size or time, any installed package. When the stamp differs, the step cache decides
exactly what depends on what.
"""

from __future__ import annotations

import json
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

from noria.core.digest import digest, digest_file

_SKIPPED = {".noria", ".venv", "venv", "__pycache__", ".git"}


def take(root: Path, arguments: dict[str, Any]) -> dict[str, str] | None:
    """The stamp of a project folder as it is now; None when it cannot be told (a source is a query)."""
    code = {str(path.relative_to(root)): digest_file(path) for path in sorted(root.rglob("*.py")) if _ours(path, root)}
    values = {path.name: digest_file(path) for path in sorted(root.glob("*.toml"))}
    data: list[tuple[str, int, int]] = []
    for path in sorted(root.glob("*.toml")):
        for source in tomllib.loads(path.read_text(encoding="utf-8")).get("source", {}).values():
            if not isinstance(source.get("path"), str):
                return None
            data += [_looked_at(file) for file in sorted(root.glob(source["path"]))]
    return {
        "code": digest(code), "values": digest(values), "data": digest(data), "packages": digest(_packages()),
        "arguments": digest(arguments),
    }  # fmt: skip


def matches(home: Path, name: str, now: dict[str, str] | None) -> str | None:
    """What the last run of `name` came to, if nothing has changed since; else None."""
    path = home / "stamps" / f"{name}.json"
    if now is None or not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    return str(kept["result"]) if kept["stamp"] == now else None


def keep(home: Path, name: str, stamp: dict[str, str] | None, result: str) -> None:
    """Remember what a run came to with this stamp."""
    path = home / "stamps" / f"{name}.json"
    if stamp is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"stamp": stamp, "result": result}), encoding="utf-8")
    temporary.replace(path)


def _ours(path: Path, root: Path) -> bool:
    return not _SKIPPED.intersection(path.relative_to(root).parts)


def _looked_at(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns


def _packages() -> list[Any]:
    libraries = {Path(sysconfig.get_paths()[name]) for name in ("purelib", "platlib")}
    ours = Path(__file__).parents[1]
    times = [(str(path), path.stat().st_mtime_ns) for path in sorted(libraries) if path.exists()]
    return [sys.version, times, max(path.stat().st_mtime_ns for path in ours.rglob("*.py"))]
