"""Run by Feast's own interpreter: one entity's ten features from its SQLite store, microseconds of every read.

    python feast_online.py FOLDER READS

Says as JSON {"version": ..., "one": [clock, processor], "hundred": [clock, processor]}.

The folder has `rows.parquet`: `entity`, `at` (UTC), `v0` ... `v9`, one row an entity.
"""

import json
import random
import sys
import time
from datetime import timedelta
from pathlib import Path

import feast
import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float64

FOLDER, READS = Path(sys.argv[1]), int(sys.argv[2])
(FOLDER / "feature_store.yaml").write_text(
    "project: bench\nprovider: local\nregistry: registry.db\nentity_key_serialization_version: 3\n"
    "online_store:\n  type: sqlite\n  path: online.db\noffline_store:\n  type: file\n"
)
store = FeatureStore(str(FOLDER))
thing = Entity(name="thing", join_keys=["entity"], value_type=ValueType.INT64)
view = FeatureView(
    name="values",
    entities=[thing],
    ttl=timedelta(days=36500),
    schema=[Field(name=f"v{number}", dtype=Float64) for number in range(10)],
    source=FileSource(path=str(FOLDER / "rows.parquet"), timestamp_field="at"),
)
store.apply([thing, view])
rows = pd.read_parquet(FOLDER / "rows.parquet")
store.write_to_online_store("values", rows)
names = [f"values:v{number}" for number in range(10)]
draw = random.Random(7)


def reads(entities, times):
    clock, cpu = [], []
    for _ in range(times):
        asked = [{"entity": draw.randrange(len(rows))} for _ in range(entities)]
        started, busy = time.perf_counter_ns(), time.process_time_ns()
        found = store.get_online_features(features=names, entity_rows=asked)
        cpu.append((time.process_time_ns() - busy) / 1000)
        clock.append((time.perf_counter_ns() - started) / 1000)
    answer = found.to_dict()
    assert len(answer["v0"]) == entities
    assert None not in answer["v9"]
    return clock, cpu


reads(1, 20)
print(json.dumps({"version": feast.__version__, "one": reads(1, READS), "hundred": reads(100, max(20, READS // 20))}))
