"""Twenty thousand real flights, replayed in the order in which things could be known: offline = online."""

from __future__ import annotations

from importlib.resources import files
from itertools import groupby

import pyarrow as pa
import pytest

from noria.data import operations as data
from noria.data.model import INGESTED_AT
from noria.features import operations as features
from noria.features.model import input_columns
from noria.features.online import OnlineFeatures
from noria.features.vector import Vectorizer
from noria.project.examples.flights_data import write_flights
from noria.project.load import load
from noria.retraining.scoring import equal
from noria.stores.online_lmdb import LmdbOnlineStore

FLIGHTS = 20_000


@pytest.fixture
def project(tmp_path):
    """The example as `noria init --example flights` writes it, with January alone."""
    template = files("noria.project") / "templates" / "flights"
    (tmp_path / "flights.py").write_text((template / "flights.py.txt").read_text())
    (tmp_path / "flights.toml").write_text((template / "flights.toml").read_text())
    write_flights(tmp_path / "data", months=[1])
    return load(tmp_path)


def events_of(ws, parts, views):
    """Every row of the sources that views need, in the order in which it could be known."""
    rows = [
        (row[INGESTED_AT], source, row)
        for source in sorted({view.source for view in views})
        for row in data.read_parts(ws, parts[source]).to_pylist()
    ]
    return sorted(rows, key=lambda one: one[:2])


def test_twenty_thousand_flights_without_a_mismatch(ws, tmp_path, project):
    model = project.plan.model()
    inputs = model.training.inputs
    parts = {spec.name: data.check(ws, spec, data.take_snapshot(ws, spec)).parts for spec in model.sources}
    asked = data.read_parts(ws, parts[inputs.source]).sort_by([(inputs.asked_at, "ascending")]).slice(0, FLIGHTS)
    events = events_of(ws, parts, inputs.views)
    online = OnlineFeatures(inputs.views, LmdbOnlineStore(tmp_path / "online", map_bytes=1 << 30), tmp_path / "spool")
    vectorizer = Vectorizer(inputs, online, project.functions)

    answered, sent = {}, 0
    for question in asked.to_pylist():
        now, first = question[inputs.asked_at], sent
        while sent < len(events) and events[sent][0] <= now:
            sent += 1
        for source, batch in groupby(events[first:sent], key=lambda one: one[1]):
            online.ingest(source, [row for _, _, row in batch])
        row = {column.name: question[column.name] for column in inputs.request}
        answered[question[inputs.key]] = vectorizer.vector(vectorizer.read(row, now), now)

    built = [features.build_part(ws, inputs, part, parts, project.functions) for part in parts[inputs.source]]
    backfilled = {row[inputs.key]: row for row in features.load_features(ws, built).to_pylist()}
    names = [column.name for column in input_columns(inputs)]
    mismatches = [
        (key, name, row[name], backfilled[key][name])
        for key, row in answered.items()
        for name in names
        if not equal(row[name], backfilled[key][name])
    ]
    assert (len(answered), mismatches[:5]) == (FLIGHTS, [])
    some = pa.Table.from_pylist(list(answered.values()))
    filled = {name: 1 - some[name].null_count / FLIGHTS for name in names}
    assert min(filled[name] for name in ("Airport.mean_delay_3h", "Carrier.late_share_7d", "Sky.visibility")) > 0.8
    assert 0.01 < filled["Aircraft.last_delay"] < 0.9  # most aircraft last landed at another airport, or long ago
    online.close()
