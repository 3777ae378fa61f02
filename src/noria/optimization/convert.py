"""Converting a fitted scikit-learn model, preprocessing included, to one ONNX graph with one input a column.

Floats are single precision where that answers like the model, because trees compare in it anyway and it is
half the size; a graph in double precision is the second choice (linear models on large numbers need it).
Trees have no double form in ONNX: a row that lies within 1e-7 of a threshold can fall on its other side.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from noria.core.errors import BadInput
from noria.features.model import InputColumn
from noria.optimization.feed import takes_float

Conversion = Callable[[], bytes]
_WHOLE = "noria_inputs"


class NotConvertible(BadInput):
    """A model that has no ONNX form here; it stays native."""

    code = "N4204"


def to_onnx(model: Any, columns: Sequence[InputColumn]) -> bytes:
    """The preferred graph's bytes, not compared with anything yet. Raises NotConvertible."""
    return next(conversions(model, columns))()


def conversions(model: Any, columns: Sequence[InputColumn]) -> Iterator[Conversion]:
    """Ways to convert, the preferred one first; each gives a graph's bytes or raises NotConvertible.

    The same model gives the same bytes, in any process. A model that was fitted on a plain matrix is
    converted as such, and the graph puts the matrix together from the columns.
    """
    for column in columns:
        if column.dtype == "time":
            reason = f"{column.name} is a time, which has no ONNX form"
            raise NotConvertible(reason, hint="make a number of it with a feature function")
    plain = _with_empty_for_null(model)
    if _splits_on_missing(plain):
        raise NotConvertible(
            "a tree of it splits on whether a value is missing, which skl2onnx cannot express",
            hint="fill the nulls first, or use HistGradientBoosting",
        )
    for double in (False, True):
        yield lambda double=double: _by_column(plain, columns, double)  # type: ignore[misc]
    if not any(column.dtype == "string" for column in columns):
        for double in (False, True):
            yield lambda double=double: _as_matrix(plain, columns, double)  # type: ignore[misc]


def _by_column(model: Any, columns: Sequence[InputColumn], double: bool) -> bytes:
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType

    floats = DoubleTensorType if double else FloatTensorType

    def kind(column: InputColumn) -> Any:
        if column.dtype == "string":
            return StringTensorType
        return floats if takes_float(column) else Int64TensorType

    return _bytes(_converted(model, [(column.name, kind(column)([None, 1])) for column in columns]))


def _as_matrix(model: Any, columns: Sequence[InputColumn], double: bool) -> bytes:
    from onnx import TensorProto, helper
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    floats, number = (DoubleTensorType, TensorProto.DOUBLE) if double else (FloatTensorType, TensorProto.FLOAT)
    proto = _converted(model, [(_WHOLE, floats([None, len(columns)]))])
    inputs, casts, names = [], [], []
    for place, column in enumerate(columns):
        name = f"noria_column_{place}"
        given = number if takes_float(column) else TensorProto.INT64
        inputs.append(helper.make_tensor_value_info(name, given, [None, 1]))
        casts.append(helper.make_node("Cast", [name], [f"{name}_cast"], to=number))
        names.append(f"{name}_cast")
    nodes = [*casts, helper.make_node("Concat", names, [_WHOLE], axis=1), *proto.graph.node]
    del proto.graph.input[:], proto.graph.node[:]
    proto.graph.input.extend(inputs)
    proto.graph.node.extend(nodes)
    if not any(one.domain == "" for one in proto.opset_import):
        proto.opset_import.append(helper.make_opsetid("", 17))  # a graph of ai.onnx.ml alone lacks Cast and Concat
    return _bytes(proto)


def _converted(model: Any, types: list[tuple[str, Any]]) -> Any:
    import skl2onnx

    options = {"zipmap": False} if hasattr(model, "predict_proba") else None
    try:
        return skl2onnx.to_onnx(model, initial_types=types, options=options)
    except Exception as error:  # converters raise whatever they like
        raise NotConvertible(f"skl2onnx cannot convert it: {type(error).__name__}: {_first_line(error)}") from error


def _bytes(proto: Any) -> bytes:
    proto.doc_string = ""
    proto.producer_version = ""
    domains = sorted(proto.opset_import, key=lambda one: str(one.domain))  # they come in the order of a set
    del proto.opset_import[:]
    proto.opset_import.extend(domains)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _with_empty_for_null(model: Any) -> Any:
    """The model with the empty text in place of None or NaN among its encoders' categories, as the graph is fed.

    An encoder that knows both is left alone: the graph could not tell them apart, and the comparison will say so.
    """
    from sklearn.base import BaseEstimator

    if not isinstance(model, BaseEstimator):
        return model
    plain = copy.deepcopy(model)
    for encoder in _encoders(plain):
        for categories in encoder.categories_:
            nulls = [place for place, text in enumerate(categories) if text is None or text != text]
            if len(nulls) == 1 and categories.dtype == object and "" not in list(categories):
                categories[nulls[0]] = ""
    return plain


def _splits_on_missing(model: Any) -> bool:
    """Whether a tree has an infinite threshold, that is "missing or not"; skl2onnx would never end on it."""
    import numpy as np

    trees = (one.tree_ for one in _parts(model, set()) if hasattr(one, "tree_"))
    return any(bool(np.isinf(tree.threshold).any()) for tree in trees)


def _encoders(model: Any) -> Iterator[Any]:
    return (one for one in _parts(model, set()) if isinstance(getattr(one, "categories_", None), list))


def _parts(part: Any, seen: set[int]) -> Iterator[Any]:
    """Every estimator inside an estimator, itself first."""
    import numpy as np
    from sklearn.base import BaseEstimator

    if id(part) in seen:
        return
    seen.add(id(part))
    inside: list[Any] = []
    if isinstance(part, BaseEstimator):
        yield part
        inside = list(vars(part).values())
    elif isinstance(part, list | tuple):
        inside = list(part)
    elif isinstance(part, dict):
        inside = list(part.values())
    elif isinstance(part, np.ndarray) and part.dtype == object:  # gradient boosting keeps its trees in one
        inside = list(part.flat)
    for one in inside:
        yield from _parts(one, seen)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
