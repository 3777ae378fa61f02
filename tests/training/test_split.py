"""Later rows test what earlier rows taught."""

from __future__ import annotations

import pyarrow as pa
import pytest

from noria.core.units import Duration
from noria.training.model import SplitSpec, TooFewRows
from noria.training.split import split

SPEC = SplitSpec(Duration(300), Duration(100), Duration(20))


def history(delay: int = 0) -> pa.Table:
    asked = list(range(1000))
    return pa.table({"asked_at": asked, "labelled_at": [at + delay for at in asked]})


def span(table: pa.Table) -> tuple[int, int]:
    moments = table["asked_at"].to_pylist()
    return moments[0], moments[-1]


def test_windows_end_a_gap_before_what_follows_and_ends_are_exclusive() -> None:
    train, test = split(history(), SPEC, "asked_at", 1000)
    assert span(test) == (880, 979)
    assert span(train) == (560, 859)


def test_the_newest_requests_are_no_test_until_all_their_answers_could_have_come() -> None:
    _, test = split(history(), SPEC, "asked_at", 1000, matures_after=50)
    assert span(test) == (880, 950)


def test_no_training_label_was_learnt_later_than_a_test_request() -> None:
    train, test = split(history(delay=60), SPEC, "asked_at", 1000)
    assert max(train["labelled_at"].to_pylist()) < span(test)[0]


@pytest.mark.parametrize(("at", "window"), [(160, "training"), (30, "training"), (-5, "training")])
def test_too_few_rows_are_refused(at: int, window: str) -> None:
    with pytest.raises(TooFewRows, match=window):
        split(history(), SPEC, "asked_at", at)


def test_a_test_that_cannot_have_matured_is_refused() -> None:
    with pytest.raises(TooFewRows, match="test"):
        split(history(), SPEC, "asked_at", 1000, matures_after=100)
