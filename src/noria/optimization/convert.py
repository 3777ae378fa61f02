"""Converting a fitted scikit-learn model, preprocessing included, to one ONNX graph with one input a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from noria.core.errors import BadInput
from noria.features.model import InputColumn
from noria.optimization.feed import dtype


class NotConvertible(BadInput):
    """A model that has no ONNX form here; it stays native."""

    code = "N4204"


def to_onnx(model: Any, columns: Sequence[InputColumn]) -> bytes:
    """The graph's bytes, the same for the same model. Raises NotConvertible with the converter's reason."""
    if any(column.dtype == "time" for column in columns):
        raise NotConvertible("a time column has no ONNX form", hint="make a number of it with a feature function")
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    kinds = {object: StringTensorType, np.float32: FloatTensorType, np.int64: Int64TensorType}
    types = [(column.name, kinds[dtype(column)]([None, 1])) for column in columns]
    options = {"zipmap": False} if hasattr(model, "predict_proba") else None
    try:
        graph = skl2onnx.to_onnx(model, initial_types=types, options=options)
    except Exception as error:  # converters raise whatever they like
        raise NotConvertible(f"skl2onnx cannot convert it: {type(error).__name__}: {_first_line(error)}") from error
    graph.doc_string = ""
    graph.producer_version = ""
    domains = sorted(graph.opset_import, key=lambda one: str(one.domain))  # they come in the order of a set
    del graph.opset_import[:]
    graph.opset_import.extend(domains)
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
