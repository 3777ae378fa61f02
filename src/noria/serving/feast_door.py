"""The question and the answer of Feast's feature server: `POST /get-online-features`.

The JSON is that of feast 0.67 (feature_server.py, ServingService.proto): the join keys first, then the features, each
as a column of values, statuses and event times. Where Feast's answer is an accident, ours is not: the features come in
the order asked for, and a value older than its `ttl` is null with OUTSIDE_MAX_AGE (Feast gives the old value). An
entity that nothing is known about has NOT_FOUND, with null or, for a count, 0. A model is a feature service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noria.core.clock import Micros
from noria.core.errors import Fault
from noria.core.suggest import did_you_mean
from noria.features.model import BadRequestRow, FeatureSpec
from noria.features.online.events import shown
from noria.features.online.features import OnlineFeatures
from noria.features.online.view_states import Reading
from noria.serving.features_door import MOST_ENTITIES, Catalogue, Lookup
from noria.serving.json_body import as_object, kind_of
from noria.serving.model import BadPayload, UnknownView

MOST_FEATURES = 1000
_NEVER = "1970-01-01T00:00:00Z"
_KEYS = ("entities", "features", "feature_service", "full_feature_names", "include_feature_view_version_metadata")
Asked = list[tuple[Lookup, FeatureSpec]]


def answer_feast(body: Any, catalogue: Catalogue, online: OnlineFeatures, now: Micros) -> dict[str, Any]:
    """The answer as Feast's clients read it. Raises BadPayload, BadRequestRow, UnknownModel, UnknownView."""
    asked = as_object(body, "the body")
    for name in asked.keys() - set(_KEYS):
        raise BadPayload(f"there is no {name[:80]!r} here", hint=did_you_mean(name[:80], _KEYS))
    features = _features(asked, catalogue)
    full = asked.get("full_feature_names", False)
    if not isinstance(full, bool):
        raise BadPayload(f"full_feature_names is {kind_of(full)}, neither true nor false")
    names = [f"{one.view.name}__{spec.name}" if full else spec.name for one, spec in features]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadPayload(
            f"two of the features are called {twice!r}", hint="ask for full_feature_names, and for each once"
        )
    entities = _entities(asked.get("entities"))
    keys = list(dict.fromkeys(key for one, _ in features for key in one.keys))
    rows = len(next(iter(entities.values()), ()))
    readings = _read(features, entities, rows, online, now)
    columns = [
        {"values": entities[key], "statuses": ["PRESENT"] * rows, "event_timestamps": [_NEVER] * rows} for key in keys
    ]
    columns += [_column(spec, readings[one.view.name], now) for one, spec in features]
    return {"metadata": {"feature_names": [*keys, *names]}, "results": columns}


def _read(
    features: Asked, entities: Mapping[str, Sequence[Any]], rows: int, online: OnlineFeatures, now: Micros
) -> dict[str, list[Reading]]:
    faults: list[Fault] = []
    found: dict[str, list[Reading]] = {}
    lookups = {one.view.name: one for one, _ in features}
    asked: dict[str, list[tuple[Any, ...]]] = {}
    for name, one in lookups.items():
        missing = [key for key in one.keys if key not in entities]
        if missing:
            raise BadPayload(f"entities lacks {missing[0]!r}", hint=f"view {name} is of {', '.join(one.keys)}")
        chosen = [{key: entities[key][row] for key in one.keys} for row in range(rows)]
        asked[name] = [one.entity(values, f"entities[{row}]", faults) for row, values in enumerate(chosen)]
    if faults:
        raise BadRequestRow("the request", shown(faults), hint="an entity's values have the types of its columns")
    for name, one in lookups.items():
        found[name] = [online.read(one.view, entity, now) for entity in asked[name]]
    return found


def _column(spec: FeatureSpec, readings: Sequence[Reading], now: Micros) -> dict[str, list[Any]]:
    return {
        "values": [one.values[spec.name] for one in readings],
        "statuses": [_status(spec, one, now) for one in readings],
        "event_timestamps": [_NEVER if one.event_time is None else rfc3339(one.event_time) for one in readings],
    }


def _status(spec: FeatureSpec, reading: Reading, now: Micros) -> str:
    if reading.event_time is None:
        return "NOT_FOUND"
    if spec.ttl is not None and now - reading.event_time > spec.ttl:
        return "OUTSIDE_MAX_AGE"
    return "PRESENT"


def rfc3339(moment: Micros) -> str:
    """A moment as Feast writes it: no fraction, thousandths or millionths, as few as it takes.

    >>> rfc3339(1_500_000), rfc3339(-1)
    ('1970-01-01T00:00:01.500Z', '1969-12-31T23:59:59.999999Z')
    """
    from noria.core.clock import to_datetime

    text = to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%S")
    rest = moment % 1_000_000
    if not rest:
        return f"{text}Z"
    return f"{text}.{rest // 1000:03d}Z" if rest % 1000 == 0 else f"{text}.{rest:06d}Z"


def _features(asked: Mapping[str, Any], catalogue: Catalogue) -> Asked:
    service, refs = asked.get("feature_service"), asked.get("features") or []
    if service is not None:
        if not isinstance(service, str):
            raise BadPayload(f"feature_service is {kind_of(service)}, not the name of a model")
        views = [catalogue.of_view(one.view.name) for one in catalogue.of_model(service)]
        return [(one, spec) for one in views for spec in one.view.features]
    if not isinstance(refs, list) or not 0 < len(refs) <= MOST_FEATURES:
        raise BadPayload("features is not a list of `view:feature`", hint=f"1 to {MOST_FEATURES} of them")
    return [_feature(ref, catalogue) for ref in refs]


def _feature(ref: Any, catalogue: Catalogue) -> tuple[Lookup, FeatureSpec]:
    if not isinstance(ref, str) or ref.count(":") != 1:
        raise BadPayload(f"{str(ref)[:80]!r} names no feature", hint="write `view:feature`")
    view, _, name = ref.partition(":")
    one = catalogue.of_view(view)
    for spec in one.view.features:
        if spec.name == name:
            return one, spec
    raise UnknownView(f"feature of view {view}", name[:200], [spec.name for spec in one.view.features])


def _entities(entities: Any) -> dict[str, list[Any]]:
    found = as_object(entities, "entities")
    lists = {name: values for name, values in found.items() if isinstance(values, list)}
    if len(lists) < len(found):
        raise BadPayload("entities is an object of arrays, one for each key", hint='{"driver_id": [1001, 1002]}')
    if len({len(values) for values in lists.values()}) > 1:
        raise BadPayload("the arrays of entities have different lengths", hint="one value a row in each")
    if any(len(values) > MOST_ENTITIES for values in lists.values()):
        raise BadPayload("the body has too many entities", hint=f"ask for at most {MOST_ENTITIES} at a time")
    return lists
