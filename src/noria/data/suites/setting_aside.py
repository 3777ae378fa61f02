"""All rows that failed expectations, written to a Parquet file, each with every reason why it is bad.

The columns are `reason`, `_row` (counted from 0 as the table gives its rows), `_check`, then the row's own as
they are; one of these that is called like one of ours gets an underscore behind it.
"""

from __future__ import annotations

from pathlib import Path

from noria.data.suites import quoting
from noria.data.suites.model import Outcome, Report, Verdict
from noria.data.suites.table import Opened

_OWN = ("reason", "_row", "_check")


def set_aside(there: Opened, report: Report, path: Path) -> int:
    """Write the bad rows of the failed expectations to `path`; gives how many there are.

    With no such row the file has none, so that a file of an earlier run is never taken for this one's.
    """
    import pyarrow.parquet as pq

    bad = [one for one in report.of(Verdict.FAILED) if one.bad is not None]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    reader = there.batches(_query(there, bad))
    rows = 0
    try:
        with pq.ParquetWriter(temporary, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
                rows += batch.num_rows
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return rows


def _query(there: Opened, bad: list[Outcome]) -> str:
    own = [f"{quoting.name(one)} AS {quoting.name(f'{one}_')}" if one in _OWN else quoting.name(one)
           for one in there.fields]  # fmt: skip
    reasons = " UNION ALL ".join(_found(place, one) for place, one in enumerate(bad))
    if not bad:
        reasons = "SELECT 0 AS __n, 0 AS __place, '' AS __reason, '' AS __check WHERE FALSE"
    gathered = (
        "SELECT __n, string_agg(__reason, '; ' ORDER BY __place) AS __reason,"
        f" string_agg(__check, ',' ORDER BY __place) AS __check FROM ({reasons}) GROUP BY __n"
    )
    return (
        f"SELECT __reason AS reason, __n AS _row, __check AS _check, {', '.join(own)}"
        f" FROM __numbered JOIN ({gathered}) ON __noria_row = __n ORDER BY __n"
    )


def _found(place: int, outcome: Outcome) -> str:
    assert outcome.bad is not None
    columns = ", ".join(outcome.expectation.columns)
    reason, check = quoting.text(f"{columns}: {said(outcome)}"), quoting.text(f"{outcome.expectation.type} {columns}")
    rows = f"SELECT * FROM ({outcome.bad.relation}) WHERE {outcome.bad.where}"
    return f"SELECT __noria_row AS __n, {place} AS __place, {reason} AS __reason, {check} AS __check FROM ({rows})"


def said(outcome: Outcome) -> str:
    """What was expected of a row, in words: the expectation's name and its arguments.

    >>> from noria.data.suites.model import Expectation
    >>> said(Outcome(Expectation("expect_column_values_to_equal", {"column": "a", "value": 5}), Verdict.FAILED))
    'values to equal (value 5)'
    """
    words = outcome.expectation.type.removeprefix("expect_").replace("_", " ").removeprefix("column ")
    about = ("column", "column_A", "column_B", "column_list", "mostly", "row_condition", "condition_parser")
    rest = ", ".join(f"{key} {value!s:.60}" for key, value in outcome.expectation.kwargs.items() if key not in about)
    return f"{words} ({rest})" if rest else words
