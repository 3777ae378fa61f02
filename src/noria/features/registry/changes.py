"""What changed between two definitions of a view, in sentences, feature by feature."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import MISSING
from typing import Any

from noria.features.model import FeatureSpec
from noria.features.registry.model import entities_of
from noria.features.registry.wording import about, length, predicate

_DEFAULTS = {one.name: one.default for one in dataclasses.fields(FeatureSpec) if one.default is not MISSING}
_LENGTHS = {"window", "ttl", "hop", "offset"}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Sentences that say what is new, gone, renamed or different; empty when the two mean the same."""
    return [
        *_of_view(before, after), *_of_joins(before, after), *_of_columns(before, after), *_of_features(before, after)
    ]  # fmt: skip


def _of_view(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if entities_of(before) != entities_of(after):
        whose, whose_now = (", ".join(entities_of(one)) for one in (before, after))
        yield f"The entity was {whose} and is {whose_now}: every value is of somebody else."
    for name in sorted({*before, *after} - {"name", "entities", "columns", "features", "joins"}):
        was, now = before.get(name), after.get(name)
        if was != now:
            yield f"The view's {name.replace('_', ' ')} was {_shown(was)} and is {_shown(now)}."


def _of_joins(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Joined sources: what is newly joined, no longer, or joined otherwise."""
    old, new = ({one["source"]: one for one in said.get("joins", [])} for said in (before, after))
    for source in sorted(old.keys() | new.keys()):
        if source not in old:
            yield f"The newest {source} is joined now, by {_pairs(new[source])}."
        elif source not in new:
            yield f"{source} is no longer joined."
        else:
            for sentence in _of_feature(
                *({k: v for k, v in one[source].items() if k != "columns"} for one in (old, new))
            ):
                yield f"The joined {source}: {sentence}."
            yield from _of_columns(old[source], new[source])


def _pairs(join: Mapping[str, Any]) -> str:
    return " and ".join(f"{mine} = {theirs}" for mine, theirs in join["on"])


def _of_columns(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Only columns that both read: what a feature newly reads is said of the feature."""
    old, new = ({one["name"]: one for one in said.get("columns", [])} for said in (before, after))
    for name in sorted(old.keys() & new.keys()):
        for field in sorted(old[name].keys() | new[name].keys()):
            was, now = old[name].get(field), new[name].get(field)
            if was == now:
                continue
            if field == "nullable":
                yield f"Column {name} may {'now' if now else 'no longer'} be null."
            elif field == "dtype":
                yield f"Column {name} was {was} and is {now}."
            else:
                yield f"Column {name}: {field.replace('_', ' ')} was {_shown(was)} and is {_shown(now)}."


def _of_features(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = ({one["name"]: one for one in said["features"]} for said in (before, after))
    gone, come = [name for name in old if name not in new], [name for name in new if name not in old]
    for name in list(gone):
        same = next((other for other in come if _unnamed(new[other]) == _unnamed(old[name])), None)
        if same is not None:
            gone.remove(name)
            come.remove(same)
            yield f"{name} is called {same} now; it means the same."
    for name in old:
        if name in new and old[name] != new[name]:
            yield f"{name}: {'; '.join(_of_feature(old[name], new[name]))}."
    for name in come:
        yield f"{name} is new: {about(new[name])}."
    for name in gone:
        yield f"{name} is gone; it was {about(old[name])}."


def _of_feature(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for field in sorted(old.keys() | new.keys(), key=lambda name: (name != "kind", name)):
        was, now = (one.get(field, _DEFAULTS.get(field)) for one in (old, new))
        if was == now:
            continue
        if field in ("window", "ttl") and was is not None and now is not None:
            verb = "grew" if now > was else "shrank"
            yield f"the {'time to live' if field == 'ttl' else field} {verb} from {length(was)} to {length(now)}"
        elif field == "kind":
            yield f"it was a {was} and is a {now}"
        else:
            yield f"{field.replace('_', ' ')} was {_field(field, was)} and is {_field(field, now)}"


def _field(field: str, value: Any) -> str:
    if field in _LENGTHS and isinstance(value, int):
        return length(value)
    return _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and "op" in value:
        return predicate(value)
    if isinstance(value, list | tuple):
        return " and ".join(_shown(one) for one in value) or "nothing"
    return "not said" if value is None else str(value)


def _unnamed(feature: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in feature.items() if name != "name"}
