"""Rows kept as the data folder keeps them, and the features of questions about them."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stations import COLUMNS, INPUTS, TYPES

from noria.data.model import INGESTED_AT, Part
from noria.features import operations as features


@pytest.fixture
def keep():
    """Keep rows with their `ingested_at` as a checked part, as the data folder would."""

    def keep(ws, rows, columns, event_time) -> Part:
        fields = [(column.name, TYPES[column.dtype]) for column in columns]
        ordered = sorted(rows, key=lambda row: (row[event_time], row[INGESTED_AT]))
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(ordered, schema=pa.schema([*fields, (INGESTED_AT, pa.int64())])), sink)
        digest = ws.blobs.put(bytes(sink.getvalue()))
        times, known = [row[event_time] for row in rows], [row[INGESTED_AT] for row in rows]
        return Part(digest, digest, len(rows), min(times), max(times), max(known))

    return keep


@pytest.fixture
def backfill(keep):
    """What `build_part` answers for questions, by question."""

    def backfill(ws, rows, questions) -> dict:
        spine = keep(ws, [{**q, INGESTED_AT: q["asked_at"]} for q in questions], INPUTS.request, "asked_at")
        parts = [keep(ws, rows[start::2], COLUMNS, "at") for start in (0, 1) if rows[start::2]]
        digest = features.build_part(ws, INPUTS, spine, {"Reading": parts}, {})
        table = features.load_features(ws, [digest])
        return {row["question"]: row for row in table.to_pylist()}

    return backfill
