"""Run by Feast's own interpreter: `ask_feast.py FOLDER URL` asks our server with Feast's client, as if it were Feast's.

Prints JSON: what `get_online_features` gave for a list of features, for a feature service and with full names, what
the online store read for one view, and what became of a name that there is not.
"""

import json
import sys
from pathlib import Path

from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Float64, Int64

FOLDER, URL = Path(sys.argv[1]), sys.argv[2]
FEATURES = ["Airport:mean_delay_1h", "Airport:departures", "Sky:wind_speed", "Sky:visibility"]
ROWS = [{"origin": "JFK"}, {"origin": "EWR"}, {"origin": "nowhere"}]

FOLDER.joinpath("feature_store.yaml").write_text(
    "project: airline\nprovider: local\nregistry: registry.db\nentity_key_serialization_version: 3\n"
    f"online_store:\n  type: remote\n  path: {URL}\noffline_store:\n  type: file\n"
)
store = FeatureStore(str(FOLDER))
origin = Entity(name="origin", join_keys=["origin"], value_type=ValueType.STRING)
source = FileSource(path=str(FOLDER / "departures.parquet"), timestamp_field="left_at")
airport = FeatureView(
    name="Airport",
    entities=[origin],
    schema=[Field(name="mean_delay_1h", dtype=Float64), Field(name="departures", dtype=Int64)],
    source=source,
)


def asked(features, rows, **more):
    return store.get_online_features(features=features, entity_rows=rows, **more).to_dict()


def refused():
    try:
        return asked(["Airport:depatures"], ROWS)
    except Exception as error:
        return str(error)


keys = [EntityKey(join_keys=["origin"], entity_values=[Value(string_val=row["origin"])]) for row in ROWS]
read = store._get_provider().online_read(store.config, airport, keys, ["mean_delay_1h", "departures"])
everything = [{"origin": "JFK", "carrier": "UA", "tailnum": "N1"}]
print(
    json.dumps(
        {
            "features": asked(FEATURES, ROWS),
            "full": asked(FEATURES[:1], ROWS[:1], full_feature_names=True),
            "service": asked(FeatureService(name="lateness", features=[]), everything),
            "read": [
                {name: getattr(value, value.WhichOneof("val") or "", None) for name, value in values.items()}
                for _, values in read
            ],
            "refused": refused(),
        }
    )
)
