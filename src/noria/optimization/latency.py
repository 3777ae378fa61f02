"""How long a single-row prediction takes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from noria.core.clock import monotonic
from noria.optimization.session import Session

_WARM_UP = 20


def measure(session: Session, table: pa.Table, *, rows: int = 200) -> dict[str, float]:
    """p50, p95 and p99 of `predict_row`, in microseconds; nothing when there is no row to ask."""
    chosen = table.select([column.name for column in session.columns]).slice(0, rows).to_pylist()
    if not chosen:
        return {}
    for row in chosen[:_WARM_UP]:
        session.predict_row(row)
    taken = []
    for row in chosen:
        began = monotonic()
        session.predict_row(row)
        taken.append((monotonic() - began) * 1e6)
    return {f"p{quantile}": float(np.percentile(taken, quantile)) for quantile in (50, 95, 99)}
