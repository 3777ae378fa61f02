"""Versions brought into memory: opened, checked against their golden rows, warmed up. Done in a thread, once each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from noria.core.clock import monotonic
from noria.core.errors import NoriaError
from noria.features.model import ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.features.vector import Vectorizer
from noria.optimization.model import NotServable, Package
from noria.optimization.operations import load_package, served_graph
from noria.optimization.session import Session
from noria.registry.model import Version
from noria.registry.operations import get_version
from noria.serving.lineup import Loaded
from noria.stores.parquet import read_parquet
from noria.workspace.workspace import Workspace

_log = logging.getLogger(__name__)

Key = tuple[str, int]
"""A model and a version's number."""

_WARM_UPS = 5
_RETRY_SECONDS = 30.0
_SPARE = 2
"""Versions that stay in memory after their last use: a rollback, or a swap back and forth, loads nothing."""


class NotLoadable(NoriaError):
    """A version's files cannot be brought to answer on this machine."""

    code = "N6014"


class Loader:
    """Loads versions and keeps those in use. A version whose package digest is known needs no database."""

    def __init__(self, ws: Workspace, functions: Mapping[str, Callable[..., Any]], packages: Mapping[Key, str]) -> None:
        self._ws = ws
        self._functions = functions
        self._lock = threading.Lock()
        self._loaded: dict[Key, Loaded] = {}
        self._failed: dict[Key, tuple[float, NoriaError]] = {}
        self.packages = dict(packages)

    def load(self, model: str, number: int, online: OnlineFeatures) -> Loaded:
        """A version, ready to answer. One that failed is tried again after half a minute.

        Raises GoldenMismatch when it does not reproduce its golden rows here, NotServable when it is native,
        NotLoadable, Corrupt or NotFound when its files are damaged or away, Unavailable when the database
        must be asked for its description and does not answer.
        """
        key = (model, number)
        with self._lock:  # sessions are not officially safe to create side by side
            since, error = self._failed.get(key, (0.0, None))
            if error is not None and monotonic() - since < _RETRY_SECONDS:
                raise error
            if key not in self._loaded:
                try:
                    self._loaded[key] = self._open(key, online)
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
        """Forget the others but those used last; requests that still use one hold it until they end."""
        with self._lock:
            spare = [key for key in self._loaded if key not in wanted][-_SPARE:]
            self._loaded = {key: one for key, one in self._loaded.items() if key in wanted or key in spare}
            self.packages = {key: one for key, one in self.packages.items() if key in wanted or key in spare}

    def forget_failures(self) -> None:
        """Try again at once what failed."""
        with self._lock:
            self._failed = {}

    def _open(self, key: Key, online: OnlineFeatures) -> Loaded:
        try:
            package = self._describe(key)
            vectorizer = Vectorizer(package.inputs, online, self._functions)
            return Loaded(*key, package, vectorizer, self._session(package))
        except NoriaError:
            raise
        except Exception as error:  # whatever a runtime raises for a graph it cannot use
            raise NotLoadable(
                f"version {key[1]} of {key[0]!r} cannot be loaded: {type(error).__name__}: {error}",
                hint="it was packaged by other releases of the libraries, or its files are damaged; run again",
            ) from error

    def _describe(self, key: Key) -> Package:
        if key not in self.packages:
            self.packages[key] = _package(get_version(self._ws, *key))
        package = load_package(self._ws, self.packages[key])
        if package.format != "onnx":
            raise NotServable(
                f"version {key[1]} of {key[0]!r} is native: {package.why_native or 'it was not converted'}",
                hint="use an estimator that converts to ONNX; no pickle is loaded in a server",
            )
        return package

    def _session(self, package: Package) -> Session:
        session = Session(self._ws.blobs.path(served_graph(self._ws, package)), package.columns)
        golden = read_parquet(self._ws.blobs.get(package.golden))
        session.check_golden(golden)
        for row in golden.select([column.name for column in package.columns]).slice(0, _WARM_UPS).to_pylist():
            session.predict_row(row)
        return session


def _package(version: Version) -> str:
    if not version.package:
        raise NotServable(
            f"version {version.number} of {version.model!r} was registered by a client and has no package",
            hint="let `noria run` make a version; Noria serves what it packaged and compared itself",
        )
    return version.package
