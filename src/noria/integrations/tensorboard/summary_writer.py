"""`SummaryWriter`, by the signatures of `torch.utils.tensorboard` and `tensorboardX`, logging to Noria.

    from noria.integrations.tensorboard import SummaryWriter     # the only line that changes

Scalars become metrics, hyper-parameters params; text, histograms and images files of the run, below `tensorboard/`.
Nothing raises into the training loop and nothing waits for a network: see `noria.tracking.client`.
"""

# ruff: noqa: ARG002 the signatures are other people's

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from noria.integrations.folders import safe_path

if TYPE_CHECKING:
    from noria.tracking.client.run import ActiveRun

FOLDER = "tensorboard"
_FIRST_LIMIT, _GROWTH, _LIMITS = 1e-12, 1.1, 774  # the exponential buckets of TensorFlow: 1e-12 to about 1e20


def _left_out(name: str) -> Callable[..., None]:
    def method(self: SummaryWriter, *_: Any, **__: Any) -> None:
        self._say_once(name, f"{name} is not kept by Noria; the rest of the run is")

    method.__doc__ = "Not kept; warns the first time."
    return method


class SummaryWriter:
    """One run. Without `run` it begins one of its own, named after `log_dir`, which `close` ends.

    `walltime`, `max_queue`, `flush_secs` and `filename_suffix` are taken and not needed: points carry the moment
    of the call, and are safe in the spool when the call returns. `purge_step` likewise: no point is ever dropped.
    """

    def __init__(
        self,
        log_dir: str | Path | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
        *,
        run: ActiveRun | None = None,
        experiment: str = "",
        logdir: str | Path | None = None,
        **_: Any,
    ) -> None:
        from noria.tracking.client import active

        self.log_dir = str(log_dir or logdir or f"runs{comment}")
        self._own = run is None
        self._run = run or active.run(name=Path(self.log_dir).name + comment * bool(log_dir), experiment=experiment)
        self._told = dict.fromkeys(("params",), False)
        self._counts: dict[str, int] = {}

    @property
    def run(self) -> ActiveRun:
        """The run that is logged to."""
        return self._run

    def get_logdir(self) -> str:
        """The folder that was asked for; nothing is written there."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
        **_: Any,
    ) -> None:
        """One value of the metric `tag`. Always kept in double precision."""
        self._run.log_metric(tag, _plain(scalar_value), _step(global_step))

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Values of several metrics, `<main_tag>/<name>`, at one step."""
        row = {f"{main_tag}/{name}": _plain(value) for name, value in tag_scalar_dict.items()}
        self._run.log_metrics(row, _step(global_step))

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """A text, kept as `tensorboard/text/<tag>/<step>.md`."""
        self._keep("text", tag, global_step, "md", lambda: str(text_string).encode(errors="replace"))

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: str | int = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How values are spread, kept as `tensorboard/histograms/<tag>/<step>.json`: edges, counts, moments."""
        self._keep("histograms", tag, global_step, "json", lambda: _histogram(values, bins, max_bins))

    def add_histogram_raw(
        self, tag: str, min: float, max: float, num: int, sum: float, sum_squares: float,
        bucket_limits: Sequence[float], bucket_counts: Sequence[float],
        global_step: int | None = None, walltime: float | None = None,
    ) -> None:  # fmt: skip
        """A histogram that was counted already."""
        found = {
            "min": min, "max": max, "num": num, "sum": sum, "sum_squares": sum_squares,
            "bucket_limit": list(bucket_limits), "bucket": list(bucket_counts),
        }  # fmt: skip
        self._keep("histograms", tag, global_step, "json", lambda: json.dumps(found, default=float).encode())

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """A picture, kept as `tensorboard/images/<tag>/<step>.png`. Floats are 0 to 1, integers 0 to 255."""
        self._keep("images", tag, global_step, "png", lambda: _png(img_tensor, dataformats))

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Several pictures, each a file of its own: `<tag>/0/<step>.png`, ..."""
        single = dataformats.replace("N", "")
        for number, one in enumerate(img_tensor):
            self.add_image(f"{tag}/{number}", one, global_step, walltime, single)

    def add_figure(
        self, tag: str, figure: Any, global_step: int | None = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """A matplotlib figure, or a list of them, as pictures."""
        several = list(figure) if isinstance(figure, Sequence) else [figure]
        for number, one in enumerate(several):
            name = tag if len(several) == 1 else f"{tag}/{number}"
            self._keep("images", name, global_step, "png", partial(_drawn, one, close))

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, Sequence[Any]] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
        name: str | None = None,
    ) -> None:
        """Parameters and the metrics they led to: of this run, or of a child when it is named or not the first."""
        metrics = {key: _plain(value) for key, value in metric_dict.items()}
        child = run_name or name
        if not child and not self._told["params"]:
            self._told["params"] = True
            self._run.log_params(hparam_dict)
            self._run.log_metrics(metrics, _step(global_step))
            return
        from noria.tracking.client import active

        tags = {"mlflow.parentRunId": self._run.id}
        with active.run(child or "", experiment=self._run.experiment, tags=tags, params=hparam_dict) as run:
            run.log_metrics(metrics, _step(global_step))

    add_graph = _left_out("add_graph")
    add_onnx_graph = _left_out("add_onnx_graph")
    add_embedding = _left_out("add_embedding")
    add_video = _left_out("add_video")
    add_audio = _left_out("add_audio")
    add_mesh = _left_out("add_mesh")
    add_pr_curve = _left_out("add_pr_curve")
    add_custom_scalars = _left_out("add_custom_scalars")
    add_image_with_boxes = _left_out("add_image_with_boxes")

    def flush(self) -> None:
        """Wait a few seconds at most until what was logged is acknowledged."""
        self._run.flush()

    def close(self) -> None:
        """End the run, when it is this writer's own."""
        if self._own:
            self._run.end()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._own:
            self._run.failed(error)
        self.close()

    def _keep(self, kind: str, tag: str, step: int | None, ending: str, data: Callable[[], bytes]) -> None:
        key = f"{kind}/{safe_path(tag)}"
        number = self._counts.get(key, -1) + 1 if step is None else _step(step)
        self._counts[key] = number or 0
        try:
            self._run.log_artifact(data(), f"{FOLDER}/{key}/{number}.{ending}")
        except Exception as error:
            self._run.trouble(error)  # a picture that cannot be drawn does not stop a training

    def _say_once(self, name: str, said: str) -> None:
        if not self._told.get(name):
            self._told[name] = True
            warnings.warn(said, stacklevel=3)


