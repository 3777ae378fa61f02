"""Explanations of one packaged model: exact where it ends in trees whose features each come of one column."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from noria.features.model import InputColumn
from noria.optimization.explaining.ensembles import Ensemble, read_ensemble
from noria.optimization.explaining.model import Explanation
from noria.optimization.explaining.permuting import Predict, permuted
from noria.optimization.explaining.trees import TreeGame
from noria.optimization.session import Session

Array = np.ndarray[Any, Any]
_log = logging.getLogger(__name__)
_TOLERANCE = 1e-4
_FAR = 1e6


class Trees(NamedTuple):
    """The trees that a model ends in, what makes their features of columns, (rows, features), and its answers."""

    ensemble: Ensemble
    features: Callable[[Mapping[str, Sequence[Any]]], Array]
    predict: Predict


class Explainer:
    """Explains answers of `predict` to rows with `columns`, against the rows of `golden`.

    `trees` reads the model's trees, None when it has none. Nothing is read before the first explanation.
    Safe to use from several threads.
    """

    def __init__(
        self,
        predict: Predict,
        columns: Sequence[InputColumn],
        golden: Callable[[], pa.Table],
        trees: Callable[[], Trees | None] | None = None,
    ) -> None:
        self._predict = predict
        self._columns = tuple(columns)
        self._names = [column.name for column in columns]
        self._golden = golden
        self._read_trees = trees
        self._lock = threading.Lock()
        self._background: dict[str, list[Any]] | None = None
        self._trees: _Game | None = None

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

    def _open_trees(self, background: Mapping[str, list[Any]]) -> _Game | None:
        if self._read_trees is None:
            return None
        try:
            trees = self._read_trees()
            return None if trees is None else _open_game(trees, self._columns, background)
        except Exception as error:  # whatever a runtime raises for a model that is none of those known here
            _log.warning("the model is no ensemble that can be read, so answers are explained by trying: %s", error)
            return None


class _Game:
    """Trees of which is known how features are made of columns, and the answer of the trees' total."""

    def __init__(self, trees: Trees, game: TreeGame, names: Sequence[str], logistic: bool, shift: float) -> None:
        self._trees, self._game = trees, game
        self._names, self._logistic, self._shift = names, logistic, shift

    def explain(self, row: Mapping[str, Any]) -> Explanation | None:
        """The exact explanation; None when it does not make the answer after all."""
        values = {name: [row[name]] for name in self._names}
        shares = self._game.shapley(self._trees.features(values)[0])
        base = self._game.base + self._shift
        total = base + float(shares.sum())
        answer = 1 / (1 + np.exp(-total)) if self._logistic else total
        if not abs(answer - self._trees.predict(values)[0]) <= _TOLERANCE * max(1.0, abs(answer)):
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


def graph_trees(content: bytes, session: Session) -> Trees | None:
    """The trees of a packaged graph; None when it does not end in some."""
    import onnx

    ensemble = read_ensemble(onnx.load_from_string(content).graph)
    return None if ensemble is None else Trees(ensemble, _Features(content, ensemble.tensor, session), session.predict)


def _open_game(trees: Trees, columns: Sequence[InputColumn], background: Mapping[str, list[Any]]) -> _Game | None:
    seen = trees.features(background)
    owner = _owners(trees, columns, background, seen)
    if np.any(owner[np.unique(trees.ensemble.feature)] == -2):
        return None
    game = TreeGame(trees.ensemble, np.maximum(owner, 0), len(columns), seen)
    link = _link(game.totals(seen), trees.predict(background))
    return None if link is None else _Game(trees, game, [one.name for one in columns], *link)


def _owners(trees: Trees, columns: Sequence[InputColumn], background: Mapping[str, list[Any]], seen: Array) -> Array:
    """Which column each feature changes with, found by trying: -1 with none, -2 with several."""
    owner = np.full(seen.shape[1], -1)
    for number, column in enumerate(columns):
        changed = np.zeros(seen.shape[1], bool)
        for tried in _others(column, background[column.name]):
            try:
                now = trees.features({**background, column.name: tried})
            except Exception:
                continue  # the model itself refuses such values, whatever its runtime raises: none will come
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
