"""What engines write differently: names, constants, exact sums, lists in an order, bits of a digest.

A statement is composed once (`engines/statement.py`) from what a `Dialect` gives; nothing here knows of views
or windows. The plain answers below are what most engines understand; each dialect's file says only where its
engine differs, and why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import ClassVar

from noria.core.clock import Micros
from noria.core.schema import DType

LEAST, MOST = -(2**63), 2**63 - 1
LN2 = 0.6931471805599453


class Dialect:
    """How one engine writes SQL. `checked` tells whether Noria's tests run what it writes on the real engine."""

    name: ClassVar[str]
    checked: ClassVar[bool] = True
    types: ClassVar[Mapping[DType, str]] = {
        "string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "time": "BIGINT"
    }  # fmt: skip
    quote: ClassVar[str] = '"'
    longest: ClassVar[int] = 250
    """The most bytes a name may have."""

    def named(self, name: str) -> str:
        """The name a column has on this engine: itself, or shortened with a digest where it is too long.

        >>> Dialect().named("Airport.mean_delay_1h")
        'Airport.mean_delay_1h'
        """
        raw = name.encode()
        if len(raw) <= self.longest:
            return name
        digest = hashlib.sha256(raw).hexdigest()[:12]
        return raw[: self.longest - 13].decode(errors="ignore") + "_" + digest

    def quoted(self, name: str) -> str:
        """A name as SQL writes it.

        >>> Dialect().quoted('a "b" c')
        '"a ""b"" c"'
        """
        return self.quote + self.named(name).replace(self.quote, self.quote * 2) + self.quote

    def text(self, value: str) -> str:
        """A text constant.

        >>> Dialect().text("it's")
        "'it''s'"
        """
        return "'" + value.replace("'", "''") + "'"

    def number(self, value: float) -> str:
        """A number constant; one with a fraction goes as text, because `0.1` is a decimal to most engines.

        >>> Dialect().number(15.0), Dialect().number(0.1), Dialect().number(-3)
        ('15', "CAST('0.1' AS DOUBLE)", '-3')
        """
        if float(value).is_integer() and LEAST < value <= MOST:
            return str(int(value))
        return self.cast(self.text(repr(float(value))), "float")

    def truth(self, value: bool) -> str:
        """A truth constant."""
        return "TRUE" if value else "FALSE"

    def cast(self, value: str, dtype: DType) -> str:
        """A value as another type; a double that is no whole number is never cast to one."""
        return f"CAST({value} AS {self.types[dtype]})"

    def comparable(self, text: str) -> str:
        """Text that is compared by code point, as Python and DuckDB do."""
        return text

    def usual(self, text: str) -> str:
        """Text that is compared as elsewhere on the engine, again."""
        return text

    def typed(self, value: str, dtype: DType) -> str:
        """A value as one of the five types: text compares by code point, and a double that is no number is null."""
        cast = self.cast(value, dtype)
        if dtype == "float":
            return self.when(self.finite(cast), cast)
        return self.comparable(cast) if dtype == "string" else cast

    def modulo(self, value: str, by: int) -> str:
        """The remainder, which has the sign of `value`."""
        return f"mod({value}, {by})"

    def floored(self, moment: str, hop: Micros) -> str:
        """The last multiple of `hop` at or before `moment`, also before 1970: no engine's division floors.

        >>> Dialect().floored("t", 10)
        '(t - mod(mod(t, 10) + 10, 10))'
        """
        return f"({moment} - {self.modulo(f'{self.modulo(moment, hop)} + {hop}', hop)})" if hop > 1 else f"({moment})"

    def micros(self, column: str, kind: str) -> str:
        """Microseconds since 1970, UTC, of a column of `kind`: `micros`, `instant` or `local` (no zone: UTC)."""
        raise NotImplementedError

    def finite(self, value: str) -> str:
        """Whether a double is a number: neither infinite nor NaN."""
        raise NotImplementedError

    def when(self, condition: str, value: str) -> str:
        """The value where the condition holds, else null, which aggregates pass over."""
        return f"CASE WHEN {condition} THEN {value} END"

    def counted(self, condition: str) -> str:
        """How many rows of a group hold the condition."""
        return f"count(CASE WHEN {condition} THEN 1 END)"

    def whole_total(self, value: str) -> str:
        """The exact sum of whole numbers, in a type wider than 64 bits; null when there are none."""
        raise NotImplementedError

    def whole(self, total: str) -> str:
        """A `whole_total` as a 64-bit number, or null when it does not fit."""
        return self.when(f"{total} BETWEEN {self.least} AND {MOST}", self.cast(total, "int"))

    @property
    def least(self) -> str:
        """The least 64-bit number, which many engines cannot read as a constant."""
        return f"(-{MOST} - 1)"

    def doubles_to_add(self, value: str, condition: str) -> str:
        """What `added` needs of a group's doubles that hold the condition; nulls are left out."""
        return f"sum({self.when(condition, value)})"

    def added(self, doubles: str) -> str:
        """Their sum, compensated where the engine can: 1e16 + 1 - 1e16 is 1. Not finite or null beyond the largest."""
        return doubles

    def doubles_to_vary(self, value: str, condition: str) -> str:
        """What `variance` needs of a group's doubles that hold the condition; nulls are left out."""
        return f"var_samp({self.when(condition, value)})"

    def variance(self, doubles: str) -> str:
        """Their sample variance; null below two, not finite or null beyond the largest double."""
        return doubles

    def greatest(self, one: str, other: str) -> str:
        """The greater of two values that are not null."""
        return f"greatest({one}, {other})"

    def first_of(self, value: str, order: Sequence[str], condition: str, *, newest: bool) -> str:
        """Of a group's rows that hold the condition, the `value` (it may be null) of the first one by `order`.

        `newest`: the greatest comes first, else the least. Null is the smallest.
        """
        raise NotImplementedError

    def listed(self, value: str, order: Sequence[str], condition: str, *, newest: bool, most: int | None = None) -> str:
        """As `first_of`, but a list of the first `most` values, or of all; null when no row holds the condition."""
        raise NotImplementedError

    def element(self, values: str, place: str) -> str:
        """The element of a list of `listed` at a place, the first being 1."""
        return f"({values})[{place}]"

    def sorting(self, order: Sequence[str], *, newest: bool) -> str:
        """An ORDER BY list in which null is the smallest."""
        direction = "DESC NULLS LAST" if newest else "ASC NULLS FIRST"
        return ", ".join(f"{one} {direction}" for one in order)

    def md5(self, text: str) -> str:
        """The MD5 of a text's UTF-8 bytes, 32 hexadecimal digits in lower case."""
        return f"md5({text})"

    def without_leading_zeros(self, text: str) -> str:
        """A text without the zeros it begins with."""
        return f"ltrim({text}, '0')"

    def log2(self, value: str) -> str:
        """The logarithm of a double, perhaps off in the last bits."""
        return f"ln({value}) / {self.number(LN2)}"

    def list_or_empty(self, values: str, dtype: DType) -> str:
        """A list of `listed` as a list of that type; empty for null."""
        raise NotImplementedError
