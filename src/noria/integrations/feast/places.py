"""Where a Feast source has its rows, and how a Noria project reads the same rows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from noria.integrations.feast.draft import Draft, DraftSource
from noria.integrations.feast.model import DataSource
from noria.integrations.feast.naming import prose

_LONGEST = 4000
_TYPES = (
    (pa.types.is_integer, "INT64"), (pa.types.is_floating, "DOUBLE"), (pa.types.is_boolean, "BOOL"),
    (pa.types.is_timestamp, "UNIX_TIMESTAMP"), (pa.types.is_string, "STRING"), (pa.types.is_large_string, "STRING"),
)  # fmt: skip
_NEAR = 3
"""More steps up than this make a relative path that nobody can read: the absolute one is written."""


def local_path(source: DataSource, root: Path) -> Path | None:
    """The file or folder of a file source, when it is on this machine; None for any other source."""
    place = source.place.removeprefix("file://")
    if source.kind != "BATCH_FILE" or "://" in place or not place.strip() or len(place) > _LONGEST or "\0" in place:
        return None
    return root / place


def types_of(path: Path) -> dict[str, str]:
    """The types of a Parquet file's columns as Feast calls them; nothing of what cannot be read or kept here."""
    files = sorted(path.rglob("*.parquet"))[:1] if path.is_dir() else [path]
    try:
        schema = pq.read_schema(files[0])
    except (OSError, pa.ArrowException, IndexError):
        return {}
    named = ((field.name, next((name for is_of, name in _TYPES if is_of(field.type)), "")) for field in schema)
    return {name: kind for name, kind in named if kind}


def note_place(source: DataSource, root: Path, draft: Draft, name: str) -> None:
    """Say what is to be done about rows that the project cannot read as it is."""
    path, toml = local_path(source, root), f"{draft.name}.toml"
    if source.format:
        draft.note(f"source {source.name}", f"is a {source.format} table; read it with the extra `lake`, see {toml}")
    elif path is not None:
        if not path.exists():
            draft.note(f"source {source.name}", f"its file {source.place} is not there; say in {toml} where it is")
    elif source.kind == "BATCH_FILE":
        draft.note(f"source {source.name}", f"lies at {source.place}; copy it, and say in {toml} where to")
    elif source.is_query or source.kind != "CUSTOM_SOURCE":
        kind = source.kind.removeprefix("BATCH_").lower()
        draft.note(f"source {source.name}", f"is of {kind} ({source.place}); export its rows, or query them: {toml}")
    else:
        draft.note(f"source {source.name}", f"is a source of its author's own; say in {toml} where {name} lies")


def toml_of(source: DraftSource, out: Path) -> list[str]:
    """The `[source.NAME]` table, which says where the rows lie and what they are called there."""
    if source.is_query:
        return [f"query = {_text(_query(source, f'({source.place})'))}", '# database = "postgresql://..."']
    if not source.local:
        return [f"# in Feast: {prose(source.place) or 'not said'}", f'path = "data/{source.name}/*.parquet"']
    pattern = _near(Path(source.place), out)
    if not _renames(source):
        return [f"path = {_text(pattern)}"]
    read = "read_csv" if pattern.endswith(".csv") else "read_parquet"
    return [f"query = {_text(_query(source, f'{read}({_constant(pattern)})'))}"]


def _query(source: DraftSource, rows: str) -> str:
    columns = [source.event_time, *source.columns.values()]
    chosen = [_quoted(one.raw) + ("" if one.raw == one.name else f" AS {_quoted(one.name)}") for one in columns]
    if source.created:
        chosen.append(f"{_quoted(source.created)} AS ingested_at")
    return f"SELECT {', '.join(chosen)}\nFROM {rows}"


def _renames(source: DraftSource) -> bool:
    columns = [source.event_time, *source.columns.values()]
    return bool(source.created) or any(one.raw != one.name for one in columns)


def _near(path: Path, out: Path) -> str:
    found = path.resolve()
    pattern = found / "**" / "*.parquet" if found.is_dir() else found
    relative = Path(os.path.relpath(pattern, out.resolve()))
    return (relative if relative.parts.count("..") <= _NEAR else pattern).as_posix()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _constant(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _text(value: str) -> str:
    """A TOML text: between three quotes when it has several plain lines, else in one line with everything escaped."""
    lines = value.split("\n")
    if len(lines) > 1 and all(line.isprintable() for line in lines):
        return '"""\n' + value.replace("\\", "\\\\").replace('"""', '""\\"') + '"""'
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
