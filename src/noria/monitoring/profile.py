"""The reference profile of a version: what its training rows looked like, binned, with noise floors.

It is made once, from the very rows the version was trained on, kept as a blob beside the version, and is all
that a monitor needs: live traffic is counted on the profile's bins and compared with its counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.errors import Corrupt
from noria.features.model import InputColumn
from noria.monitoring import bins, noise
from noria.monitoring.bins import Flags, Floats, Ints
from noria.monitoring.distance import jensen_shannon, wasserstein
from noria.monitoring.model import FeatureProfile, Profile
from noria.workspace.workspace import Workspace

PREDICTION = "prediction"
"""The name under which a version's own answers are profiled."""


def build_profile(
    table: pa.Table, columns: Sequence[InputColumn], predictions: Floats, asked_at: Ints, *, window: int
) -> Profile:
    """The profile of reference rows.

    `table` holds the flattened inputs `columns`; `predictions` and `asked_at` (microseconds) have one entry a
    row; `window` (microseconds) is the length that live windows will have. About 0.1 s for 100,000 rows of ten
    features.
    """
    order = np.argsort(np.asarray(asked_at, dtype=np.int64), kind="stable")
    times = np.asarray(asked_at, dtype=np.int64)[order]
    blocks = _Blocks(noise.blocks(times, window), noise.independent(times, window))
    features = {column.name: _feature(table, column, order, blocks) for column in columns}
    answers = np.asarray(predictions, dtype=np.float64)[order]
    features[PREDICTION] = _numeric(PREDICTION, answers, blocks)
    return Profile(rows=len(times), window=window, features=features)


def save_profile(ws: Workspace, profile: Profile) -> str:
    """Keep a profile as a blob; gives its digest."""
    return ws.blobs.put(msgspec.json.encode(profile))


def load_profile(ws: Workspace, digest: str) -> Profile:
    """The profile kept under a digest. Raises NotFound, or Corrupt when the blob is no profile."""
    try:
        return msgspec.json.decode(ws.blobs.get(digest), type=Profile)
    except msgspec.MsgspecError as error:
        raise Corrupt(
            f"blob {digest[:12]} is not a reference profile: {error}", hint="give the digest of a version's profile"
        ) from error


@dataclass(frozen=True)
class _Blocks:
    """The reference cut into blocks: row ranges in time order, and how many of them are independent."""

    ranges: list[tuple[int, int]]
    independent: int

    def usual_rows(self, known: Flags) -> float:
        """Non-null rows of a block, on average."""
        if not self.ranges:
            return float(known.sum())
        return float(np.mean([known[a:b].sum() for a, b in self.ranges]))

    def usual_missing(self, known: Flags) -> float:
        """The missing rate that ordinary blocks reach."""
        rates = np.array([1 - known[a:b].mean() for a, b in self.ranges])
        return noise.upper_end(rates, self.independent)


def _feature(table: pa.Table, column: InputColumn, order: Ints, blocks: _Blocks) -> FeatureProfile:
    values = table.column(column.name).combine_chunks()
    if column.dtype == "string":
        return _categories(column.name, values.take(pa.array(order)), blocks)
    if column.dtype == "time":
        return _bare(column.name, np.asarray(pc.is_valid(values))[order], blocks)
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    return _numeric(column.name, values.cast(pa.float64()).to_numpy(zero_copy_only=False)[order], blocks)


def _bare(name: str, known: Flags, blocks: _Blocks) -> FeatureProfile:
    return FeatureProfile(
        name=name,
        numeric=True,
        rows=len(known),
        missing=float(1 - known.mean()) if len(known) else 0.0,
        missing_noise=blocks.usual_missing(known),
        block_rows=blocks.usual_rows(known),
    )


def _numeric(name: str, values: Floats, blocks: _Blocks) -> FeatureProfile:
    known = ~np.isnan(values)
    base = _bare(name, known, blocks)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return base
    edges = bins.reference_edges(finite)
    held = np.clip(finite, edges[0], edges[-1])
    sd = float(held.std()) or float(edges[-1] - edges[0]) / 2
    cells = np.full(len(values), -1, dtype=np.int64)
    cells[known] = bins.cells_of(values[known], edges)
    size = len(edges) + 1

    def effect(ours: Ints, rest: Ints) -> Floats:
        return wasserstein(ours, rest, edges, sd)

    return replace(
        base,
        edges=tuple(edges.tolist()),
        counts=tuple(np.bincount(cells[known], minlength=size).tolist()),
        mean=float(held.mean()),
        sd=sd,
        noise=noise.floor(cells, size, blocks.ranges, effect, blocks.independent),
    )


def _categories(name: str, values: pa.Array, blocks: _Blocks) -> FeatureProfile:
    known = np.asarray(pc.is_valid(values))
    base = replace(_bare(name, known, blocks), numeric=False)
    coded = values.dictionary_encode()
    names = [str(one) for one in coded.dictionary.to_pylist()]
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    by_count = sorted(zip(np.bincount(codes[known], minlength=len(names)).tolist(), names, strict=True), reverse=True)
    top = {one: count for count, one in by_count[: bins.TOP]}
    rare = tuple(one for _, one in by_count[bins.TOP : bins.TOP + bins.RARE])
    bin_of = np.append(bins.category_bins(names, top, [one for _, one in by_count[bins.TOP :]]), -1)
    return replace(
        base,
        categories=top,
        other=int(known.sum()) - sum(top.values()),
        rare=rare,
        noise=noise.floor(bin_of[codes], len(top) + 2, blocks.ranges, jensen_shannon, blocks.independent),
    )
