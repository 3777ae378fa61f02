"""Run by Feast's own interpreter: a repository with ten values of each entity in its SQLite online store.

    python feast_server.py FOLDER

The folder has `rows.parquet`: `entity`, `at` (UTC), `v0` ... `v9`, one row an entity. `feast serve` serves it then.
"""

import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float64

FOLDER = Path(sys.argv[1])
(FOLDER / "feature_store.yaml").write_text(
    "project: bench\nprovider: local\nregistry: registry.db\nentity_key_serialization_version: 3\n"
    "online_store:\n  type: sqlite\n  path: online.db\noffline_store:\n  type: file\n"
)
store = FeatureStore(str(FOLDER))
view = FeatureView(
    name="Latest",
    entities=[Entity(name="thing", join_keys=["entity"], value_type=ValueType.INT64)],
    ttl=timedelta(days=36500),
    schema=[Field(name=f"v{number}", dtype=Float64) for number in range(10)],
    source=FileSource(path=str(FOLDER / "rows.parquet"), timestamp_field="at"),
)
store.apply([Entity(name="thing", join_keys=["entity"], value_type=ValueType.INT64), view])
store.write_to_online_store("Latest", pd.read_parquet(FOLDER / "rows.parquet"))
