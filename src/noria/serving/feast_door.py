"""The question and the answer of Feast's feature server: `POST /get-online-features`.

The JSON is that of feast 0.67 (feature_server.py, ServingService.proto): the join keys first, then the features, each
as a column of values, statuses and event times. Where Feast's answer is an accident, ours is not: the features come in
the order asked for, a value older than its `ttl` is null with OUTSIDE_MAX_AGE (Feast gives the old value), and a null
of an entity that is known has NULL_VALUE, as Feast's protocol says (its Python server says PRESENT). An entity that
nothing is known about has NOT_FOUND, with null or, for a count, 0. Times among the features are whole seconds, as
Feast's are. A model is a feature service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noria.core.clock import Micros, to_datetime
from noria.core.errors import Fault
from noria.core.suggest import did_you_mean
from noria.features.model import BadRequestRow, FeatureSpec
from noria.features.online.events import shown
from noria.features.online.features import OnlineFeatures
from noria.features.online.view_states import Reading
from noria.serving.features_door import MOST_ENTITIES, Catalogue, Lookup
from noria.serving.json_body import as_object, kind_of
from noria.serving.model import BadPayload

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
    entities = _entities(asked.get("entities"), catalogue)
    rows = len(next(iter(entities.values()), ()))
    readings = _read(features, entities, online, now)
    times = {name: [_written(one.event_time) for one in found] for name, found in readings.items()}
    columns = [
        {"values": values, "statuses": ["PRESENT"] * rows, "event_timestamps": [_NEVER] * rows}
        for values in entities.values()
    ]
    for one, spec in features:
        values = [found.values[spec.name] for found in readings[one.view.name]]
        moments = times[one.view.name]
        statuses = _statuses(spec, values, readings[one.view.name], now, known=_NEVER not in moments)
        values = _as_seconds(values) if spec.dtype == "time" else values
        columns.append({"values": values, "statuses": statuses, "event_timestamps": moments})
    return {"metadata": {"feature_names": [*entities, *names]}, "results": columns}


def _read(
    features: Asked, entities: Mapping[str, Sequence[Any]], online: OnlineFeatures, now: Micros
) -> dict[str, list[Reading]]:
    faults: list[Fault] = []
    asked: dict[str, tuple[Lookup, list[tuple[Any, ...]]]] = {}
    for name, one in {one.view.name: one for one, _ in features}.items():
        missing = [key for key in one.keys if key not in entities]
        if missing:
            raise BadPayload(f"entities lacks {missing[0]!r}", hint=f"view {name} is of {', '.join(one.keys)}")
        chosen = [
            dict(zip(one.keys, row, strict=True)) for row in zip(*(entities[key] for key in one.keys), strict=True)
        ]
        asked[name] = one, one.entities(chosen, "entities", faults)
    if faults:
        each = list(dict.fromkeys(faults))
        raise BadRequestRow("the request", shown(each), hint="an entity's values have the types of its columns")
    return {name: online.read_many(one.view, wanted, now) for name, (one, wanted) in asked.items()}


def _statuses(
    spec: FeatureSpec, values: Sequence[Any], readings: Sequence[Reading], now: Micros, *, known: bool
) -> list[str]:
    """What each value is: the meanings are those of FieldStatus in ServingService.proto. `known`: every entity is."""
    told = ["PRESENT"] * len(values)
    if known and None not in values:
        return told
    for place, (value, one) in enumerate(zip(values, readings, strict=True)):
        if one.event_time is None:
            told[place] = "NOT_FOUND"
        elif value is None:
            old = spec.ttl is not None and now - one.event_time > spec.ttl
            told[place] = "OUTSIDE_MAX_AGE" if old else "NULL_VALUE"
    return told


def _as_seconds(values: Sequence[Any]) -> list[Any]:
    """Times as Feast has them: whole seconds since 1970."""
    seconds = 1_000_000
    return [
        [one // seconds for one in value] if isinstance(value, list) else None if value is None else value // seconds
        for value in values
    ]


def _written(moment: Micros | None) -> str:
    return _NEVER if moment is None else rfc3339(moment)


def rfc3339(moment: Micros) -> str:
    """A moment as Feast writes it: no fraction, thousandths or millionths, as few as it takes.

    >>> rfc3339(1_500_000), rfc3339(-1)
    ('1970-01-01T00:00:01.500Z', '1969-12-31T23:59:59.999999Z')
    """
    text = to_datetime(moment).isoformat()[:19]
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
    return [catalogue.of_feature(_named(number, ref)) for number, ref in enumerate(refs)]


def _named(number: int, ref: Any) -> str:
    if not isinstance(ref, str):
        raise BadPayload(
            f"features[{number}] is {kind_of(ref)}, not the name of a feature", hint="write `view:feature`"
        )
    if ref.count(":") != 1:
        raise BadPayload(f"{ref[:80]!r} names no feature", hint="write `view:feature`")
    return ref


def _entities(entities: Any, catalogue: Catalogue) -> dict[str, list[Any]]:
    """The columns of the entities, in the order given: like Feast's, the answer begins with all of them."""
    found = as_object(entities, "entities")
    for name in found.keys() - catalogue.keys:
        guess = did_you_mean(name[:80], catalogue.keys)
        raise BadPayload(
            f"no view here is of {name[:80]!r}", hint=guess or f"there are {', '.join(sorted(catalogue.keys))}"
        )
    lists = {name: values for name, values in found.items() if isinstance(values, list)}
    if len(lists) < len(found):
        raise BadPayload("entities is an object of arrays, one for each key", hint='{"driver_id": [1001, 1002]}')
    if len({len(values) for values in lists.values()}) > 1:
        raise BadPayload("the arrays of entities have different lengths", hint="one value a row in each")
    if any(len(values) > MOST_ENTITIES for values in lists.values()):
        raise BadPayload("the body has too many entities", hint=f"ask for at most {MOST_ENTITIES} at a time")
    return lists
