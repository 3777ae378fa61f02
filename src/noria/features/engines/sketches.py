"""Distinct counts and quantiles in SQL: the sketches of `features/aggregates`.

The register of a value and its bucket are found once for each event (`marked`), and go with it wherever a
window takes it: `b2` is the bucket of column `c2`, `g2` its register and `h2` how many bits of the hash are
left without leading zeros. The numbers of the sketches (how many registers, how wide a bucket) are imported
from there. All of it is arithmetic on whole numbers and on powers of two, which doubles hold exactly, so every
engine finds the same registers and buckets.
"""

from __future__ import annotations

from collections.abc import Mapping

from noria.core.schema import DType
from noria.features.aggregates.distinct import LONGEST, RAW, REGISTERS, SMALL
from noria.features.aggregates.quantiles import BIAS, SMALLEST, STEPS
from noria.features.dialects.base import Dialect
from noria.features.engines.model import Step


class Marks:
    """What events are marked with: `counted` are columns whose values are counted, `ranked` those that are ranked.

    Columns are called `c` and a number; `counted` gives their types.
    """

    def __init__(self, dialect: Dialect, counted: Mapping[str, DType], ranked: list[str]) -> None:
        self._dialect, self._counted, self._ranked = dialect, counted, ranked

    @property
    def names(self) -> list[str]:
        """The marks, each a column."""
        return [*(f"{kind}{name[1:]}" for name in self._counted for kind in "gh"), *(f"b{n[1:]}" for n in self._ranked)]

    def marked(self, events: str) -> str:
        """The body of a step: the events with their marks."""
        dialect = self._dialect
        first = {f"m{name[1:]}": dialect.md5(self._text(name, dtype)) for name, dtype in self._counted.items()}
        first |= {f"z{name[1:]}": f"abs({dialect.cast(name, 'float')})" for name in self._ranked}
        second = {f"d{n}": dialect.without_leading_zeros(f"substr(m{n}, 4, 10)") for n in self._numbers(self._counted)}
        second |= {f"e{n}": self._exponent(f"z{n}") for n in self._numbers(self._ranked)}
        third = {f"r{n}": f"z{n} / {power(dialect, f'e{n}')}" for n in self._numbers(self._ranked)}
        fourth = {f"g{n}": f"substr(m{n}, 1, 3)" for n in self._numbers(self._counted)}
        fourth |= {f"h{n}": _bits(f"d{n}") for n in self._numbers(self._counted)}
        fourth |= {f"b{n}": self._bucket(n) for n in self._numbers(self._ranked)}
        body = events
        for level, columns in enumerate((first, second, third, fourth)):
            chosen = ", ".join([f"from{level}.*", *(f"{value} AS {name}" for name, value in columns.items())])
            body = f"SELECT {chosen}\n  FROM {body if level == 0 else f'({body})'} from{level}"
        return body

    def _numbers(self, names: Mapping[str, DType] | list[str]) -> list[str]:
        return [name[1:] for name in names]

    def _text(self, column: str, dtype: DType) -> str:
        if dtype == "string":
            return column
        if dtype == "bool":
            return f"CASE WHEN {column} THEN 'true' WHEN NOT {column} THEN 'false' END"
        return self._dialect.cast(column, "string")

    def _exponent(self, size: str) -> str:
        """Of the power of two that a size lies above, or of a neighbour of it; null of what counts as zero."""
        near = f"greatest(least(floor({self._dialect.log2(size)}), {BIAS}), {1 - BIAS})"
        return self._dialect.when(f"{size} >= {self._dialect.number(SMALLEST)}", near)

    def _bucket(self, n: str) -> str:
        def number(shift: int, ratio: str) -> str:
            return f"{STEPS} * (e{n} + {BIAS + shift}) + floor(({ratio} - 1) * {STEPS}) + 1"

        r, value = f"r{n}", f"c{n}"
        below, above = number(-1, f"{r} * 2"), number(1, f"{r} / 2")
        size = f"CASE WHEN {r} < 1 THEN {below} WHEN {r} >= 2 THEN {above} ELSE {number(0, r)} END"
        bucket = f"CASE WHEN e{n} IS NULL THEN 0 WHEN {value} < 0 THEN -({size}) ELSE {size} END"
        return self._dialect.when(f"{value} IS NOT NULL", self._dialect.cast(bucket, "int"))


def distinct(dialect: Dialect, name: str, column: str, inside: str, pairs: str, group: str) -> Step:
    """A step with a row a group: for each register the fewest bits left, from these the estimate, in `value`."""
    register, bits = f"g{column[1:]}", f"h{column[1:]}"
    there = f"FROM {pairs} WHERE {inside} AND {register} IS NOT NULL GROUP BY {group}, {register}"
    registers = f"SELECT {group}, {register}, min({bits}) AS bits {there}"
    filled = f"SELECT {group}, count(*) AS filled, sum({power(dialect, 'bits')}) AS scaled"
    body = f"{filled}\n    FROM ({registers}) registers GROUP BY {group}"
    return name, f"SELECT {group}, {_estimate(dialect)} AS value\n  FROM ({body}) filled"


def wanted(dialect: Dialect, q: float, count: str) -> str:
    """The rank ceil(q n), the smallest value being of rank 1."""
    part = dialect.cast(dialect.text(repr(float(q))), "float")
    return dialect.cast(f"greatest(1, ceil({part} * {count}))", "int")


def middle(dialect: Dialect, bucket: str) -> str:
    """The middle of a bucket."""
    step = dialect.modulo(f"(abs({bucket}) - 1)", STEPS)
    exponent = f"(abs({bucket}) - 1 - {step}) / {STEPS} - {BIAS}"
    width = f"(1 + {dialect.cast(f'(2 * {step} + 1)', 'float')} / {2 * STEPS})"
    size, zero = f"{width} * {power(dialect, exponent)}", dialect.cast("0", "float")
    return f"CASE WHEN {bucket} = 0 THEN {zero} WHEN {bucket} < 0 THEN -({size}) ELSE {size} END"


def power(dialect: Dialect, exponent: str) -> str:
    """A power of two, exactly."""
    return f"power({dialect.cast('2', 'float')}, {dialect.cast(exponent, 'float')})"


def _bits(digits: str) -> str:
    """How many bits hexadecimal digits without leading zeros have."""
    first = f"substr({digits}, 1, 1)"
    leading = f"WHEN {first} = '1' THEN 1 WHEN {first} IN ('2', '3') THEN 2 WHEN {first} IN ('4', '5', '6', '7') THEN 3"
    return f"CASE WHEN {digits} = '' THEN 0 ELSE 4 * (length({digits}) - 1) + CASE {leading} ELSE 4 END END"


def _estimate(dialect: Dialect) -> str:
    whole = 2**LONGEST
    scaled = f"(scaled + ({REGISTERS} - filled) * {dialect.cast(str(whole), 'float')})"
    raw = f"({dialect.number(RAW)} / ({scaled} / {whole}))"
    empty = f"{REGISTERS} * ln({dialect.cast(str(REGISTERS), 'float')} / ({REGISTERS} - filled))"
    small = f"{raw} <= {dialect.number(SMALL)} AND filled < {REGISTERS}"
    return dialect.cast(f"floor(CASE WHEN {small} THEN {empty} ELSE {raw} END + {dialect.number(0.5)})", "int")
