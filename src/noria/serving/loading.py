"""Versions brought into memory: opened, checked against their golden rows, warmed up. Done in a thread, once each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa

from noria.core.clock import monotonic, thread_seconds
from noria.core.errors import NoriaError
from noria.features.model import ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.features.vector import Vectorizer
from noria.optimization.explaining.explainer import Explainer, Trees, graph_trees
from noria.optimization.model import NotServable, Package
from noria.optimization.operations import load_package, served_graph
from noria.optimization.session import Session, check_golden
from noria.registry.model import Version
from noria.registry.operations import get_version
from noria.serving.batching import Lane, Predict
from noria.serving.caching import CacheWatch, PredictionCache
from noria.serving.footprint import measured
from noria.serving.lineup import Elsewhere, Loaded, Scorer
from noria.serving.metrics import Metrics
from noria.serving.model import ServedModel
from noria.serving.pace import Pace
from noria.serving.seats import Seat, Seats
from noria.serving.shared_cache import RedisAnswers
from noria.serving.workers.native_scorer import NativeScorer
from noria.stores.parquet import read_parquet
from noria.workspace.workspace import Workspace

_log = logging.getLogger(__name__)

Key = tuple[str, int]
"""A model and a version's number."""

_WARM_UPS = 5
_RETRY_SECONDS = 30.0
_SPARE = 2
"""Versions that stay in memory after their last use: a rollback, or a swap back and forth, loads nothing."""
_GRACE_SECONDS = 5.0


class NotLoadable(NoriaError):
    """A version's files cannot be brought to answer on this machine."""

    code = "N6014"


