"""A Feast repository with something of everything: what has a counterpart in Noria, and what has none."""

from datetime import timedelta

import pandas as pd
from feast import (
    Entity,
    FeatureService,
    FeatureView,
    Field,
    FileSource,
    KafkaSource,
    PushSource,
    RequestSource,
    StreamFeatureView,
    ValueType,
)
from feast.aggregation import Aggregation
from feast.data_format import JsonFormat
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Bool, Float32, Float64, Int64, String, UnixTimestamp

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
customer = Entity(name="customer", join_keys=["customer"], value_type=ValueType.STRING)
zone = Entity(name="zone", join_keys=["zone"], value_type=ValueType.STRING)

trips = FileSource(
    name="trips",
    path="data/trips.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
)
driver_hourly = FeatureView(
    name="driver_hourly",
    entities=[driver],
    ttl=timedelta(hours=12),
    schema=[
        Field(name="conv_rate", dtype=Float32),
        Field(name="acc_rate", dtype=Float64),
        Field(name="trips_today", dtype=Int64),
        Field(name="status", dtype=String),
        Field(name="active", dtype=Bool),
        Field(name="last_seen", dtype=UnixTimestamp),
        Field(name="tags", dtype=Array(String)),
    ],
    source=trips,
    tags={"team": "drivers"},
    description='What a driver has done "lately" \\ so far',
)
driver_short = FeatureView(
    name="driver_short",
    entities=[driver],
    ttl=timedelta(minutes=90),
    schema=[Field(name="conv_rate", dtype=Float32), Field(name="trips_today", dtype=Int64)],
    source=PushSource(name="pushed_trips", batch_source=trips),
)

pairs = FileSource(
    name="pairs",
    path="data/pairs.parquet",
    timestamp_field="ts",
    field_mapping={"amt": "amount"},
)
driver_customer = FeatureView(
    name="driver_customer",
    entities=[driver, customer],
    ttl=timedelta(days=3),
    schema=[Field(name="amount", dtype=Float64), Field(name="class", dtype=String)],
    source=pairs,
)

zones = FileSource(name="zones", path="data/zones.parquet", timestamp_field="event_timestamp")
zone_state = FeatureView(
    name="zone_state", entities=[zone], ttl=timedelta(0), schema=[Field(name="surge", dtype=Float64)], source=zones
)
everywhere = FeatureView(name="everywhere", entities=[], schema=[Field(name="surge", dtype=Float64)], source=zones)

clicks = KafkaSource(
    name="clicks",
    kafka_bootstrap_servers="localhost:9092",
    topic="clicks",
    timestamp_field="event_timestamp",
    batch_source=trips,
    message_format=JsonFormat(schema_json="driver_id integer, event_timestamp timestamp, conv_rate float"),
)
driver_windows = StreamFeatureView(
    name="driver_windows",
    entities=[driver],
    ttl=timedelta(days=1),
    schema=[
        Field(name="sum_trips_today_3600s", dtype=Int64),
        Field(name="rate_1d", dtype=Float64),
        Field(name="kinds_1d", dtype=Int64),
        Field(name="most", dtype=Int64),
    ],
    source=clicks,
    timestamp_field="event_timestamp",
    aggregations=[
        Aggregation(column="trips_today", function="sum", time_window=timedelta(hours=1)),
        Aggregation(column="conv_rate", function="mean", time_window=timedelta(days=1), name="rate_1d"),
        Aggregation(column="status", function="count_distinct", time_window=timedelta(days=1), name="kinds_1d"),
        Aggregation(column="trips_today", function="max", name="most"),
    ],
)

asked = RequestSource(name="asked", schema=[Field(name="fare", dtype=Float64)])


@on_demand_feature_view(sources=[driver_hourly, asked], schema=[Field(name="worth", dtype=Float64)])
def worth(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"worth": inputs["conv_rate"] * inputs["fare"]})


acceptance = FeatureService(name="acceptance", features=[driver_hourly, zone_state], description="Will it be taken?")
pricing = FeatureService(name="pricing", features=[driver_hourly[["conv_rate"]], driver_customer, worth])
