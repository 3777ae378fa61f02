"""The table that is checked, wherever it lies, opened in a DuckDB of its own.

Files, a query, data frames and Arrow tables, and the parts of a snapshot all become two views: `__table`, and
`__numbered` with the number of each row. Once they are open the database is walled in: no SQL of a suite
reaches another file, the network or an extension.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from noria.core.suggest import did_you_mean
from noria.data.suites import quoting
from noria.data.suites.fields import Field
from noria.data.suites.model import UnreadableTable

_MEMORY = "450MB"
_READERS = {
    ".parquet": "read_parquet({files})", ".pq": "read_parquet({files})",
    ".csv": "read_csv({files}, sample_size = -1)", ".csv.gz": "read_csv({files}, sample_size = -1)",
    ".tsv": "read_csv({files}, sample_size = -1)",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """What is to be checked: `files` (paths and globs), a `query`, or `data` (Arrow, pandas, Polars).

    `name` is what people call it. `sql`, when given, is how the files are read. `others` are further tables
    that expectations may name. `root` is the folder that a query's file names start from.
    """

    name: str
    files: tuple[str, ...] = ()
    query: str = ""
    data: Any = None
    sql: str = ""
    others: Mapping[str, Table] = field(default_factory=dict)
    root: Path | None = None


class Opened:
    """An open table: its columns, and the connection on which it is asked."""

    def __init__(self, connection: Any, fields: Mapping[str, Field], others: Mapping[str, str]) -> None:
        self._connection = connection
        self.fields = fields
        self.others = others
        self.passes = 0

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises duckdb.Error."""
        return self.named(sql)[1]

    def named(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The names of a query's columns, and its rows. Raises duckdb.Error."""
        self.passes += 1
        found = self._connection.sql(sql).to_arrow_table()  # by Arrow, as moments with a zone then need no pytz
        columns = [column.to_pylist() for column in found.columns]
        return found.column_names, list(zip(*columns, strict=True))

    def batches(self, sql: str) -> Any:
        """The rows of a query as a reader of Arrow batches. Raises duckdb.Error."""
        self.passes += 1
        return self._connection.sql(sql).to_arrow_reader(100_000)

    def described(self, view: str) -> dict[str, Field]:
        """The columns of a table that is open beside this one."""
        return {row[0]: Field(row[0], row[1]) for row in self.ask(f"DESCRIBE {view}")}


def table_at(place: str, root: Path | None = None) -> Table:
    """The table at a path, a glob or a folder; a text with a space in it that is no path is a query.

    Raises UnreadableTable when nothing is there.
    """
    path = Path(place) if root is None else root / place
    if path.is_dir():
        return Table(place, tuple(str(one) for one in _inside(path)), root=root)
    if path.is_file() or (any(letter in place for letter in "*?[") and " " not in place):
        return Table(place, (str(path),), root=root)
    if place.strip().lower().startswith(("select ", "from ", "with ")):
        return Table("query", query=place.strip().rstrip(";"), root=root)
    near = did_you_mean(path.name, (one.name for one in path.parent.iterdir())) if path.parent.is_dir() else ""
    raise UnreadableTable(f"there is no table {place!r}", hint=near or "name a Parquet or CSV file, or a SELECT")


def _inside(folder: Path) -> list[Path]:
    found = [one for one in sorted(folder.rglob("*")) if one.is_file() and _reader(one.name)]
    if not found:
        raise UnreadableTable(f"{folder} has no Parquet or CSV file")
    return found


@contextmanager
def opened(table: Table) -> Iterator[Opened]:
    """The table, open for questions. Raises UnreadableTable saying what cannot be read and why."""
    with tempfile.TemporaryDirectory(prefix="noria-") as folder, duckdb.connect(config=_config(table)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET python_enable_replacements = false")
        connection.execute(f"SET temp_directory = {quoting.text(folder)}")
        here = _kept(connection, table, Path(folder) / "table.parquet")
        others = {name: _kept(connection, one, Path(folder) / f"{n}.parquet")
                  for n, (name, one) in enumerate(table.others.items())}  # fmt: skip
        views = {name: f"__other_{n}" for n, name in enumerate(others)}
        for view, one in [("__table", here), *((views[name], one) for name, one in others.items())]:
            _view(connection, view, one)
        numbered = "SELECT *, row_number() OVER () - 1 AS __noria_row FROM __table"
        connection.execute(f"CREATE TEMP VIEW __numbered AS {numbered}")
        fields = _fields(connection)
        _wall_in(connection, [here, *others.values()])
        yield Opened(connection, fields, views)


def _config(table: Table) -> dict[str, Any]:
    config: dict[str, Any] = {"autoinstall_known_extensions": False, "memory_limit": _MEMORY}
    return config if table.root is None else {**config, "file_search_path": str(table.root)}


def _kept(connection: Any, table: Table, path: Path) -> Table:
    """The table itself, or, of a query, its rows in a file: each pass sees the same, and the query is run once."""
    if not table.query:
        return table if table.sql else replace(table, files=_listed(connection, table))
    try:
        connection.execute(f"COPY ({table.query}\n) TO {quoting.text(str(path))} (FORMAT parquet)")
    except duckdb.Error as error:
        raise UnreadableTable(f"the query cannot be run: {str(error).partition(chr(10))[0]}") from error
    return replace(table, query="", files=(str(path),))


def _listed(connection: Any, table: Table) -> tuple[str, ...]:
    """The files of the table one by one, globs followed."""
    found: list[str] = []
    for one in table.files:
        found += [row[0] for row in connection.execute("SELECT file FROM glob(?) ORDER BY file", [one]).fetchall()]
    if table.files and not found:
        raise UnreadableTable(f"no file is at {table.name}", hint="name a Parquet or CSV file, a glob, or a SELECT")
    return tuple(found)


def _fields(connection: Any) -> dict[str, Field]:
    return {row[0]: Field(row[0], row[1]) for row in connection.execute("DESCRIBE __table").fetchall()}


def _view(connection: Any, view: str, table: Table) -> None:
    try:
        if table.data is not None:
            connection.register(f"{view}_data", _tabular(table.data))
            connection.execute(f"CREATE TEMP VIEW {view} AS SELECT * FROM {view}_data")
        else:
            connection.execute(f"CREATE TEMP VIEW {view} AS {table.sql or f'SELECT * FROM {_reading(table)}'}")
    except (duckdb.Error, ValueError, TypeError, OverflowError) as error:
        said = str(error).partition("\n\n")[0]
        raise UnreadableTable(f"{table.name} cannot be read as a table: {said}") from error


def _tabular(data: Any) -> Any:
    """Data frames as DuckDB takes them. Polars and other owners of Arrow data hand it over as it is."""
    if isinstance(data, Mapping):
        import pyarrow as pa

        return pa.table(dict(data))
    return data.to_arrow() if type(data).__module__.startswith("polars") and hasattr(data, "to_arrow") else data


def _reading(table: Table) -> str:
    readers = {_reader(one) for one in table.files}
    if len(readers) != 1 or "" in readers:
        kinds = ", ".join(sorted({Path(one).suffix or one for one in table.files}))
        raise UnreadableTable(f"{table.name} is no table that can be read ({kinds})",
                              hint="Parquet and CSV are, all files of one kind")  # fmt: skip
    return readers.pop().format(files="[" + ", ".join(map(quoting.text, table.files)) + "]")


def _reader(path: str) -> str:
    return next((reader for suffix, reader in _READERS.items() if path.lower().endswith(suffix)), "")


def _wall_in(connection: Any, tables: Sequence[Table]) -> None:
    """Leave the files of the tables readable, and nothing else."""
    files = [path for one in tables for path in one.files]
    connection.execute(f"SET allowed_paths = [{', '.join(map(quoting.text, files))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
