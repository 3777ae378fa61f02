"""Views on Spark: in a session of yours on a cluster, or in one started here for as long as it takes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from noria.features.dialects.base import Dialect
from noria.features.dialects.spark import Spark
from noria.features.engines.model import EngineMissing, EngineRefused, Rows, Statement, TimeKind, qualified, relation
from noria.features.engines.putting import apart, plain

_KINDS: dict[str, TimeKind] = {"timestamp": "instant", "timestamp_ntz": "local", "date": "local"}
_READING = {
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.session.timeZone": "UTC",
}
"""How the statement wants to be read; a session of yours gets its own settings back."""

_LOCAL = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.driver.memory": "1g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.catalogImplementation": "in-memory",
}


class SparkEngine:
    """Spark SQL in a session; without one, one on this machine is started and stopped again.

    Raises EngineMissing when pyspark or Java is not there. Tables that are `put` travel through Parquet files in a
    temporary folder that the session's workers must see: on a cluster give names of its own tables instead.
    """

    def __init__(self, session: Any = None, settings: Mapping[str, str] | None = None) -> None:
        self.dialect: Dialect = Spark()
        self._folder = Path(tempfile.mkdtemp(prefix="noria-spark"))
        self._name = self._folder.name.replace("-", "_")
        self._own = session is None
        try:
            self._session = session or start_session(self._folder, settings or {})
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._put: list[str] = []

    def look(self, rows: str) -> Rows:
        sql = relation(rows)
        with self._reading(f"reading {rows!r}"):
            fields = self._session.sql(f"SELECT * FROM {sql} r").dtypes
        times = {name: _KINDS[kind] for name, kind in fields if kind in _KINDS}
        return Rows(sql, tuple(name for name, _ in fields), times)

    def put(self, table: pa.Table) -> Rows:
        name, ready = f"{self._name}_put_{len(self._put)}", plain(table)
        path, (renamed, names) = self._folder / f"{name}.parquet", apart(ready)
        pq.write_table(renamed, path)
        with self._reading("taking rows"):
            self._session.read.parquet(path.as_uri()).createOrReplaceTempView(name)
        self._put.append(name)
        return Rows(name, tuple(ready.column_names), names=names)

    def read(self, statement: Statement) -> Iterator[pa.RecordBatch]:
        with self._reading("joining"), self._composed(statement) as frame:
            table = frame.toArrow()
        yield pa.RecordBatch.from_pylist([], schema=table.schema)
        yield from table.to_batches()

    def save(self, statement: Statement, table: str) -> None:
        with self._reading(f"making the table {table!r}"), self._composed(statement) as frame:
            frame.write.mode("error").saveAsTable(qualified(self.dialect, table))

    def close(self) -> None:
        for name in self._put:
            self._session.catalog.dropTempView(name)
        if self._own:
            self._session.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def _composed(self, statement: Statement) -> Iterator[Any]:
        """The statement as a frame. Spark computes a `WITH` clause anew for each reader, so shared ones are kept."""
        kept = []
        try:
            for place, step in enumerate(statement.shared):
                frame = self._session.sql(statement.only(step)).persist()
                kept.append((f"{self._name}_kept_{place}", frame))
                frame.createOrReplaceTempView(kept[-1][0])
                statement = statement.replacing(step, f"SELECT * FROM {kept[-1][0]}")
            yield self._session.sql(statement.sql)
        finally:
            for name, frame in kept:
                self._session.catalog.dropTempView(name)
                frame.unpersist()

    @contextmanager
    def _reading(self, doing: str) -> Iterator[None]:
        """The session set as the statement wants it, and Spark's errors as ours."""
        from pyspark.errors import PySparkException

        settings = self._session.conf
        before = {name: settings.get(name, None) for name in _READING}
        before = {name: old for name, old in before.items() if old != _READING[name]}
        try:
            for name in before:
                settings.set(name, _READING[name])
            yield
        except PySparkException as error:
            raise EngineRefused(f"Spark refused ({doing}): {_first_line(error)}") from error
        finally:
            for name, old in before.items():
                settings.unset(name) if old is None else settings.set(name, old)


def start_session(folder: Path, settings: Mapping[str, str]) -> Any:
    """A Spark session of this process on this machine, its files in `folder`. Raises EngineMissing."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise EngineMissing("features on Spark need pyspark 4.3", hint="pip install 'noria[spark]'") from error
    if shutil.which("java") is None and not java_home():
        raise EngineMissing(
            "Spark needs Java 17 or later, and there is no `java` on the PATH",
            hint="apt install openjdk-17-jre-headless, or set JAVA_HOME",
        )
    places = {
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
    }
    builder = SparkSession.builder.appName("noria")
    for name, value in {**_LOCAL, **places, **settings}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def java_home() -> str | None:
    """The Java that JAVA_HOME names."""
    from noria.config.environment import environment

    return environment().get("JAVA_HOME")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
