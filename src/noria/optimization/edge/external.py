"""Graphs whose constants lie in other files: refused, since a bundle's checksums would not cover what they point at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from noria.core.errors import BadInput


class PointsOutside(BadInput):
    """A graph with external data. `place` is the file that it names."""

    code = "N4213"

    def __init__(self, name: str, place: str) -> None:
        super().__init__(
            f"{name} keeps constants in another file, {place[:200]!r}",
            hint="save it with its constants inside; a bundle opens no file that its manifest does not cover",
        )
        self.place = place


def refuse_external(name: str, content: bytes) -> None:
    """Raise PointsOutside when any constant of the graph lies elsewhere, BadInput when it is no graph."""
    import onnx

    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # protobuf's own, whose class depends on how it was built
        raise BadInput(f"{name} is no ONNX graph", hint="export it again") from error
    nodes = [*model.graph.node, *(node for one in model.functions for node in one.node)]
    for tensor in (*_of_graph(model.graph), *_of_nodes(nodes)):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            place = next((one.value for one in tensor.external_data if one.key == "location"), "")
            raise PointsOutside(name, place)


def _of_graph(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)


def _of_nodes(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        for one in node.attribute:
            yield one.t
            yield from one.tensors
            for sparse in (one.sparse_tensor, *one.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for graph in (one.g, *one.graphs):
                yield from _of_graph(graph)
                yield from _of_nodes(graph.node)
