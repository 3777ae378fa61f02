"""Nodes and constants added to an ONNX graph one after the other, each under a name of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from noria.optimization.convert import NotConvertible

Array = np.ndarray[Any, Any]


class NoPlainForm(NotConvertible):
    """A graph with an operator that has no form in core operators here."""

    code = "N4211"


class Builder:
    """What is written so far: `nodes` in order, and constants. `types` has each old tensor's element type, by name."""

    def __init__(self, types: dict[str, int]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.types = types
        self._count = 0

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """One node of a core operator; gives the name of its output."""
        from onnx import helper

        named = output or self._fresh(operator)
        self.nodes.append(helper.make_node(operator, list(inputs), [named], **attributes))
        return named

    def constant(self, values: Array) -> str:
        """A constant tensor; gives its name."""
        from onnx import numpy_helper

        named = self._fresh("constant")
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), named))
        return named

    def floats(self, name: str) -> tuple[str, Any]:
        """A tensor as floats, and which: double where it is double, else single precision."""
        from onnx import TensorProto

        kind = self.types.get(name)
        if kind == TensorProto.DOUBLE:
            return name, np.float64
        return (name if kind == TensorProto.FLOAT else self.add("Cast", name, to=TensorProto.FLOAT)), np.float32

    def _fresh(self, what: str) -> str:
        self._count += 1
        return f"plain_{what.lower()}_{self._count}"


def attributes_of(node: Any) -> dict[str, Any]:
    """A node's attributes as Python and NumPy values; one that is given as a tensor is under its plain name."""
    from onnx import TensorProto, helper, numpy_helper

    found: dict[str, Any] = {}
    for one in node.attribute:
        value = helper.get_attribute_value(one)
        if isinstance(value, TensorProto):
            value = numpy_helper.to_array(value)
        found[one.name.removesuffix("_as_tensor")] = value
    return found


def post_transform(build: Builder, scores: str, kind: bytes, output: str) -> None:
    """The scores (rows, classes) as the operator promises to give them. Raises NoPlainForm."""
    operators = {b"NONE": "Identity", b"LOGISTIC": "Sigmoid"}
    if kind == b"SOFTMAX":
        build.add("Softmax", scores, output=output, axis=1)
    elif kind in operators:
        build.add(operators[kind], scores, output=output)
    else:
        raise NoPlainForm(f"its scores go through {kind.decode()}, which has no form in core operators here")


def one_value(build: Builder, score: str, kind: bytes, output: str) -> None:
    """The single value (rows, 1) of a regressor, which ONNX Runtime gives as it is: no LOGISTIC, no SOFTMAX of one."""
    post_transform(build, score, b"NONE" if kind in (b"LOGISTIC", b"SOFTMAX") else kind, output)


def two_classes(build: Builder, score: str, kind: bytes, output: str, *, chance: bool) -> None:
    """Scores of both classes from the one (rows, 1) that an operator computes when it tells two apart.

    As ONNX Runtime does it: a score that is a chance has its complement beside it, any other its negative, and LOGISTIC
    alone is applied to both.
    """
    if kind == b"LOGISTIC":
        post_transform(build, build.add("Concat", build.add("Neg", score), score, axis=1), kind, output)
    elif kind not in (b"NONE", b"SOFTMAX"):
        post_transform(build, score, kind, output)
    else:
        one = build.constant(np.ones((1, 1), np.float32))
        other = build.add("Sub", one, score) if chance else build.add("Neg", score)
        build.add("Concat", other, score, output=output, axis=1)
