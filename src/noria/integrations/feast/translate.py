"""From a Feast repository to the draft of a Noria project. What cannot be said here is noted, never dropped.

A plain feature view is newest values with a ttl: each of its features becomes `latest`. Views keep their names
and features theirs, so that a client which asks for `driver_hourly_stats:conv_rate` goes on being answered.
Feast's `created_timestamp_column` becomes `ingested_at`: when a row could be known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from noria.integrations.feast.aggregations import aggregated
from noria.integrations.feast.draft import Draft, DraftColumn, DraftFeature, DraftGroup, DraftSource, DraftView
from noria.integrations.feast.model import DataSource, Field, Repository, Service, View
from noria.integrations.feast.naming import class_name, identifier, unused
from noria.integrations.feast.places import local_path, note_place, types_of
from noria.integrations.feast.spelling import ANNOTATIONS, duration

_DUMMY = "__dummy_id"
"""Feast's join key of a view without an entity."""


def translate(repository: Repository, root: Path) -> Draft:
    """The draft of a project that says the same; `root` is the Feast repository's folder."""
    return _Translation(repository, root).draft


@dataclass
class _Made:
    """A source already drafted, the data source it is of, and the types that its columns have in Feast."""

    source: DraftSource
    batch: DataSource
    types: dict[str, str]