def _plain(value: Any) -> Any:
    """A number out of a tensor or array of one element; what is none is for the client to refuse."""
    item = getattr(value, "item", None)
    try:
        return item() if callable(item) else value
    except (ValueError, RuntimeError):
        return value


def _step(step: Any) -> int | None:
    return None if step is None else int(_plain(step))


def _array(values: Any) -> Any:
    import numpy as np

    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def _histogram(values: Any, bins: str | int, max_bins: int | None) -> bytes:
    import numpy as np

    flat = _array(values).astype(float).reshape(-1)
    finite = flat[np.isfinite(flat)]
    if not len(finite):
        raise ValueError("a histogram needs a finite value")
    counts, edges = np.histogram(finite, bins=_limits(finite) if bins == "tensorflow" else bins)
    if max_bins and len(counts) > max_bins:
        counts, edges = np.histogram(finite, bins=max_bins)
    found = {
        "min": finite.min(), "max": finite.max(), "num": len(finite), "sum": finite.sum(),
        "sum_squares": float(np.dot(finite, finite)), "not_finite": len(flat) - len(finite),
        "edges": edges.tolist(), "bucket": counts.tolist(),
    }  # fmt: skip
    return json.dumps(found, default=float).encode()


def _limits(finite: Any) -> Any:
    """TensorFlow's exponential limits, only as far as the values reach."""
    import numpy as np

    positive = _FIRST_LIMIT * _GROWTH ** np.arange(_LIMITS)
    every = np.concatenate([-positive[::-1], [0.0], positive])
    low = max(int(np.searchsorted(every, finite.min(), "right")) - 1, 0)
    high = min(int(np.searchsorted(every, finite.max(), "left")) + 1, len(every))
    limits = every[low : max(high, low + 2)].copy()
    limits[0], limits[-1] = min(limits[0], finite.min()), max(limits[-1], finite.max())
    return limits


def _png(image: Any, dataformats: str) -> bytes:
    """PNG bytes of an array whose axes are named by `dataformats`: C colours, H rows, W columns."""
    import numpy as np
    from PIL import Image

    array, axes = _array(image), dataformats.upper()
    if array.ndim != len(axes) or sorted(axes) not in (["C", "H", "W"], ["H", "W"]):
        raise ValueError(f"an image of shape {array.shape} is not laid out as {dataformats!r}")
    array = array.transpose([axes.index(axis) for axis in "HWC" if axis in axes])
    if array.dtype.kind == "f":
        array = np.clip(np.nan_to_num(array) * 255.0, 0, 255)
    array = array.astype(np.uint8)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    into = BytesIO()
    Image.fromarray(array).save(into, "PNG")
    return into.getvalue()


def _drawn(figure: Any, close: bool) -> bytes:
    into = BytesIO()
    figure.savefig(into, format="png")
    if close:
        import matplotlib.pyplot as plt

        plt.close(figure)
    return into.getvalue()
