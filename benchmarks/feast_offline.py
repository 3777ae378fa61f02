"""Run by Feast's own interpreter: the newest ten values for many requests, from its DuckDB store.

    python feast_offline.py FOLDER > {"version": ..., "cpu": seconds, "wall": seconds}

The folder has `rows.parquet` (entity, at, v0 … v9) and `requests.parquet` (id, entity, asked_at), times in
microseconds UTC; `feast.parquet` (id, v0 … v9) is written beside them.
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import feast
import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float64

FOLDER = Path(sys.argv[1])
(FOLDER / "feature_store.yaml").write_text(
    "project: bench\nprovider: local\nregistry: registry.db\nentity_key_serialization_version: 3\n"
    "offline_store:\n  type: duckdb\n"
)
store = FeatureStore(str(FOLDER))
names = [f"v{number}" for number in range(10)]
thing = Entity(name="thing", join_keys=["entity"], value_type=ValueType.INT64)
view = FeatureView(
    name="values",
    entities=[thing],
    ttl=timedelta(days=10),
    schema=[Field(name=name, dtype=Float64) for name in names],
    source=FileSource(path=str(FOLDER / "rows.parquet"), timestamp_field="at"),
)
store.apply([thing, view])
asked = pq.read_table(FOLDER / "requests.parquet").rename_columns(["id", "entity", "event_timestamp"]).to_pandas()
asked["event_timestamp"] = asked["event_timestamp"].astype("datetime64[us, UTC]")
started, cpu = time.perf_counter(), time.process_time()
found = store.get_historical_features(entity_df=asked, features=[f"values:{name}" for name in names]).to_df()
taken = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - started}
pq.write_table(pa.Table.from_pandas(found[["id", *names]], preserve_index=False), FOLDER / "feast.parquet")
print(json.dumps({"version": feast.__version__, **taken}))
