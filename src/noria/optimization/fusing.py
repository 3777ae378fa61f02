"""One tensor instead of one a column: the same graph, fed with a matrix.

A graph with an input a column says what it takes, and that is what is kept and shared. Handing over twenty inputs
costs more than a small model itself (a 100-tree ensemble of 20 columns: 21 us, as a matrix 7), so where a graph does
nothing with its inputs but put them side by side, a second graph without that beginning is kept for serving.
"""

from __future__ import annotations

from typing import Any

MATRIX = "noria_matrix"
"""The name of the one input."""
_SIDE_BY_SIDE = ("Concat", "FeatureVectorizer")
_PASSING = ("Cast", "Identity")


def fused(content: bytes) -> bytes | None:
    """The graph with one matrix (rows, columns) in the order of its inputs; None when it begins otherwise.

    The matrix has the type that the columns were put together in, which is single or double precision.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load_from_string(content)
    graph = model.graph
    names = [one.name for one in graph.input]
    numeric = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64}
    if len(names) < 2 or any(one.type.tensor_type.elem_type not in numeric for one in graph.input):
        return None
    found = _beginning(graph, names)
    if found is None:
        return None
    whole, gone = found
    kind = _kind(graph, whole, TensorProto)
    if kind is None:
        return None
    kept = [node for node in graph.node if id(node) not in {id(one) for one in gone}]
    for node in kept:
        for place, name in enumerate(node.input):
            if name == whole.output[0]:
                node.input[place] = MATRIX
    kept = [_copy(node) for node in kept]
    del graph.input[:], graph.node[:], graph.value_info[:]
    graph.input.append(helper.make_tensor_value_info(MATRIX, kind, [None, len(names)]))
    graph.node.extend(kept)
    fresh: bytes = model.SerializeToString(deterministic=True)
    return fresh


def _beginning(graph: Any, names: list[str]) -> tuple[Any, list[Any]] | None:
    """The node that puts the inputs side by side, in their order, and every node that does nothing else."""
    makers = {output: node for node in graph.node for output in node.output}
    uses: dict[str, int] = {}
    for node in graph.node:
        for name in node.input:
            uses[name] = uses.get(name, 0) + 1
    for whole in graph.node:
        if whole.op_type not in _SIDE_BY_SIDE or len(whole.input) != len(names) or not _flat(whole):
            continue
        gone, reached = [whole], []
        for name in whole.input:
            while name in makers and makers[name].op_type in _PASSING and uses[name] == 1:
                gone.append(makers[name])
                name = makers[name].input[0]
            reached.append(name)
        if reached == names and all(uses[name] == 1 for name in names):
            return whole, gone
    return None


def _flat(node: Any) -> bool:
    """Whether it puts columns beside each other, one of each."""
    if node.op_type == "Concat":
        return any(one.name == "axis" and one.i == 1 for one in node.attribute)
    dimensions = next((list(one.ints) for one in node.attribute if one.name == "inputdimensions"), [])
    return dimensions == [1] * len(node.input)


def _kind(graph: Any, whole: Any, types: Any) -> int | None:
    """The type of the matrix, or None when it is none that a row can be handed over in."""
    if whole.op_type == "FeatureVectorizer":
        return int(types.FLOAT)
    casts = {node.output[0]: next(one.i for one in node.attribute if one.name == "to")
             for node in graph.node if node.op_type == "Cast"}  # fmt: skip
    given = {one.name: one.type.tensor_type.elem_type for one in graph.input}
    kinds = {casts.get(name, given.get(name)) for name in whole.input}
    kind = kinds.pop() if len(kinds) == 1 else None
    return kind if kind in (types.FLOAT, types.DOUBLE) else None


def _copy(node: Any) -> Any:
    copy = type(node)()
    copy.CopyFrom(node)
    return copy