class Loader:
    """Loads versions and keeps those in use. A version whose package digest is known needs no database."""

    def __init__(
        self,
        ws: Workspace,
        functions: Mapping[str, Callable[..., Any]],
        packages: Mapping[Key, str],
        models: Mapping[str, ServedModel],
        metrics: Metrics,
        seats: Seats,
    ) -> None:
        self._ws = ws
        self._functions = functions
        self._models = models
        self._metrics = metrics
        self._seats = seats
        self._opening = threading.Lock()
        self._retired: list[tuple[float, Loaded]] = []
        self._lock = threading.Lock()
        self._loaded: dict[Key, Loaded] = {}
        self._failed: dict[Key, tuple[float, NoriaError]] = {}
        self.packages = dict(packages)

    def load(self, model: str, number: int, online: OnlineFeatures) -> Loaded:
        """A version, ready to answer; one on demand as it is described, with the seat that brings it into memory.

        One that failed is tried again after half a minute.

        Raises GoldenMismatch when it does not reproduce its golden rows here, NotServable when it has no package,
        NotLoadable, WorkerFailed, WorkerDied, Corrupt or NotFound when its files are damaged or away, Unavailable
        when the database must be asked for its description and does not answer.
        """
        key = (model, number)
        with self._lock:
            since, error = self._failed.get(key, (0.0, None))
            if error is not None and monotonic() - since < _RETRY_SECONDS:
                raise error
            if key not in self._loaded:
                try:
                    self._loaded[key] = self._bring(key, online)
                except NoriaError as error:
                    self._failed[key] = (monotonic(), error)
                    raise
            self._loaded[key] = self._loaded.pop(key)  # the last used is the last one
            return self._loaded[key]

    def known_views(self) -> list[tuple[ViewSpec, ...]]:
        """The views of every version whose package is known and here."""
        found = []
        for key, digest in self.packages.items():
            try:
                found.append(load_package(self._ws, digest).inputs.views)
            except NoriaError as error:
                _log.warning("the package of version %s of %s cannot be read: %s", key[1], key[0], error)
        return found

    def keep_only(self, wanted: set[Key]) -> None:
        """Forget the others but those used last; requests that still use one hold it, for some seconds at least."""
        now = monotonic()
        with self._lock:
            kept = {*wanted, *[key for key in self._loaded if key not in wanted][-_SPARE:]}
            self._retired += [(now, loaded) for key, loaded in self._loaded.items() if key not in kept]
            over = [loaded for since, loaded in self._retired if now - since >= _GRACE_SECONDS]
            self._retired = [(since, loaded) for since, loaded in self._retired if now - since < _GRACE_SECONDS]
            self._loaded = {key: loaded for key, loaded in self._loaded.items() if key in kept}
            self.packages = {key: package for key, package in self.packages.items() if key in kept}
        for loaded in over:
            self._let_go(loaded)

    def close(self) -> None:
        """Let go of every version's threads and processes."""
        with self._lock:
            for loaded in (*self._loaded.values(), *(loaded for _, loaded in self._retired)):
                self._let_go(loaded)
            self._loaded, self._retired = {}, []

    def forget_failures(self) -> None:
        """Try again at once what failed."""
        with self._lock:
            self._failed = {}
            for loaded in self._loaded.values():
                if isinstance(loaded.seat, Seat):
                    self._seats.forgive(loaded.seat)

    def _bring(self, key: Key, online: OnlineFeatures) -> Loaded:
        with _telling(key):
            package = self._describe(key)
            vectorizer = Vectorizer(package.inputs, online, self._functions)
        served = self._models.get(key[0], ServedModel(package.inputs))
        open_version = partial(self._open, key, package, vectorizer, served)
        if served.load.on_demand:
            name = f"{key[0]}/{key[1]}"
            seat = Seat(self._seats, name, package.digest, package.bytes, served.load.idle, open_version)
            seat.apart = package.format == "native"
            return Loaded(*key, package, vectorizer, Elsewhere(), Pace(inline=False), seat=seat)
        loaded, size = measured(open_version, package.bytes)
        self._seats.pin(key, size)
        return loaded

    def _let_go(self, loaded: Loaded) -> None:
        if isinstance(loaded.seat, Seat):
            self._seats.drop(loaded.seat)
            return
        self._seats.pin((loaded.model, loaded.number), None)
        loaded.close()

    def _open(self, key: Key, package: Package, vectorizer: Vectorizer, served: ServedModel) -> Loaded:
        with self._opening, _telling(key):  # sessions are not officially safe to create side by side
            scorer, predict, pace = self._scorer(package, served)
            watch = self._metrics.lanes.watch(key[0])
            columns = [column.name for column in package.columns]
            lane = Lane(f"{key[0]} {key[1]}", predict, columns, served.lane, watch)
            cache, explainer = _cache(package, served, watch), self._explainer(package, scorer, predict)
            return Loaded(*key, package, vectorizer, scorer, pace, lane, cache, explainer)

    def _describe(self, key: Key) -> Package:
        if key not in self.packages:
            self.packages[key] = _package(get_version(self._ws, *key))
        return load_package(self._ws, self.packages[key])

    def _explainer(self, package: Package, scorer: Scorer, predict: Predict) -> Explainer:
        blobs = self._ws.blobs

        def trees() -> Trees | None:
            if isinstance(scorer, NativeScorer):
                return scorer.trees()
            return graph_trees(blobs.get(package.model), Session(blobs.path(package.model), package.columns))

        return Explainer(predict, package.columns, partial(_read_golden, self._ws, package), trees)

    def _scorer(self, package: Package, served: ServedModel) -> tuple[Scorer, Predict, Pace]:
        golden = _read_golden(self._ws, package)
        rows = golden.select([column.name for column in package.columns]).slice(0, _WARM_UPS).to_pylist()
        if package.format == "native":
            path = self._ws.blobs.path(package.model)
            scorer = NativeScorer(path, package.columns, package.frame, package.task, memory=served.lane.memory)
            try:
                check_golden(scorer.predict, golden)
            except BaseException:
                scorer.close()
                raise
            return scorer, scorer.predict, Pace(inline=False)
        session = Session(self._ws.blobs.path(served_graph(self._ws, package)), package.columns)
        session.check_golden(golden)
        times = sorted(_timed(session, row) for row in rows)
        return session, session.predict, Pace(times[len(times) // 2] if times else 0.0)


@contextmanager
def _telling(key: Key) -> Iterator[None]:
    """What a runtime raises for a graph it cannot use becomes NotLoadable."""
    try:
        yield
    except NoriaError:
        raise
    except Exception as error:
        raise NotLoadable(
            f"version {key[1]} of {key[0]!r} cannot be loaded: {type(error).__name__}: {error}",
            hint="it was packaged by other releases of the libraries, or its files are damaged; run again",
        ) from error


def _read_golden(ws: Workspace, package: Package) -> pa.Table:
    return read_parquet(ws.blobs.get(package.golden))


def _timed(session: Session, row: Mapping[str, Any]) -> float:
    began = thread_seconds()
    session.predict_row(row)
    return thread_seconds() - began


def _cache(package: Package, served: ServedModel, watch: CacheWatch) -> PredictionCache | None:
    rules = served.cache
    if rules is None:
        return None
    shared = RedisAnswers(rules.redis, rules.ttl) if rules.redis else None
    names = [column.name for column in package.columns]
    return PredictionCache(rules, package.digest, names, shared=shared, watch=watch)


def _package(version: Version) -> str:
    if not version.package:
        raise NotServable(
            f"version {version.number} of {version.model!r} was registered by a client and has no package",
            hint="let `noria run` make a version; Noria serves what it packaged and compared itself",
        )
    return version.package
