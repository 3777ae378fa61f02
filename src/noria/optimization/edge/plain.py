"""The same graph in core operators alone, for runtimes that know no ai.onnx.ml, such as OpenVINO.

Trees, linear models, scalers and encoders are written out in what every runtime has. Texts become codes: the graph's
input is then the place of a text in a vocabulary, and what is not in it has the code after the last. Only the answer
is kept, not the label. Whether the new graph answers alike is for the caller to try.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from noria.optimization.edge.graph import Builder, NoPlainForm, attributes_of
from noria.optimization.edge.operators import ON_NUMBERS, ON_TEXTS

_OPSET = 17
"""The operators are those of this set, where the graph does not name a newer one."""
_ML = "ai.onnx.ml"
_MOVING = {
    "ArrayFeatureExtractor", "Concat", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze",
    "Transpose", "Unsqueeze",
}  # fmt: skip
"""Operators that only move values, and so take codes where they took texts."""


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


def has_doubles(content: bytes) -> bool:
    """Whether anything in a graph is computed in double precision, which OpenVINO would do in single without a word."""
    import onnx
    from onnx import TensorProto

    return TensorProto.DOUBLE in _types(onnx.load_from_string(content)).values()


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
    given = attributes_of(node) if node.domain == _ML and node.op_type in ON_TEXTS else {}
    return [text.decode() for text in (given.get("keys_strings") or given.get("cats_strings") or [])]


def _rewrite(build: Builder, node: Any, texts: list[str], coded: set[str]) -> None:
    codes = any(name in coded for name in node.input)
    if codes and (node.op_type in _MOVING or _text_to_text(node)):
        coded |= set(node.output)
    if node.domain == _ML and node.op_type in ON_TEXTS:
        ON_TEXTS[node.op_type](build, node, texts if codes else [])
        return
    if node.domain == _ML and node.op_type in ON_NUMBERS and (not codes or node.op_type in _MOVING):
        ON_NUMBERS[node.op_type](build, node)
        return
    if node.domain:
        raise NoPlainForm(f"{node.op_type} of {node.domain} has no form in core operators here")
    if codes and not (node.op_type in _MOVING or _text_to_text(node)):
        raise NoPlainForm(f"{node.op_type} works on texts, and its codes are none")
    if codes and node.op_type == "Cast":
        build.add("Identity", node.input[0], output=node.output[0])
    else:
        build.nodes.append(node)


def _text_to_text(node: Any) -> bool:
    from onnx import TensorProto

    return bool(node.op_type == "Cast" and attributes_of(node)["to"] == TensorProto.STRING)
