"""The words of an engine's SQL: names, constants, types, moments, text. What an expression of one row is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import ClassVar

from noria.core.clock import Micros
from noria.core.schema import DType

LEAST, MOST = -(2**63), 2**63 - 1
LN2 = 0.6931471805599453


class Words:
    """How one engine writes expressions of a row.

    `checked` tells whether what it writes is run on the real engine by the tests.
    """

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

        >>> Words().named("Airport.mean_delay_1h")
        'Airport.mean_delay_1h'
        """
        raw = name.encode()
        if len(raw) <= self.longest:
            return name
        digest = hashlib.sha256(raw).hexdigest()[:12]
        return raw[: self.longest - 13].decode(errors="ignore") + "_" + digest

    def quoted(self, name: str) -> str:
        """A name as SQL writes it.

        >>> Words().quoted('a "b" c')
        '"a ""b"" c"'
        """
        return self.quote + self.named(name).replace(self.quote, self.quote * 2) + self.quote

    def text(self, value: str) -> str:
        """A text constant.

        >>> Words().text("it's")
        "'it''s'"
        """
        return "'" + value.replace("'", "''") + "'"

    def number(self, value: float) -> str:
        """A number constant; one with a fraction goes as text, because `0.1` is a decimal to most engines.

        >>> Words().number(15.0), Words().number(0.1), Words().number(-3)
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

        >>> Words().floored("t", 10)
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

    @property
    def least(self) -> str:
        """The least 64-bit number, which many engines cannot read as a constant."""
        return f"(-{MOST} - 1)"

    def greatest(self, one: str, other: str) -> str:
        """The greater of two values that are not null."""
        return f"greatest({one}, {other})"

    def md5(self, text: str) -> str:
        """The MD5 of a text's UTF-8 bytes, 32 hexadecimal digits in lower case."""
        return f"md5({text})"

    def without_leading_zeros(self, text: str) -> str:
        """A text without the zeros it begins with."""
        return f"ltrim({text}, '0')"

    def log2(self, value: str) -> str:
        """The logarithm of a double, perhaps off in the last bits."""
        return f"ln({value}) / {self.number(LN2)}"
