"""Names of a Feast registry as names that a Python module can have, each once in its scope."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

_TAKEN = {
    "noria", "datetime", "str", "int", "float", "bool", "project", "days", "hours", "minutes", "seconds", "ms",
}  # fmt: skip
"""What the written module uses itself."""


def identifier(name: str) -> str:
    """A name that Python takes, as near to `name` as can be.

    >>> identifier("avg-trips"), identifier("2h mean"), identifier("class"), identifier(""), identifier("__id")
    ('avg_trips', '_2h_mean', 'class_', 'unnamed', '_id')
    """
    made = re.sub(r"^__+", "_", re.sub(r"\W", "_", name, flags=re.ASCII)) or "unnamed"  # __id would be private
    if made[0].isdigit() or made.startswith("noria_"):
        made = f"_{made}"
    return f"{made}_" if keyword.iskeyword(made) or keyword.issoftkeyword(made) or made in _TAKEN else made


def class_name(name: str) -> str:
    """A name in the style of classes.

    >>> class_name("driver_hourly_stats_source"), class_name("data/trips.parquet"), class_name("7 days")
    ('DriverHourlyStatsSource', 'DataTripsParquet', 'Rows7Days')
    """
    made = "".join(part[:1].upper() + part[1:] for part in re.split(r"[\W_]+", name, flags=re.ASCII) if part)
    return identifier(f"Rows{made}" if not made or made[0].isdigit() else made)


def unused(name: str, taken: Iterable[str]) -> str:
    """The name, with a number behind it when it is taken already.

    >>> unused("Trips", ["Trips", "Trips2"])
    'Trips3'
    """
    known = set(taken)
    number, made = 2, name
    while made in known:
        made, number = f"{name}{number}", number + 1
    return made


def prose(text: str) -> str:
    """Text that may stand in a comment or a docstring: one printable line, without what would end it.

    >>> prose('so "far"\\nand on.')
    "so 'far' and on"
    """
    plain = "".join(one if one.isprintable() else " " for one in text.replace("\\", "/").replace('"', "'"))
    return " ".join(plain.split()).rstrip(".")
