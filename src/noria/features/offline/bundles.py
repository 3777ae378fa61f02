"""Partials that travel through a plan together: all simple ones of a window in one row, a sketch's in rows of its own.

A plan lifts a bundle from rows, merges it over pieces and has it lowered; it does not know what is inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from noria.features.aggregates import distinct, quantiles
from noria.features.aggregates.partial import Slot
from noria.features.aggregates.slots import slots_of
from noria.features.model import FeatureSpec
from noria.features.offline.made import both, listed
from noria.features.offline.partials import Rows, columns_of, holding, lifted, lowered, merged
from noria.features.sql import number, quoted

_SKETCHED = ("registers", "buckets")


@dataclass(frozen=True)
class Bundle:
    """The partials of `slots`, for `features` of one window.

    `key` is the column beside which a sketch counts, or nothing; `needs` the condition on rows. `lower` gives
    the SQL of (noria_row, features…) from that of merged pieces (noria_row, key, partials…).
    """

    slots: tuple[Slot, ...]
    features: tuple[FeatureSpec, ...]
    rows: Rows
    sketch: Slot | None = None

    @property
    def simple(self) -> bool:
        """Whether every partial is a few numbers, whatever the number of rows."""
        return self.sketch is None and not any(slot.kind in ("moments", "newest") for slot in self.slots)

    @property
    def key(self) -> str:
        """The column, with a comma, beside which a sketch counts."""
        return "k, " if self.sketch else ""

    @property
    def needs(self) -> str:
        """The condition on rows that the whole bundle has."""
        if self.sketch is None:
            return "TRUE"
        return both([*holding(self.sketch.where), f"{quoted(self.sketch.column or '')} IS NOT NULL"])

    def lift(self, *, inside: str = "", over: str = "", prefix: str = "s") -> str:
        """The partials over rows."""
        if self.sketch is None:
            named = ((slot, f"{prefix}{place}") for place, slot in enumerate(self.slots))
            return listed(
                one for slot, name in named for one in lifted(slot, name, self.rows, inside=inside, over=over)
            )
        code = code_column(self.sketch)
        if self.sketch.kind == "buckets":
            return f"{code} AS k, count(*) AS n"
        return f"({code} >> 6) AS k, max({code} & 63) AS n"

    def merge(self) -> str:
        """The partials over partials."""
        if self.sketch is None:
            named = ((slot, f"s{place}") for place, slot in enumerate(self.slots))
            return listed(one for slot, name in named for one in merged(slot, name))
        return f"k, {'sum' if self.sketch.kind == 'buckets' else 'max'}(n) AS n"

    def columns(self, prefix: str = "s") -> list[str]:
        """The columns of the partials."""
        if self.sketch is not None:
            return ["k", "n"]
        return [one for place, slot in enumerate(self.slots) for one in columns_of(slot, f"{prefix}{place}")]

    def lower(self, pieces: str, name: Callable[[FeatureSpec], str]) -> str:
        """The values of the features from merged pieces."""
        if self.sketch is None:
            names = {slot: f"s{place}" for place, slot in enumerate(self.slots)}
            values = (f"{lowered(one, names, self.rows.types)} AS {name(one)}" for one in self.features)
            return f"SELECT noria_row, {listed(values)} FROM ({pieces})"
        if self.sketch.kind == "buckets":
            return _quantiles(pieces, [(one.quantile or 0.0, name(one)) for one in self.features])
        values = (f"{_estimate()} AS {name(one)}" for one in self.features)
        return f"SELECT noria_row, {listed(values)} FROM ({pieces}) GROUP BY noria_row"


def bundles(features: Sequence[FeatureSpec], rows: Rows) -> list[Bundle]:
    """The bundles of the features of one window."""
    sketches: dict[Slot, list[FeatureSpec]] = {}
    slots: dict[Slot, None] = {}
    plain = []
    for feature in features:
        needed = slots_of(feature, rows.types)
        if needed[0].kind in _SKETCHED:
            sketches.setdefault(needed[0], []).append(feature)
        else:
            slots.update(dict.fromkeys(needed))
            plain.append(feature)
    made = [Bundle(tuple(slots), tuple(plain), rows)] if plain else []
    return made + [Bundle((slot,), tuple(those), rows, slot) for slot, those in sketches.items()]


def code_column(slot: Slot) -> str:
    """The working column that holds the codes of a sketched column."""
    return quoted(f"noria_{slot.kind}_{slot.column}")


def code_of(slot: Slot) -> str:
    """SQL for the code of a sketched column: the bucket, or the register and rank in one number."""
    value = quoted(slot.column or "")
    if slot.kind == "buckets":
        return _bucket(f"{value}::DOUBLE")
    digits = f"md5({value}::VARCHAR)"
    rest = f"substr({digits}, 4, 10)"
    bits = f"('0x' || {rest})::BIGINT"
    length = f"CASE WHEN {bits} = 0 THEN 0 ELSE length(ltrim(bin({bits}), '0')) END"
    return f"(('0x' || substr({digits}, 1, 3))::INTEGER * 64 + {distinct.LONGEST} - {length})"


def _bucket(value: str) -> str:
    size = f"abs({value})"
    guess = f"floor(log2({size}))"
    exponent = (
        f"({guess} + ({size} >= pow(2.0, {guess} + 1))::INTEGER - ({size} < pow(2.0, {guess}))::INTEGER)"
    )  # fmt: skip
    step = f"floor(({size} / pow(2.0, {exponent}) - 1) * {quantiles.STEPS})"
    numbered = f"({quantiles.STEPS} * ({exponent} + {quantiles.BIAS}) + {step} + 1)::INTEGER"
    tiny = f"{size} < CAST('{quantiles.SMALLEST!r}' AS DOUBLE)"
    return f"CASE WHEN {tiny} THEN 0 WHEN {value} > 0 THEN {numbered} ELSE -{numbered} END"


def _quantiles(pieces: str, wanted: Sequence[tuple[float, str]]) -> str:
    exponent = f"((abs(k) - 1) // {quantiles.STEPS} - {quantiles.BIAS})"
    step = f"((abs(k) - 1) % {quantiles.STEPS})"
    middle = f"(sign(k) * pow(2.0, {exponent}) * (1 + ({step} + CAST(0.5 AS DOUBLE)) / {quantiles.STEPS}))"

    def value(q: float) -> str:
        rank = f"greatest(1, ceil({number(q)}::DOUBLE * total))"
        return f"max({middle}) FILTER (WHERE upto - n < {rank} AND upto >= {rank})"

    values = listed(f"{value(q)} AS {name}" for q, name in wanted)
    running = "sum(n) OVER (PARTITION BY noria_row ORDER BY k) AS upto, sum(n) OVER (PARTITION BY noria_row) AS total"
    return f"SELECT noria_row, {values} FROM (SELECT *, {running} FROM ({pieces})) GROUP BY noria_row"


def _estimate() -> str:
    empty = f"({distinct.REGISTERS} - count(*))"
    whole = number(2.0**distinct.LONGEST)
    scaled = f"(sum(pow(2.0, {distinct.LONGEST} - n)) + {empty} * {whole}::DOUBLE)"
    raw = f"({number(distinct.RAW)} / ({scaled} / {whole}::DOUBLE))"
    few = f"({distinct.REGISTERS}::DOUBLE * ln({distinct.REGISTERS}::DOUBLE / {empty}))"
    chosen = f"CASE WHEN {raw} <= {number(distinct.SMALL)} AND {empty} > 0 THEN {few} ELSE {raw} END"
    return f"floor(({chosen}) + CAST(0.5 AS DOUBLE))::BIGINT"
