"""Operators of ai.onnx.ml, each written out in core operators with the same output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from noria.optimization.edge import trees
from noria.optimization.edge.graph import Builder, NoPlainForm, attributes_of, one_value, post_transform, two_classes


def _label_encoder(build: Builder, node: Any, texts: list[str]) -> None:
    given = attributes_of(node)
    keys = given.get("keys_strings")
    if not texts or keys is None:
        raise NoPlainForm("LabelEncoder of numbers has no form in core operators here")
    kind, other, width = (
        ("values_floats", "default_float", np.float32)
        if "values_floats" in given
        else ("values_int64s", "default_int64", np.int64)
    )
    if kind not in given:
        raise NoPlainForm("LabelEncoder from text to text has no form in core operators here")
    table = np.full(len(texts) + 1, given.get(other, -1 if width is np.int64 else 0.0), width)
    for key, value in zip(keys, given[kind], strict=True):
        table[texts.index(key.decode())] = value
    build.add("Gather", build.constant(table), node.input[0], output=node.output[0])


def _one_hot(build: Builder, node: Any, texts: list[str]) -> None:
    from onnx import TensorProto

    given = attributes_of(node)
    if not given.get("zeros", 1):
        raise NoPlainForm("OneHotEncoder that refuses what it does not know has no form in core operators here")
    if texts:
        known = np.array([texts.index(one.decode()) for one in given["cats_strings"]], np.int64)
        whole = node.input[0]
    else:
        known = np.array(given.get("cats_int64s", []), np.int64)
        whole = build.add("Cast", node.input[0], to=TensorProto.INT64)
    beside = build.add("Unsqueeze", whole, build.constant(np.array([-1], np.int64)))
    build.add("Cast", build.add("Equal", beside, build.constant(known)), to=TensorProto.FLOAT, output=node.output[0])


def _scaler(build: Builder, node: Any) -> None:
    given, single = attributes_of(node), _single(build, node.input[0])
    moved = build.add("Sub", single, build.constant(np.array(given["offset"], np.float32)))
    build.add("Mul", moved, build.constant(np.array(given["scale"], np.float32)), output=node.output[0])


def _vectorizer(build: Builder, node: Any) -> None:
    build.add("Concat", *[_single(build, name) for name in node.input], output=node.output[0], axis=1)


def _imputer(build: Builder, node: Any) -> None:
    given = attributes_of(node)
    if "imputed_value_floats" not in given:
        raise NoPlainForm("Imputer of whole numbers has no form in core operators here")
    name, kind = build.floats(node.input[0])
    instead = build.constant(np.array(given["imputed_value_floats"], kind))
    replaced = given.get("replaced_value_float", 0.0)
    gone = (
        build.add("IsNaN", name)
        if np.isnan(replaced)
        else build.add("Equal", name, build.constant(np.array(replaced, kind)))
    )
    build.add("Where", gone, instead, name, output=node.output[0])


def _normalizer(build: Builder, node: Any) -> None:
    norm, single = attributes_of(node).get("norm", b"MAX"), _single(build, node.input[0])
    axis = build.constant(np.array([1], np.int64))
    if norm == b"L1":
        size = build.add("ReduceSum", build.add("Abs", single), axis, keepdims=1)
    elif norm == b"L2":
        size = build.add("Sqrt", build.add("ReduceSum", build.add("Mul", single, single), axis, keepdims=1))
    else:
        raise NoPlainForm("Normalizer by the largest value has no form in core operators here")
    build.add("Div", single, size, output=node.output[0])


def _extractor(build: Builder, node: Any) -> None:
    places = build.add("Reshape", node.input[1], build.constant(np.array([-1], np.int64)))
    build.add("Gather", node.input[0], places, output=node.output[0], axis=1)


def _linear(build: Builder, node: Any, rows: int) -> str:
    given, single = attributes_of(node), _single(build, node.input[0])
    weights = np.array(given["coefficients"], np.float32).reshape(rows, -1).T
    scores = build.add("MatMul", single, build.constant(weights))
    start = given.get("intercepts")
    return scores if start is None else build.add("Add", scores, build.constant(np.array(start, np.float32)))


def _linear_regressor(build: Builder, node: Any) -> None:
    given = attributes_of(node)
    targets = given.get("targets", 1)
    finish = one_value if targets == 1 else post_transform
    finish(build, _linear(build, node, targets), given.get("post_transform", b"NONE"), node.output[0])


def _linear_classifier(build: Builder, node: Any) -> None:
    given = attributes_of(node)
    classes = len(given.get("classlabels_ints") or given.get("classlabels_strings") or ())
    scores, kind = _linear(build, node, len(given["intercepts"])), given.get("post_transform", b"NONE")
    if len(given["intercepts"]) == 1 and classes == 2:
        two_classes(build, scores, kind, node.output[1], chance=True)
    else:
        post_transform(build, scores, kind, node.output[1])


def _single(build: Builder, name: str) -> str:
    from onnx import TensorProto

    return name if build.types.get(name) == TensorProto.FLOAT else build.add("Cast", name, to=TensorProto.FLOAT)


ON_TEXTS: dict[str, Callable[[Builder, Any, list[str]], None]] = {
    "LabelEncoder": _label_encoder,
    "OneHotEncoder": _one_hot,
}
"""Operators that may take texts, of which they get the codes: places in a vocabulary, which is their third argument."""
ON_NUMBERS: dict[str, Callable[[Builder, Any], None]] = {
    "ArrayFeatureExtractor": _extractor,
    "FeatureVectorizer": _vectorizer,
    "Imputer": _imputer,
    "LinearClassifier": _linear_classifier,
    "LinearRegressor": _linear_regressor,
    "Normalizer": _normalizer,
    "Scaler": _scaler,
    "TreeEnsembleClassifier": trees.classifier,
    "TreeEnsembleRegressor": trees.regressor,
}
