"""Labels, as they were known: the row that answers a request, once it has come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.clock import Micros
from noria.core.errors import BadInput
from noria.data.model import INGESTED_AT
from noria.features.model import Predicate
from noria.training.model import LabelSpec

_COMPARE = {
    "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal, "==": pc.equal, "!=": pc.not_equal
}  # fmt: skip


def attach_labels(
    features: pa.Table, spec: LabelSpec, answers: pa.Table, *, as_of: Micros, asked_at: str | None = None
) -> pa.Table:
    """Rows of `features` whose answer was known at `as_of`, with `label` (float64) and `labelled_at` (µs).

    An answer counts once it was ingested, if it is a finite number. Where a request has several, the first one
    known counts. An answer that came later than `matures_after` its request is too late to be a label, when
    `asked_at` names the column to tell it by. Rows keep their order.
    Raises BadInput when the keys of requests and answers cannot be compared.
    """
    first = _first_known(answers, spec, as_of)
    position = pc.index_in(features[spec.key], _alike(first[spec.key], features[spec.key].type, spec))
    rows = first.take(pc.drop_null(position))
    labelled = features.filter(pc.is_valid(position))
    labelled = labelled.append_column("label", rows["label"]).append_column("labelled_at", rows[INGESTED_AT])
    if asked_at is None:
        return labelled
    waited = pc.subtract(labelled["labelled_at"], labelled[asked_at])
    return labelled.filter(pc.less_equal(waited, spec.matures_after))


def _first_known(answers: pa.Table, spec: LabelSpec, as_of: Micros) -> pa.Table:
    """Key, moment and label of the first usable answer to each request; one of several at once is the smallest."""
    label = label_values(answers, spec)
    usable = pc.and_(pc.less_equal(answers[INGESTED_AT], as_of), pc.fill_null(pc.is_finite(label), False))
    usable = pc.and_(usable, pc.is_valid(answers[spec.key]))
    known = answers.select([spec.key, INGESTED_AT]).append_column("label", label).filter(usable)
    known = known.sort_by([(INGESTED_AT, "ascending"), ("label", "ascending")])
    codes = known[spec.key].combine_chunks().dictionary_encode()
    return known.take(pa.array(_first_of_each(np.asarray(codes.indices), len(codes.dictionary))))


def _alike(keys: pa.ChunkedArray, wanted: pa.DataType, spec: LabelSpec) -> pa.Array:
    try:
        return keys.combine_chunks().cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadInput(
            f"label {spec.name}: {spec.key} is {wanted} in {spec.of} and {keys.type} in {spec.source}",
            hint="declare the key with the same type in both sources",
        ) from error


def label_values(answers: pa.Table, spec: LabelSpec) -> pa.Array:
    """The label of each answering row: 1.0 or 0.0 for a predicate, the value itself for a column; null stays null."""
    if spec.predicate is not None:
        return pc.cast(predicate_holds(answers, spec.predicate), pa.float64())
    return pc.cast(answers[spec.column], pa.float64())


def predicate_holds(table: pa.Table, predicate: Predicate) -> pa.Array:
    """For each row whether a predicate holds; null where its column is null."""
    return _COMPARE[predicate.op](table[predicate.column], predicate.value)


def _first_of_each(codes: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    first = np.full(count, len(codes), dtype=np.int64)
    np.minimum.at(first, codes, np.arange(len(codes)))
    return np.sort(first)
