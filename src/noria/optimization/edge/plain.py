"""The same graph in core operators alone, for runtimes that know no ai.onnx.ml, such as OpenVINO.

Trees, linear models, scalers and encoders are written out in what every runtime has. Texts become codes: the graph's
input is then the place of a text in a vocabulary, and what is not in it has the code after the last. Only the answer
is kept, not the label. Whether the new graph answers alike is for the caller to try.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from noria.optimization.edge import trees
from noria.optimization.edge.graph import Builder, NoPlainForm, attributes_of, post_transform, two_classes

_OPSET = 17
"""The operators are those of this set, where the graph does not name a newer one."""
_ML = "ai.onnx.ml"
_MOVING = {"Concat", "Gather", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Transpose"}
"""Core operators that only move values, and so take codes where they took texts."""


@dataclass(frozen=True)
class Plain:
    """The graph's bytes, and the vocabulary of its text inputs; empty where it has none."""

    content: bytes
    vocabulary: tuple[str, ...]


def plain(content: bytes) -> Plain:
    """The graph in core operators. Raises NoPlainForm saying which operator has none."""
    import onnx
    from onnx import helper

    model = onnx.load_from_string(content)
    graph = model.graph
    answer = graph.output[-1].name
    live = _live(graph, answer)
    texts = sorted({text for node in live for text in _texts_of(node)})
    build = Builder(_types(model))
    coded = _code_inputs(build, graph)
    for node in live:
        _rewrite(build, node, texts, coded)
    opset = max([_OPSET, *(one.version for one in model.opset_import if one.domain == "")])
    used = {name for node in build.nodes for name in node.input}
    kept = [one for one in (*graph.initializer, *build.constants) if one.name in used]
    fresh = helper.make_graph(build.nodes, "plain", graph.input, [graph.output[-1]], kept)
    made = helper.make_model(
        fresh, opset_imports=[helper.make_opsetid("", opset)], ir_version=min(model.ir_version, 10)
    )
    try:
        onnx.checker.check_model(made, full_check=True)
    except Exception as error:  # the checker's own, and those of shape inference
        raise NoPlainForm(f"its graph in core operators is none: {str(error)[:200]}") from error
    return Plain(made.SerializeToString(deterministic=True), tuple(texts) if coded else ())


def _live(graph: Any, answer: str) -> list[Any]:
    """The nodes that the answer needs, in their order."""
    wanted, kept = {answer}, []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _types(model: Any) -> dict[str, int]:
    import onnx

    known = onnx.shape_inference.infer_shapes(model).graph
    named = [*known.input, *known.value_info, *known.output]
    return {one.name: one.type.tensor_type.elem_type for one in named} | {
        one.name: one.data_type for one in known.initializer
    }


def _code_inputs(build: Builder, graph: Any) -> set[str]:
    """Make the text inputs whole numbers; the names of tensors that hold codes, to be added to on the way."""
    from onnx import TensorProto

    coded = set()
    for one in graph.input:
        if one.type.tensor_type.elem_type == TensorProto.STRING:
            one.type.tensor_type.elem_type = TensorProto.INT64
            build.types[one.name] = TensorProto.INT64
            coded.add(one.name)
    return coded


def _texts_of(node: Any) -> list[str]:
    given = attributes_of(node) if node.domain == _ML and node.op_type in ("LabelEncoder", "OneHotEncoder") else {}
    return [text.decode() for text in (given.get("keys_strings") or given.get("cats_strings") or [])]


def _rewrite(build: Builder, node: Any, texts: list[str], coded: set[str]) -> None:
    codes = any(name in coded for name in node.input)
    if node.domain == _ML:
        known = _REWRITES.get(node.op_type)
        if known is None:
            raise NoPlainForm(f"{node.op_type} has no form in core operators here")
        known(build, node, texts if codes else [])
        return
    if node.domain:
        raise NoPlainForm(f"{node.op_type} is an operator of {node.domain}")
    if codes and not (node.op_type in _MOVING or _text_to_text(node)):
        raise NoPlainForm(f"{node.op_type} works on texts, and its codes are none")
    if codes:
        coded |= set(node.output)
    if codes and node.op_type == "Cast":
        build.add("Identity", node.input[0], output=node.output[0])
    else:
        build.nodes.append(node)


def _text_to_text(node: Any) -> bool:
    from onnx import TensorProto

    return node.op_type == "Cast" and attributes_of(node)["to"] == TensorProto.STRING


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


def _scaler(build: Builder, node: Any, texts: list[str]) -> None:
    given, single = attributes_of(node), _single(build, node.input[0])
    moved = build.add("Sub", single, build.constant(np.array(given["offset"], np.float32)))
    build.add("Mul", moved, build.constant(np.array(given["scale"], np.float32)), output=node.output[0])


def _vectorizer(build: Builder, node: Any, texts: list[str]) -> None:
    build.add("Concat", *[_single(build, name) for name in node.input], output=node.output[0], axis=1)


def _imputer(build: Builder, node: Any, texts: list[str]) -> None:
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


def _normalizer(build: Builder, node: Any, texts: list[str]) -> None:
    norm, single = attributes_of(node).get("norm", b"MAX"), _single(build, node.input[0])
    axis = build.constant(np.array([1], np.int64))
    if norm == b"L1":
        size = build.add("ReduceSum", build.add("Abs", single), axis, keepdims=1)
    elif norm == b"L2":
        size = build.add("Sqrt", build.add("ReduceSum", build.add("Mul", single, single), axis, keepdims=1))
    else:
        raise NoPlainForm("Normalizer by the largest value has no form in core operators here")
    build.add("Div", single, size, output=node.output[0])


def _linear(build: Builder, node: Any, rows: int) -> str:
    given, single = attributes_of(node), _single(build, node.input[0])
    weights = np.array(given["coefficients"], np.float32).reshape(rows, -1).T
    scores = build.add("MatMul", single, build.constant(weights))
    start = given.get("intercepts")
    return scores if start is None else build.add("Add", scores, build.constant(np.array(start, np.float32)))


def _linear_regressor(build: Builder, node: Any, texts: list[str]) -> None:
    given = attributes_of(node)
    scores = _linear(build, node, given.get("targets", 1))
    post_transform(build, scores, given.get("post_transform", b"NONE"), node.output[0])


def _linear_classifier(build: Builder, node: Any, texts: list[str]) -> None:
    given = attributes_of(node)
    classes = len(given.get("classlabels_ints") or given.get("classlabels_strings") or ())
    scores, kind = _linear(build, node, len(given["intercepts"])), given.get("post_transform", b"NONE")
    if len(given["intercepts"]) == 1 and classes == 2:
        two_classes(build, scores, kind, node.output[1], chance=False)
    else:
        post_transform(build, scores, kind, node.output[1])


def _single(build: Builder, name: str) -> str:
    from onnx import TensorProto

    return name if build.types.get(name) == TensorProto.FLOAT else build.add("Cast", name, to=TensorProto.FLOAT)


_REWRITES: dict[str, Callable[[Builder, Any, list[str]], None]] = {
    "FeatureVectorizer": _vectorizer,
    "Imputer": _imputer,
    "LabelEncoder": _label_encoder,
    "LinearClassifier": _linear_classifier,
    "LinearRegressor": _linear_regressor,
    "Normalizer": _normalizer,
    "OneHotEncoder": _one_hot,
    "Scaler": _scaler,
    "TreeEnsembleClassifier": lambda build, node, texts: trees.classifier(build, node),
    "TreeEnsembleRegressor": lambda build, node, texts: trees.regressor(build, node),
}
"""How each operator of ai.onnx.ml is written out."""
