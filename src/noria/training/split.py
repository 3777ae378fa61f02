"""Cutting history: later rows test what earlier rows taught, with a gap in which labels mature."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from noria.core.clock import Micros
from noria.training.model import SplitSpec, TooFewRows

_LEAST = 50


def split(
    table: pa.Table, spec: SplitSpec, asked_at: str, at: Micros, *, matures_after: int = 0
) -> tuple[pa.Table, pa.Table]:
    """Training and test rows of a turn that stands at `at`, by the moment they were asked.

    Test: [at - gap - test, at - gap), and asked at least `matures_after` (microseconds) before `at`: of later
    requests only the quickest answers are known, and a test on those is biased. Training: the `train` that
    ends another gap before the test begins, without rows labelled (`labelled_at`) after the test began.
    Raises TooFewRows when either has fewer than 50 labelled rows.
    """
    test_end = at - spec.gap.micros
    test_start = test_end - spec.test.micros
    train_end = test_start - spec.gap.micros
    train = _between(table, asked_at, train_end - spec.train.micros, train_end)
    if "labelled_at" in table.column_names:
        train = train.filter(pc.less(train["labelled_at"], test_start))
    test = _between(table, asked_at, test_start, min(test_end, at - matures_after + 1))
    for name, rows in (("training", train), ("test", test)):
        if rows.num_rows < _LEAST:
            raise TooFewRows(
                f"the {name} window has {rows.num_rows} labelled rows, at least {_LEAST} are needed",
                hint="make the split's windows longer, or wait for more labels to come",
            )
    return train, test


def _between(table: pa.Table, column: str, start: Micros, end: Micros) -> pa.Table:
    moments = table[column]
    return table.filter(pc.and_(pc.greater_equal(moments, start), pc.less(moments, end)))