class _Translation:
    """The draft as it grows, with the names given so far."""

    def __init__(self, repository: Repository, root: Path) -> None:
        self.root = root
        self.draft = Draft(identifier(repository.project))
        self.names: dict[str, str] = {}
        for view in repository.views:
            self.names[view.name] = self._named(f"view {view.name}", view.name, self.names.values())
        self.made: dict[str, _Made] = {}
        for view in repository.views:
            self._view(view)
        for service in repository.services:
            self._service(service)
        for kind, name in repository.others:
            self.draft.note(f"{kind} {name}", _OTHERS.get(kind, "has no counterpart here"))

    def _named(self, what: str, name: str, taken: Iterable[str]) -> str:
        """A name that Python takes and nobody has; the reader is told when it is another one."""
        made = unused(identifier(name), taken)
        if made != name:
            self.draft.note(what, f"is called {made} here, as Python's names allow")
        return made

    def _view(self, view: View) -> None:
        what = f"view {view.name}"
        batch = _batch(view)
        keys = [key for key in view.keys if key.name != _DUMMY]
        why = _untranslatable(view, batch, keys)
        if why or batch is None:
            self.draft.note(what, f"is left out: {why}")
            return
        named = {key.name for key in keys}  # of a stream's view Feast counts the keys among the features
        features = self._kept(what, [one for one in view.features if one.name not in named])
        if not features and not view.aggregations:
            self.draft.note(what, "is left out: none of its features has a type that can be kept here")
            return
        source = self._source(batch, view)
        entities = tuple(self._column(source, key, nullable=False) for key in keys)
        made = self._features(view, source, features)
        if not made:
            self.draft.note(what, "is left out: none of its features could be said here")
            return
        if view.stream is not None:
            self._stream(what, view.stream, source)
        tags = ", ".join(f"{name}={value}" for name, value in sorted(view.tags.items()))
        about = ". ".join(one for one in (view.description or f"Feast's view {view.name}", tags) if one)
        self.draft.views.append(DraftView(self.names[view.name], source.name, entities, tuple(made), about))

    def _features(self, view: View, source: DraftSource, features: list[Field]) -> list[DraftFeature]:
        if view.kind == "stream" and view.aggregations:
            outputs = {one.name: one.type for one in features}
            inputs = types_of(Path(source.place)) if source.local else {}
            return aggregated(view, outputs, inputs, self.draft, lambda field: self._reference(source, field))
        ttl = f"ttl={duration(view.ttl)}" if view.ttl else "ttl=None"
        made: dict[str, DraftFeature] = {}
        for one in features:
            name = self._named(f"feature {view.name}:{one.name}", one.name, made)
            made[name] = DraftFeature(name, f"noria.latest({self._reference(source, one)}, {ttl})")
        return list(made.values())

    def _kept(self, what: str, fields: list[Field]) -> list[Field]:
        """The fields that a column here can hold; the others are noted, together."""
        left = [one for one in fields if one.type not in ANNOTATIONS]
        if left:
            named = ", ".join(f"{one.name} ({_shown(one.type)})" for one in left)
            self.draft.note(what, f"comes without {named}: no column here can hold such values")
        return [one for one in fields if one.type in ANNOTATIONS]

    def _reference(self, source: DraftSource, field: Field) -> str:
        return f"{source.name}.{self._column(source, field, nullable=True)}"

    def _column(self, source: DraftSource, field: Field, *, nullable: bool) -> str:
        """The name of a column of the source, which gets it when it has not got it yet."""
        known = source.columns.get(field.name)
        if known is None:
            names = [source.event_time.name, *(one.name for one in source.columns.values())]
            name = unused(identifier(field.name), names)
            annotation = ANNOTATIONS[field.type] + (" | None" if nullable else "")
            raw = source.raw_names.get(field.name, field.name)
            known = source.columns[field.name] = DraftColumn(name, raw, annotation)
        elif not nullable:
            plain = known.annotation.removesuffix(" | None")
            source.columns[field.name] = DraftColumn(known.name, known.raw, plain)
        return known.name

    def _source(self, batch: DataSource, view: View) -> DraftSource:
        """The source class of a data source, shared by the views that read it with the same types."""
        typed = {field.name: field.type for field in (*view.keys, *view.features)}
        for one in self.made.values():
            if one.batch == batch and all(one.types.get(field, kind) == kind for field, kind in typed.items()):
                one.types.update(typed)
                return one.source
        name = unused(class_name(batch.name or batch.place), [*self.made, *self.names.values()])
        made = self._new_source(name, batch)
        self.made[name] = _Made(made, batch, typed)
        self.draft.sources.append(made)
        note_place(batch, self.root, self.draft, name)
        return made

    def _new_source(self, name: str, batch: DataSource) -> DraftSource:
        path = local_path(batch, self.root)
        time = batch.mapping.get(batch.timestamp, batch.timestamp)
        raw = {there: here for here, there in batch.mapping.items()}
        return DraftSource(
            name=name,
            event_time=DraftColumn(identifier(time), raw.get(time, time), "datetime"),
            created=raw.get(batch.created, batch.created),
            place=str(path) if path is not None else batch.place,
            local=path is not None and not batch.format,
            is_query=batch.is_query,
            about=f"Feast's source {batch.name or batch.place}",
            raw_names=raw,
        )

    def _stream(self, what: str, stream: DataSource, source: DraftSource) -> None:
        if stream.kind == "PUSH_SOURCE":
            self.draft.note(what, f"is pushed to: send its rows to POST /events, with source {source.name}, instead")
        else:
            kind = stream.kind.removeprefix("STREAM_").capitalize()
            self.draft.note(what, f"is fed by {kind} ({stream.place}): point a stream of {source.name} at it")

    def _service(self, service: Service) -> None:
        views, kept = [], {view.name for view in self.draft.views}
        for one in service.projections:
            name = self.names.get(one.view)
            if name is None or name not in kept:
                self.draft.note(f"service {service.name}", f"asks for {one.view}, which is left out")
                continue
            views.append(name)
            view = next(made for made in self.draft.views if made.name == name)
            asked = {identifier(feature) for feature in one.features}
            if not {feature.name for feature in view.features} <= asked:
                only = ", ".join(one.features)
                self.draft.note(
                    f"service {service.name}", f"takes only {only} of {one.view}; a model takes whole views"
                )
            if one.renamed_keys:
                pairs = ", ".join(f"{key} as {column}" for key, column in sorted(one.renamed_keys.items()))
                self.draft.note(f"service {service.name}", f"looks {one.view} up by {pairs}; say so where a model does")
        taken = [*self.names.values(), *(group.name for group in self.draft.groups), *self.made]
        name = unused(identifier(service.name), taken)
        if views:
            self.draft.groups.append(DraftGroup(name, tuple(dict.fromkeys(views)), service.description))


_OTHERS = {
    "on-demand feature view": "is not translated: its code is Feast's; write it as a @project.feature function",
    "label view": "is not translated: labels are declared with project.label(…), and answers come as POST /feedback",
    "saved dataset": "is not translated: a turn keeps its own training data",
    "validation reference": "is not translated: drift is watched by a model's monitors",
    "permission": "is not translated: say who may do what where the server is started",
}


def _shown(kind: str) -> str:
    return kind.lower().replace("_", " ") or "of no type"


def _batch(view: View) -> DataSource | None:
    """The source with the rows: a push source stands before the one that keeps them."""
    source = view.source if view.source is not None else view.stream
    while source is not None and source.batch is not None:
        source = source.batch
    return source


def _untranslatable(view: View, batch: DataSource | None, keys: list[Field]) -> str:
    if view.disabled:
        return "it is disabled in Feast"
    if view.kind == "derived":
        return "its rows come from a transformation, which is code of Feast's"
    if not keys:
        return "it has no entity"
    if batch is None or not batch.timestamp:
        return "it has no source with a timestamp"
    unkept = [f"{key.name} ({_shown(key.type)})" for key in keys if key.type not in ANNOTATIONS]
    return f"its key is {', '.join(unkept)}, which no column here can be" if unkept else ""
