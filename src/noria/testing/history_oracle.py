"""A naive store of metric histories, sets of tuples, to compare the real one with; and the fixtures of its suites."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from noria.stores.database import Database
from noria.testing.workspace import make_workspace
from noria.tracking import history
from noria.tracking.history import Columns
from noria.tracking.model import Point
from noria.tracking.series import pictures, sealing
from noria.tracking.series.points import LARGEST
from noria.tracking.tables import chunks, experiments, latest_metrics, metric_names, points, runs
from noria.workspace.workspace import Workspace

Row = tuple[int, int, float, int]
"""step, at, value, is_nan: a point as the oracle keeps it."""
EXPERIMENT = 7
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Logged:
    """A run of the tests' own, and all that a naive store would know of it."""

    ws: Workspace
    key: int
    id: str
    experiment: int = EXPERIMENT
    kept: dict[str, set[Row]] = field(default_factory=dict)

    def log(self, *sent: Point) -> None:
        """Append in a transaction of its own, and remember."""
        with self.ws.database.transaction() as connection:
            history.append(self.ws, connection, self, sent)
        for one in sent:
            self.kept.setdefault(one.metric, set()).add(row_of(one))

    def end(self, state: str = "finished") -> None:
        with self.ws.database.transaction() as connection:
            connection.execute(sa.update(runs).where(runs.c.key == self.key).values(state=state))

    def by_time(self, metric: str = "loss") -> list[Row]:
        return sorted(self.kept.get(metric, ()), key=lambda row: (row[1], row[0], row[2], row[3]))

    def by_step(self, metric: str = "loss") -> list[Row]:
        return sorted(self.kept.get(metric, ()))

    def pages(self, metric: str = "loss", limit: int = 7) -> list[Row]:
        """Every page, one after the other."""
        found, cursor = list[Row](), None
        while True:
            some, cursor = history.page(self.ws, self.id, metric, limit=limit, after=cursor)
            found += rows_of(some)
            if cursor is None:
                return found
            assert some.size == limit

    def latest(self) -> dict[str, Row]:
        query = sa.select(
            metric_names.c.name, latest_metrics.c.step, latest_metrics.c.at, latest_metrics.c.value,
            latest_metrics.c.is_nan,
        ).join(metric_names, metric_names.c.key == latest_metrics.c.metric)  # fmt: skip
        with self.ws.database.reading() as connection:
            found = connection.execute(query.where(latest_metrics.c.run == self.key)).all()
        return {name: tuple(row) for name, *row in found}

    def stored(self) -> tuple[int, int]:
        """How many points are rows, and how many are in chunks."""
        with self.ws.database.reading() as connection:
            rows = sa.select(sa.func.count()).select_from(points).where(points.c.run == self.key)
            packed = sa.select(sa.func.coalesce(sa.func.sum(chunks.c.points), 0)).where(chunks.c.run == self.key)
            return connection.execute(rows).scalar_one(), int(connection.execute(packed).scalar_one())


def row_of(point: Point) -> Row:
    """A point as it is kept: NaN as 0 and a flag, infinities as the largest doubles."""
    if math.isnan(point.value):
        return point.step, point.at, 0.0, 1
    return point.step, point.at, max(min(point.value, LARGEST), -LARGEST) + 0.0, 0


def rows_of(columns: Columns) -> list[Row]:
    """Columns as the oracle's rows."""
    told = zip(columns.step.tolist(), columns.at.tolist(), columns.value.tolist(), strict=True)
    return [(step, at, 0.0, 1) if math.isnan(value) else (step, at, value, 0) for step, at, value in told]


def curve(count: int, metric: str = "loss", start: int = 0) -> list[Point]:
    """A noisy curve from a step on, a step every quarter of a second; always the same one."""
    noise = np.random.default_rng(0).normal(0, 0.05, start + count)[start:]
    return [
        Point(metric, 2 / (1 + number / 500) + float(some), 1_700_000_000_000 + 250 * number + number % 7, number)
        for number, some in enumerate(noise, start)
    ]


def check_series(run: Logged, metric: str, limit: int, buckets: int) -> None:
    """Every way of reading gives what the oracle has."""
    rows = run.by_step(metric)
    assert run.pages(metric, limit) == run.by_time(metric) == rows_of(history.whole(run.ws, run.id, metric))
    for steps in ((None, None), (1, 3)):
        within = [row for row in rows if steps == (None, None) or 1 <= row[0] <= 3]
        asked = {"first_step": steps[0], "last_step": steps[1]}
        drawn = rows_of(history.overview(run.ws, [run.id], metric, buckets=buckets, **asked)[run.id])
        check_few(drawn, within, 2 * buckets + 2)
        check_few(rows_of(history.sample(run.ws, [run.id], metric, limit=limit, **asked)[run.id]), within, limit)
        values = [row[2] for row in within if not row[3]]
        if values:
            assert {min(values), max(values)} <= {row[2] for row in drawn if not row[3]}


def check_few(few: Sequence[Row], rows: Sequence[Row], most: int) -> None:
    """They are some of the points, in order, with both ends, and not too many."""
    assert list(few) == sorted(set(few))
    assert set(few) <= set(rows)
    assert len(few) <= most
    assert bool(few) == bool(rows)
    if rows and most > 1:
        assert (few[0], few[-1]) == (rows[0], rows[-1])
    if len(rows) and most == 1:
        assert few == [rows[-1]]


def as_mlflow_samples(rows: Sequence[Row], limit: int) -> list[Row]:
    """NTILE as SQL defines it: the first buckets are one row larger. Of each its first row; the last row for sure."""
    if len(rows) <= limit:
        return list(rows)
    found, place = list[Row](), 0
    for number in range(limit):
        found.append(rows[place])
        place += len(rows) // limit + (number < len(rows) % limit)
    return [*found[:-1], rows[-1]]


class HistoryFixtures:
    """What both suites start from. A subclass gives the fixture `database`: a `Database` nobody has used before."""

    @pytest.fixture
    def ws(self, database: Database, tmp_path: Path) -> Iterator[Workspace]:
        workspace = make_workspace(tmp_path, database=database.url.render_as_string(hide_password=False))
        with workspace.database.transaction() as connection:
            row = {"key": EXPERIMENT, "name": "flights", "artifact_root": "", "stage": "active"}
            connection.execute(sa.insert(experiments).values(**row, created=0, updated=0))
        yield workspace
        workspace.close()

    @pytest.fixture
    def run(self, ws: Workspace) -> Logged:
        return self.new_run(ws)

    def new_run(self, ws: Workspace) -> Logged:
        key = next(_NUMBERS)
        empty = dict.fromkeys(("name", "model", "kind", "actor", "artifact_root", "note"), "")
        row = {"key": key, "id": f"run-{key}", "experiment": EXPERIMENT, "state": "running", "stage": "active"}
        with ws.database.transaction() as connection:
            connection.execute(sa.insert(runs).values(**row, **empty, inputs="{}"))
        return Logged(ws, key, f"run-{key}")

    @pytest.fixture
    def small_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Chunks of 16 points, sketched in 4 stretches, and a picture opens none it need not."""
        for module, name, value in (
            (sealing, "CHUNK", 16), (sealing, "FEWEST", 2), (sealing, "STRETCHES", 4), (pictures, "_OPENED", 0),
        ):  # fmt: skip
            monkeypatch.setattr(module, name, value)
