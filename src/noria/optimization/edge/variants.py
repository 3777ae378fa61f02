"""Other forms of a graph for small places: ONNX Runtime's own format, and weights of eight bits."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from noria.core.errors import StorageFull, Unavailable
from noria.optimization.edge.running import opened
from noria.stores.disk import NO_ROOM


class NotWritten(Unavailable):
    """A tool of ONNX Runtime could not write its file."""

    code = "N4214"


@dataclass(frozen=True)
class OrtForm:
    """The graph in ONNX Runtime's format, and the operators that a runtime built for it alone must have."""

    content: bytes
    operators: bytes


def to_ort(content: bytes, scratch: Path) -> OrtForm:
    """The graph with its optimizations applied, those apart that hold for one processor only.

    `scratch` is an empty folder to work in. Raises NotWritten, StorageFull.
    """
    from onnxruntime.tools.convert_onnx_models_to_ort import OptimizationStyle, convert_onnx_models_to_ort

    graph = scratch / "model.onnx"
    said = io.StringIO()
    try:
        graph.write_bytes(content)
        with contextlib.redirect_stdout(said), _quiet():
            convert_onnx_models_to_ort(graph, optimization_styles=[OptimizationStyle.Fixed])
        form = graph.with_suffix(".ort").read_bytes()
        operators = graph.with_suffix(".required_operators.config").read_text()
        opened(form)
    except Exception as error:  # whatever the runtime raises
        _refuse_full(error)
        last = (said.getvalue().strip().splitlines() or [""])[-1]
        why = f"the graph has no .ort form: {type(error).__name__}: {str(error)[:200]} {last[:200]}"
        raise NotWritten(why, hint="is there room on the disk? otherwise package the model again") from error
    lines = [line for line in operators.splitlines() if not line.startswith("# ")]  # it names the scratch folder
    return OrtForm(form, ("\n".join(lines) + "\n").encode())


def to_int8(content: bytes, scratch: Path) -> bytes:
    """The graph with the weights of its matrix products in eight bits. Raises NotWritten, StorageFull."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    target = scratch / "int8.onnx"
    model = onnx.load_from_string(content)
    sets = {one.domain: one.version for one in model.opset_import}  # skl2onnx may name one twice
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(*one) for one in sorted(sets.items()))
    try:
        with _quiet():
            quantize_dynamic(model, target, weight_type=QuantType.QInt8)
        return target.read_bytes()
    except Exception as error:  # whatever the tool raises
        _refuse_full(error)
        raise NotWritten(f"it cannot be written in eight bits: {type(error).__name__}: {str(error)[:200]}") from error


def _refuse_full(error: Exception) -> None:
    """Raise StorageFull when that is what the error is: it says nothing of the graph."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        raise StorageFull("no room left for temporary files", hint="free room and export again") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what these tools tell the root logger."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)
