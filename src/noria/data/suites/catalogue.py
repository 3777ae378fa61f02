"""Every expectation that can be checked, by name."""

from __future__ import annotations

from noria.data.suites.asking import Builder
from noria.data.suites.expectations import (
    cells,
    distinct,
    formats,
    numbers,
    order,
    pairs,
    presence,
    queries,
    references,
    shape,
    spread,
    texts,
)

CATALOGUE: dict[str, Builder] = {
    name: build
    for family in (presence, cells, texts, formats, order, numbers, distinct, spread, pairs, shape, references, queries)
    for name, build in family.CATALOGUE.items()
}
"""The builder of each expectation's plan. A name that is not here is kept and not run."""
