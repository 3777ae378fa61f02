"""Labels, as they were known: the row that answers a request, once it has come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.clock import Micros
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

    An answer counts once it was ingested. Where a request has several, the first one known counts. An answer
    that came later than `matures_after` its request is too late to be a label, when `asked_at` is given.
    """
    known = answers.filter(pc.less_equal(answers[INGESTED_AT], as_of))
    known = known.select([spec.key, INGESTED_AT]).append_column("label", label_values(known, spec))
    known = known.filter(pc.is_valid(known["label"])).sort_by([(INGESTED_AT, "ascending")])
    keys = known[spec.key].combine_chunks()
    encoded = pc.dictionary_encode(keys)
    first = _first_of_each(np.asarray(encoded.indices), len(encoded.dictionary))
    known = known.take(pa.array(first))
    position = pc.index_in(features[spec.key], known[spec.key].combine_chunks())
    kept = features.filter(pc.is_valid(position))
    rows = known.take(pc.drop_null(position))
    labelled = kept.append_column("label", rows["label"]).append_column("labelled_at", rows[INGESTED_AT])
    if asked_at is None:
        return labelled
    in_time = pc.less_equal(pc.subtract(labelled["labelled_at"], labelled[asked_at]), spec.matures_after)
    return labelled.filter(in_time)


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
