"""Explanations of one packaged model: exact where the graph ends in trees whose features each come of one column."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from noria.features.model import InputColumn
from noria.optimization.explaining.ensembles import read_ensemble
from noria.optimization.explaining.model import Explanation
from noria.optimization.explaining.permuting import Predict, permuted
from noria.optimization.explaining.trees import TreeGame
from noria.optimization.session import Session

Array = np.ndarray[Any, Any]
_log = logging.getLogger(__name__)
_TOLERANCE = 1e-4
_FAR = 1e6


class Explainer:
    """Explains answers of `predict` to rows with `columns`, against the rows of `golden`.

    `graph` opens the packaged graph, for a model that has one. Nothing is read before the first explanation.
    Safe to use from several threads.
    """

    def __init__(
        self,
        predict: Predict,
        columns: Sequence[InputColumn],
        golden: Callable[[], pa.Table],
        graph: Callable[[], tuple[bytes, Session]] | None = None,
    ) -> None:
        self._predict = predict
        self._columns = tuple(columns)
        self._names = [column.name for column in columns]
        self._golden = golden
        self._graph = graph
        self._lock = threading.Lock()
        self._background: dict[str, list[Any]] | None = None
        self._trees: _Trees | None = None

    def explain(self, row: Mapping[str, Any]) -> Explanation:
        """Why the answer to a row is what it is. Raises what the model raises."""
        with self._lock:
            if self._background is None:
                background = self._golden().select(self._names).to_pydict()
                self._trees = self._open_trees(background)
                self._background = background
        if self._trees is not None:
            found = self._trees.explain(row)
            if found is not None:
                return found
        base, shares = permuted(self._predict, self._names, row, self._background)
        total = base + float(shares.sum())
        return Explanation(base, dict(zip(self._names, shares.tolist(), strict=True)), total, "output", "permutation")

    def _open_trees(self, background: Mapping[str, list[Any]]) -> _Trees | None:
        if self._graph is None:
            return None
        content, session = self._graph()
        try:
            return _open_trees(content, session, self._columns, background)
        except Exception as error:  # whatever a runtime raises for a graph that is none of those known here
            _log.warning("the graph is no ensemble that can be read, so answers are explained by trying: %s", error)
            return None


class _Trees:
    """A graph of which is known how it makes features of columns, and its answer of the trees' total."""

    def __init__(
        self, session: Session, features: _Features, game: TreeGame, names: Sequence[str], logistic: bool, shift: float
    ) -> None:
        self._session, self._features, self._game = session, features, game
        self._names, self._logistic, self._shift = names, logistic, shift

    def explain(self, row: Mapping[str, Any]) -> Explanation | None:
        """The exact explanation; None when it does not make the answer after all."""
        values = {name: [row[name]] for name in self._names}
        shares = self._game.shapley(self._features(values)[0])
        base = self._game.base + self._shift
        total = base + float(shares.sum())
        answer = 1 / (1 + np.exp(-total)) if self._logistic else total
        if not abs(answer - self._session.predict(values)[0]) <= _TOLERANCE * max(1.0, abs(answer)):
            return None
        told = dict(zip(self._names, shares.tolist(), strict=True))
        return Explanation(base, told, total, "log-odds" if self._logistic else "output", "trees")


class _Features:
    """What the graph makes of columns before its trees: (rows, features)."""

    def __init__(self, content: bytes, tensor: str, session: Session) -> None:
        import onnx
        import onnxruntime as ort

        model = onnx.load_from_string(content)
        if all(one.name != tensor for one in (*model.graph.output, *model.graph.input)):
            model.graph.output.append(onnx.ValueInfoProto(name=tensor))
        self._given = any(one.name == tensor for one in model.graph.input)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._run = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run
        self._tensor, self._session = tensor, session

    def __call__(self, values: Mapping[str, Sequence[Any]]) -> Array:
        feed = self._session.feed(values)
        found: Array = feed[self._tensor] if self._given else self._run([self._tensor], feed)[0]
        return found if found.dtype == np.float64 else found.astype(np.float32)


def _open_trees(
    content: bytes, session: Session, columns: Sequence[InputColumn], background: Mapping[str, list[Any]]
) -> _Trees | None:
    import onnx

    ensemble = read_ensemble(onnx.load_from_string(content).graph)
    if ensemble is None:
        return None
    features = _Features(content, ensemble.tensor, session)
    seen = features(background)
    owner = _owners(features, columns, background, seen)
    used = np.unique(ensemble.feature)
    if owner is None or np.any(owner[used] == -2):
        return None
    game = TreeGame(ensemble, np.maximum(owner, 0), len(columns), seen)
    link = _link(game.totals(seen), session.predict(background))
    return None if link is None else _Trees(session, features, game, [one.name for one in columns], *link)


def _owners(
    features: _Features, columns: Sequence[InputColumn], background: Mapping[str, list[Any]], seen: Array
) -> Array | None:
    """Which column each feature changes with, found by trying: -1 with none, -2 with several."""
    owner = np.full(seen.shape[1], -1)
    for number, column in enumerate(columns):
        changed = np.zeros(seen.shape[1], bool)
        for tried in _others(column, background[column.name]):
            try:
                now = features({**background, column.name: tried})
            except Exception:
                continue  # the graph itself refuses such values, whatever its runtime raises: none will come
            changed |= ~((now == seen) | (np.isnan(now) & np.isnan(seen))).all(axis=0)
        owner = np.where(changed, np.where(owner == -1, number, -2), owner)
    return owner


def _others(column: InputColumn, values: list[Any]) -> list[list[Any]]:
    """The same column with other values: each row another row's, far ones, nulls."""
    tried = [values[1:] + values[:1], values[::-1]]
    if column.dtype == "string":
        tried += [["\x00 never seen"] * len(values), *([one] * len(values) for one in {*values} if one is not None)]
    elif column.dtype == "bool":
        tried += [[True] * len(values), [False] * len(values)]
    else:
        kind = float if column.dtype == "float" else int
        tried += [[kind(far)] * len(values) for far in (-_FAR, 0, _FAR)]
    return [*tried, [None] * len(values)] if column.nullable else tried


def _link(totals: Array, answers: Array) -> tuple[bool, float] | None:
    """Whether answers are the logistic function of totals, and what is added to these first; None: neither is so."""
    shift = float(np.median(answers - totals))
    scale = np.maximum(1.0, np.abs(answers))
    if np.all(np.abs(totals + shift - answers) <= _TOLERANCE * scale):
        return False, shift
    if np.any(answers < 0) or np.any(answers > 1):
        return None
    inner = np.clip(answers, 1e-6, 1 - 1e-6)
    shift = float(np.median(np.log(inner / (1 - inner)) - totals))
    if np.all(np.abs(1 / (1 + np.exp(-(totals + shift))) - answers) <= _TOLERANCE):
        return True, shift
    return None
