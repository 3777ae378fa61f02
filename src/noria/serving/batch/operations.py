"""Answer a whole table: what is needed is settled once, chunks are answered one by one, the output appears whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.errors import NotFound
from noria.data import operations as data
from noria.data.model import Part, SourceSpec
from noria.features.model import InputSet, ViewInput
from noria.optimization.model import NotServable
from noria.optimization.operations import load_package
from noria.registry.model import Version
from noria.registry.operations import alias, get_version, list_versions
from noria.serving.batch.answering import Answerer, Answers
from noria.serving.batch.chunks import Chunk, chunks, count_rows, names_of
from noria.serving.batch.inputs import check_unchanged, pin_input
from noria.serving.batch.job import Job, open_job
from noria.serving.batch.looking_up import Functions
from noria.serving.batch.model import ERROR, PREDICTION, VERSION, Answered, Asked, BadTable, Pinned, Where
from noria.serving.batch.on_ray import answer_on_ray, place_of
from noria.serving.batch.opening import Recipe, open_answerer
from noria.serving.batch.outputs import Output
from noria.serving.batch.typing_rows import check_columns
from noria.workspace.workspace import Workspace

Watch = Callable[[int, int | None], None]
"""Told how many rows are answered, and of how many, where that is known."""


def predict_table(
    ws: Workspace,
    asked: Asked,
    sources: Sequence[SourceSpec],
    functions: Functions,
    *,
    fresh: bool = False,
    replace: bool = False,
    memory: int | None = None,
    on: Where = "here",
    watch: Watch = lambda _done, _total: None,
) -> Answered:
    """Answer every row of a table; a run that was killed goes on after its last chunk, with all that it had settled.

    `sources` are those whose history features are of. `fresh` forgets an unfinished job, `replace` takes the place
    of an output that is there. `memory` limits the address space of a native model's process, in bytes. The output
    has the key, the moment, `asked.columns`, then `prediction`, `version` and `error`: a row that the endpoint would
    refuse is there too, with the reason in place of a prediction.
    With `on` "ray" a Ray cluster answers the chunks; a job begun here may go on there, and the other way round.
    Nothing is written to the prediction log.

    Raises OutputThere, BadOutput, OtherJob, Conflict when another process is at it, NotFound for a model, alias or
    source that is not there, NotServable for a version without a package, WorkerFailed or WorkerDied for a native
    model that cannot be opened or dies too often, HandsLost by Ray, UnfitTable, BadTable, UnreadableFile, DataRefused,
    StorageFull.
    """
    output = Output(asked.target)
    job = open_job(output.job)
    try:
        if (fresh or not job.begun) and not replace:
            output.refuse_to_replace()
        if fresh:
            job.clear()
        answered = _run(ws, job, output, asked, sources, functions, memory, on, watch)
        job.remove()
        return answered
    except BaseException:
        if not job.done() and not output.published(job):  # nothing is lost, and the next one may ask otherwise
            job.remove()
        raise
    finally:
        job.close()


def _run(
    ws: Workspace,
    job: Job,
    output: Output,
    asked: Asked,
    sources: Sequence[SourceSpec],
    functions: Functions,
    memory: int | None,
    on: Where,
    watch: Watch,
) -> Answered:
    pinned = job.pinned(asked)
    if pinned is None:
        pinned = _settled(ws, asked, sources)
        job.begin(asked, pinned)
    elif output.published(job):
        return _told(asked, pinned, output, output.parts(), len(output.parts()), ())
    check_unchanged(pinned.pieces)
    inputs = load_package(ws, pinned.package).inputs
    names = names_of(pinned.pieces)
    carried = _carried(asked, inputs, names)
    recipe = Recipe(pinned, tuple(names), tuple(carried), memory)
    done = resumed = job.done()
    reasons: dict[str, None] = {}
    answerer = open_answerer(ws, recipe, functions)
    try:
        check_columns(names, answerer.needed, f"{asked.source} for {asked.model} ({pinned.lookup} features)")
        columns = [one for one in names if one in {*carried, *(column.name for column in answerer.needed)}]
        total = count_rows(pinned.pieces)
        watch(min(done * asked.rows, total or done * asked.rows), total)
        left = _some(pinned, columns, asked.rows, done)
        place = None if on == "here" else place_of(ws, recipe, inputs, functions)
        for number, first, answers in _here(answerer, left) if place is None else answer_on_ray(place, left):
            job.keep(number, answers.table)
            reasons.update(dict.fromkeys(answers.reasons))
            done = number + 1
            watch(first + answers.table.num_rows, total)
    finally:
        answerer.close()
    answered = _told(asked, pinned, output, [job.part(number) for number in range(done)], resumed, tuple(reasons)[:5])
    output.publish(job, done)
    return answered


def _here(answerer: Answerer, chunks: Iterator[Chunk]) -> Iterator[tuple[int, int, Answers]]:
    for chunk in chunks:
        yield chunk.number, chunk.first, answerer.answer(chunk.table)


def _told(
    asked: Asked, pinned: Pinned, output: Output, parts: Sequence[Path], resumed: int, reasons: tuple[str, ...]
) -> Answered:
    errors = [pq.read_table(part, columns=[ERROR])[ERROR] for part in parts]
    rows, nulls = sum(map(len, errors)), sum(column.null_count for column in errors)
    return Answered(
        asked.model, pinned.version, str(output.path), rows, rows - nulls, len(parts), resumed,
        pinned.lookup, pinned.moment, pinned.own_moment, reasons,
    )  # fmt: skip


def _some(pinned: Pinned, columns: Sequence[str], rows: int, done: int) -> Iterator[Chunk]:
    """The chunks that are left; of a table without rows one, so that the output has its columns."""
    empty = done == 0
    for chunk in chunks(pinned.pieces, columns, rows, done):
        empty = False
        yield chunk
    if empty:
        yield Chunk(0, 0, pa.table({name: pa.array([], pa.string()) for name in columns}))


def _settled(ws: Workspace, asked: Asked, sources: Sequence[SourceSpec]) -> Pinned:
    version = _version(ws, asked)
    if not version.package:
        raise NotServable(f"version {version.number} of {asked.model!r} was registered without a package",
                          hint="let `noria run` make a version")  # fmt: skip
    inputs = load_package(ws, version.package).inputs
    pieces = pin_input(ws, asked)
    names = names_of(pieces)
    lookup = asked.lookup or ("given" if _looked_up(inputs) <= set(names) else "history")
    own = asked.at == "row" or (asked.at is None and lookup != "online" and inputs.asked_at in names)
    if own and inputs.asked_at not in names:
        raise BadTable(f"no column {inputs.asked_at!r} says when rows are asked", hint="add it, or say --at now")
    now = None if lookup == "online" else ws.clock.now()
    moment = None if own else asked.at if isinstance(asked.at, int) else now
    if lookup == "online" and (own or isinstance(asked.at, int)):
        raise BadTable("the online store knows only the present", hint="--features history asks at any moment")
    parts = _history(ws, inputs, sources) if lookup == "history" else {}
    return Pinned(version.number, version.package, pieces, lookup, own, moment, parts)


def _version(ws: Workspace, asked: Asked) -> Version:
    if asked.alias.isdecimal():
        return get_version(ws, asked.model, int(asked.alias))
    found = alias(ws, asked.model, asked.alias)
    if found is None:
        there = ", ".join(str(one.number) for one in list_versions(ws, asked.model)) or "none"
        raise NotFound("alias", f"{asked.model}@{asked.alias}", hint=f"versions: {there}; name one as {asked.model}@1")
    return found


def _looked_up(inputs: InputSet) -> set[str]:
    views = {view.name: view for view in inputs.views}
    used = (views[one.view] for one in inputs.inputs if isinstance(one, ViewInput))
    return {f"{view.name}.{feature.name}" for view in used for feature in view.features}


def _history(ws: Workspace, inputs: InputSet, sources: Sequence[SourceSpec]) -> dict[str, tuple[Part, ...]]:
    specs = {spec.name: spec for spec in sources}
    parts: dict[str, tuple[Part, ...]] = {}
    for source in sorted({source for view in inputs.views for source in view.sources}):
        if source not in specs:
            raise NotFound("source", source, specs, hint="the model's features are of it; --features given needs none")
        parts[source] = data.examine(ws, specs[source], data.take_snapshot(ws, specs[source])).parts
    return parts


def _carried(asked: Asked, inputs: InputSet, names: Sequence[str]) -> list[str]:
    """The columns that are written as they were read; the moment is written as it was used."""
    wanted = names if "*" in asked.columns else [inputs.key, *asked.columns]
    for name in asked.columns:
        if name not in ("*", *names):
            raise NotFound("column", name, names)
    carried = [name for name in names if name in wanted and name != inputs.asked_at]
    for name in carried:
        if name in (PREDICTION, VERSION, ERROR):
            raise BadTable(f"the column {name!r} would be there twice", hint="carry others with --columns")
    return carried
