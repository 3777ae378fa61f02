"""Rows set aside: as they were found, in text, each with where it stood and every reason why it is bad.

The columns of a quarantine are `reason`, `_file`, `_row` (counted from 0), `_check` (`check column`, several
joined by a comma), `_known_at` (null when the row does not tell), and then the declared columns as text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.schema import Schema
from noria.data.checks import RowFault
from noria.data.model import INGESTED_AT, Checked, Problem
from noria.data.normalise import TypedFile
from noria.data.parsing import Mask, as_text
from noria.data.reading import read_blob
from noria.workspace.workspace import Workspace

_OWN = ("reason", "_file", "_row", "_check", "_known_at")


def quarantine_table(ws: Workspace, checked: Checked) -> Any:
    """The quarantined rows of a check as an Arrow table; empty, with the columns of its own, when there are none."""
    if checked.quarantine is None:
        return pa.table({name: pa.array([], pa.string()) for name in _OWN})
    return read_blob(ws.blobs.path(checked.quarantine))


def bad_rows(file: TypedFile, schema: Schema, faults: Sequence[RowFault], bad: Mask) -> Any:
    """The bad rows of one file, malformed lines included; `_file` is left out, as content has no name."""
    rows = np.flatnonzero(bad)
    reasons, checks = _told(faults, rows)
    numbers = rows if file.order is None else np.array(file.order, dtype=np.int64)[rows]
    chosen = pa.array(rows)
    known = file.columns[INGESTED_AT].values.take(chosen)
    text = {name: as_text(file.raw[name].take(chosen)) for name in schema.names}
    return _malformed(file, schema, _table(schema, reasons, checks, pa.array(numbers), known, text))


def set_aside(part: Any, schema: Schema, rows: Any, check: str, column: str, message: str) -> Any:
    """Rows of a part (by number) that are bad for a reason found only when looking at all the files."""
    chosen = part.take(pa.array(rows))
    text = {column.name: _shown(chosen[column.name], column.dtype) for column in schema}
    reasons, checks = [f"{column}: {message}"] * len(rows), [f"{check} {column}"] * len(rows)
    nowhere = pa.nulls(len(rows), pa.int64())  # a part is sorted: the row's place in the raw file is not known
    return _table(schema, reasons, checks, nowhere, chosen[INGESTED_AT].combine_chunks(), text)


def named(table: Any, name: str) -> Any:
    """Rows set aside, with the name of the file they stood in."""
    return table.set_column(1, "_file", pa.array([name] * table.num_rows, pa.string()))


def problems(tables: Sequence[Any], texts: Sequence[str]) -> tuple[Problem, ...]:
    """What is wrong with quarantined rows, summed by check and column, the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for table in tables:
        one = table.group_by("_check", use_threads=False).aggregate([("_check", "count"), ("_row", "min")])
        for checks, count in zip(one["_check"].to_pylist(), one["_check_count"].to_pylist(), strict=True):
            for single in checks.split(","):
                check, _, column = single.partition(" ")
                counts[check, column] += count
                if (check, column) not in first:
                    first[check, column] = _example(table, checks, column, texts)
    return tuple(
        Problem(check, column, count, *first[check, column]) for (check, column), count in counts.most_common()
    )


def _example(table: Any, checks: str, column: str, texts: Sequence[str]) -> tuple[str, str]:
    row = table.filter(pc.equal(table["_check"], checks)).slice(0, 1).to_pylist()[0]
    reasons = row["reason"].split("; ")
    reason = next((one for one in reasons if one.startswith(f"{column}: ")), reasons[0])
    where = row["_file"] if row["_row"] is None else f"{row['_file']} row {row['_row']}"
    shown = f"{where}: {column} = {row[_named(column)]}" if column in texts else where
    return reason.removeprefix(f"{column}: "), shown


def _told(faults: Sequence[RowFault], rows: Any) -> tuple[list[str], list[str]]:
    reasons: list[list[str]] = [[] for _ in rows]
    checks: list[list[str]] = [[] for _ in rows]
    for fault in faults:
        for place in np.flatnonzero(fault.mask[rows]).tolist():
            reasons[place].append(f"{fault.column}: {fault.message}")
            checks[place].append(f"{fault.check} {fault.column}")
    return ["; ".join(one) for one in reasons], [",".join(one) for one in checks]


def _table(
    schema: Schema, reasons: Sequence[str], checks: Sequence[str], rows: Any, known: Any, text: dict[str, Any]
) -> Any:
    own = {
        "reason": pa.array(reasons, pa.string()),
        "_file": pa.nulls(len(reasons), pa.string()),
        "_row": rows.cast(pa.int64()),
        "_check": pa.array(checks, pa.string()),
        "_known_at": known,
    }
    return pa.table(own | {_named(name): text[name] for name in schema.names})


def _malformed(file: TypedFile, schema: Schema, table: Any) -> Any:
    if not file.malformed:
        return table
    lines = file.malformed
    text = {name: pa.nulls(len(lines), pa.string()) for name in schema.names}
    reasons = [f"{line.message}: {line.text[:200]}" for line in lines]
    rows, known = pa.array([line.row for line in lines], pa.int64()), pa.nulls(len(lines), pa.int64())
    return pa.concat_tables([table, _table(schema, reasons, ["malformed "] * len(lines), rows, known, text)])


def _shown(values: Any, dtype: str) -> Any:
    return as_text(values.cast(pa.timestamp("us", tz="UTC")) if dtype == "time" else values)


def _named(column: str) -> str:
    """A declared column's name in a quarantine: one that means something there already gets an underscore."""
    return f"{column}_" if column in _OWN else column
