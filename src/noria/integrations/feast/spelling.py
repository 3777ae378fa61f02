"""Types and lengths of time of Feast, as a Noria module writes them."""

from __future__ import annotations

ANNOTATIONS = {
    "STRING": "str", "UUID": "str", "TIME_UUID": "str", "INT32": "int", "INT64": "int", "FLOAT": "float",
    "DOUBLE": "float", "BOOL": "bool", "UNIX_TIMESTAMP": "datetime",
}  # fmt: skip
"""What a column of each of Feast's types is annotated with; lists, maps, bytes and decimals have no counterpart."""
_UNITS = ((86_400_000_000, "days"), (3_600_000_000, "hours"), (60_000_000, "minutes"), (1_000_000, "seconds"))


def duration(micros: int) -> str:
    """A length of time as an expression.

    >>> duration(86_400_000_000), duration(90_000_000), duration(1_500)
    ('noria.days(1)', 'noria.seconds(90)', 'noria.seconds(0.0015)')
    """
    for size, name in _UNITS:
        if micros % size == 0:
            return f"noria.{name}({micros // size})"
    return f"noria.seconds({micros / 1_000_000})"
