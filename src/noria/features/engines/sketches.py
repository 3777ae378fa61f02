"""Distinct counts and quantiles in SQL: the sketches of `features/aggregates`, one grouped row a register or bucket.

The numbers of the sketches (how many registers, how wide a bucket) are imported from there; only the text that
makes an engine compute them is here. All of it is arithmetic on whole numbers and on powers of two, which
doubles hold exactly, so every engine finds the same registers and buckets.
"""

from __future__ import annotations

from dataclasses import dataclass

from noria.core.schema import DType
from noria.features.aggregates.distinct import LONGEST, RAW, REGISTERS, SMALL
from noria.features.aggregates.quantiles import BIAS, SMALLEST, STEPS
from noria.features.dialects.base import Dialect


@dataclass(frozen=True)
class Sketch:
    """A `WITH` clause called `name`: a row a group, with the column `value`."""

    name: str
    body: str


class Sketches:
    """Makes the sketches of one view from its pairs; `group` are the columns that tell requests apart."""

    def __init__(self, dialect: Dialect, pairs: str, group: str) -> None:
        self._dialect, self._pairs, self._group = dialect, pairs, group

    def distinct(self, name: str, column: str, dtype: DType, inside: str) -> Sketch:
        """How many different values: for each register the fewest bits left, then the estimate."""
        dialect, group = self._dialect, self._group
        hashed = self._inside(f"{dialect.md5(self._text(column, dtype))} AS noria_hash", column, inside)
        digits = dialect.without_leading_zeros("substr(noria_hash, 4, 10)")
        cut = f"SELECT {group}, substr(noria_hash, 1, 3) AS register, {digits} AS digits FROM ({hashed}) hashed"
        first = "CASE WHEN substr(digits, 1, 1) = '1' THEN 1 WHEN substr(digits, 1, 1) IN ('2', '3') THEN 2 "
        first += "WHEN substr(digits, 1, 1) IN ('4', '5', '6', '7') THEN 3 ELSE 4 END"
        bits = f"CASE WHEN digits = '' THEN 0 ELSE 4 * (length(digits) - 1) + {first} END"
        registers = f"SELECT {group}, register, min({bits}) AS bits FROM ({cut}) cut GROUP BY {group}, register"
        filled = f"SELECT {group}, count(*) AS filled, sum({self._power('bits')}) AS scaled"
        body = f"{filled}\n    FROM ({registers}) registers GROUP BY {group}"
        return Sketch(name, f"SELECT {group}, {self._estimate()} AS value\n  FROM ({body}) filled")

    def quantile(self, name: str, column: str, q: float, inside: str) -> Sketch:
        """The middle of the bucket that holds the value of rank ceil(q n)."""
        group, dialect = self._group, self._dialect
        sizes = self._inside(f"{column} AS v, abs({dialect.cast(column, 'float')}) AS size", column, inside)
        numbers = f"SELECT {group}, {self._bucket()} AS bucket FROM ({self._ratios(sizes)}) ratios"
        counts = f"SELECT {group}, bucket, count(*) AS n FROM ({numbers}) numbers GROUP BY {group}, bucket"
        running = f"sum(n) OVER (PARTITION BY {group} ORDER BY bucket) AS upto"
        ranked = f"SELECT {group}, bucket, {running}, sum(n) OVER (PARTITION BY {group}) AS n FROM ({counts}) counts"
        wanted = f"greatest(1, ceil({dialect.cast(dialect.text(repr(float(q))), 'float')} * n))"
        found = (
            f"SELECT {group}, min(bucket) AS bucket FROM ({ranked}) ranked\n    WHERE upto >= {wanted} GROUP BY {group}"
        )
        return Sketch(name, f"SELECT {group}, {self._middle()} AS value\n  FROM ({found}) found")

    def _inside(self, chosen: str, column: str, inside: str) -> str:
        return f"SELECT {self._group}, {chosen} FROM {self._pairs} WHERE {inside} AND {column} IS NOT NULL"

    def _text(self, column: str, dtype: DType) -> str:
        if dtype == "string":
            return column
        if dtype == "bool":
            return f"CASE WHEN {column} THEN 'true' ELSE 'false' END"
        return self._dialect.cast(column, "string")

    def _power(self, exponent: str) -> str:
        return f"power({self._dialect.cast('2', 'float')}, {self._dialect.cast(exponent, 'float')})"

    def _estimate(self) -> str:
        dialect, whole = self._dialect, 2**LONGEST
        scaled = f"(scaled + ({REGISTERS} - filled) * {dialect.cast(str(whole), 'float')})"
        raw = f"({dialect.number(RAW)} / ({scaled} / {whole}))"
        empty = f"{REGISTERS} * ln({dialect.cast(str(REGISTERS), 'float')} / ({REGISTERS} - filled))"
        small = f"{raw} <= {dialect.number(SMALL)} AND filled < {REGISTERS}"
        return dialect.cast(f"floor(CASE WHEN {small} THEN {empty} ELSE {raw} END + {dialect.number(0.5)})", "int")

    def _ratios(self, sizes: str) -> str:
        """Sizes with a power of two that is theirs or its neighbour, and how often it is contained in them."""
        dialect = self._dialect
        near = f"greatest(least(floor({dialect.log2('size')}), {BIAS}), {1 - BIAS})"
        exponent = f"CASE WHEN size >= {dialect.number(SMALLEST)} THEN {near} END"
        exponents = f"SELECT {self._group}, v, size, {exponent} AS e FROM ({sizes}) sizes"
        return f"SELECT {self._group}, v, size, e, size / {self._power('e')} AS r FROM ({exponents}) exponents"

    def _bucket(self) -> str:
        def number(shift: int, ratio: str) -> str:
            return f"{STEPS} * (e + {BIAS + shift}) + floor(({ratio} - 1) * {STEPS}) + 1"

        below, above = number(-1, "r * 2"), number(1, "r / 2")
        size = f"CASE WHEN r < 1 THEN {below} WHEN r >= 2 THEN {above} ELSE {number(0, 'r')} END"
        return self._dialect.cast(f"CASE WHEN e IS NULL THEN 0 WHEN v < 0 THEN -({size}) ELSE {size} END", "int")

    def _middle(self) -> str:
        dialect = self._dialect
        step = dialect.modulo("(abs(bucket) - 1)", STEPS)
        exponent = f"(abs(bucket) - 1 - {step}) / {STEPS} - {BIAS}"
        width = f"(1 + {dialect.cast(f'(2 * {step} + 1)', 'float')} / {2 * STEPS})"
        size = f"{width} * {self._power(exponent)}"
        zero = dialect.cast("0", "float")
        return f"CASE WHEN bucket = 0 THEN {zero} WHEN bucket < 0 THEN -({size}) ELSE {size} END"
