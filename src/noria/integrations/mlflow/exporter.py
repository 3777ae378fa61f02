"""Runs written to any MLflow server. Each is marked with the key of its origin, so it is written once however often."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from noria.core.digest import digest_bytes
from noria.core.errors import BadInput, NoriaError, NotFound
from noria.integrations.mlflow import shared
from noria.integrations.mlflow.rest import Refused, Server, proxied
from noria.integrations.mlflow.server import history
from noria.tracking.transfer import Exporter, ForeignFile, ForeignLoggedModel, ForeignRun, Given, Series

MARK, ORIGIN = "noria.export", "noria.origin"
_METRICS, _TEXTS = 1000, 100
_MOST_PARAM, _MOST_TAG = 6000, 8000


def write(runs: Iterable[ForeignRun], target: str) -> Iterator[Given]:
    """Each run, with params, tags, datasets, whole histories, files and logged models; only what is missing is sent."""
    if not target.startswith(("http://", "https://")):
        raise BadInput(f"{target!r} is no address of a server", hint="such as http://127.0.0.1:5000")
    with Server(target) as server:
        experiments: dict[str, str] = {}
        for run in runs:
            if run.experiment not in experiments:
                experiments[run.experiment] = _experiment(server, run)
            yield Outgoing(server, experiments[run.experiment], run).send()


def key_of(origin: str) -> str:
    """What a run is found again by: it has no quotes in it, whatever the origin has."""
    return digest_bytes(origin.encode(errors="surrogatepass"))[:32]


def _experiment(server: Server, run: ForeignRun) -> str:
    try:
        found = server.get("experiments/get-by-name", experiment_name=run.experiment)
        return str(found["experiment"]["experiment_id"])
    except NotFound:
        tags = [{"key": name, "value": value} for name, value in run.experiment_tags.items()]
        return str(server.post("experiments/create", {"name": run.experiment, "tags": tags})["experiment_id"])


class Outgoing:
    """One run on its way out."""

    def __init__(self, server: Server, experiment: str, run: ForeignRun) -> None:
        self._server, self._experiment, self._run = server, experiment, run
        self._notes = run.notes
        self._points = self._files = 0

    def send(self) -> Given:
        """Create the run or find it again, and bring it up to what it is here."""
        run, server = self._run, self._server
        there = self._find(key_of(run.origin))
        info = there["info"] if there else self._create()
        run_id = str(info["run_id"])
        self._texts(run_id, "params", dict(run.params), _MOST_PARAM)
        self._texts(run_id, "tags", self._tags(), _MOST_TAG)
        self._send_points(run_id, there)
        self._send_datasets(run_id)
        self._send_files(str(info.get("artifact_uri") or ""))
        for model in run.models:
            self._send_model(run_id, model)
        ended = {"end_time": run.ended // 1000} if run.ended is not None else {}
        server.post("runs/update", {"run_id": run_id, "status": run.state.upper(), **ended})
        place = f"{server.url}/#/experiments/{self._experiment}/runs/{run_id}"
        return Given(run.origin, place, self._points, self._files, there is None, list(self._notes))

    def _find(self, key: str) -> dict[str, Any] | None:
        asked = {"experiment_ids": [self._experiment], "filter": f"tags.`{MARK}` = '{key}'", "max_results": 1}
        return next(iter(self._server.post("runs/search", asked).get("runs", [])), None)

    def _create(self) -> dict[str, Any]:
        run = self._run
        tags = {MARK: key_of(run.origin), "mlflow.user": run.user, "mlflow.runName": run.name}
        body = {
            "experiment_id": self._experiment, "run_name": run.name, "user_id": run.user,
            "start_time": (run.started or 0) // 1000,
            "tags": [{"key": name, "value": value} for name, value in tags.items() if value],
        }  # fmt: skip
        info: dict[str, Any] = self._server.post("runs/create", body)["run"]["info"]
        return info

    def _tags(self) -> dict[str, str]:
        """The run's tags; a parent is named by the id that it has on that server."""
        run = self._run
        tags = {name: value for name, value in run.tags.items() if name not in (shared.PARENT, MARK)}
        tags[ORIGIN] = run.origin
        if run.parent is not None:
            parent = self._find(key_of(run.parent))
            if parent is None:
                self._notes.append(f"its parent {run.parent} is not there yet; export both to link them")
            else:
                tags[shared.PARENT] = str(parent["info"]["run_id"])
        return tags

    def _texts(self, run_id: str, kind: str, values: Mapping[str, str], most: int) -> None:
        entries = []
        for name, value in values.items():
            if len(value) > most:
                self._notes.append(f"{kind[:-1]} {name} was cut to {most} characters")
            entries.append({"key": name, "value": value[:most]})
        for first in range(0, len(entries), _TEXTS):
            self._log(run_id, kind, entries[first : first + _TEXTS])

    def _log(self, run_id: str, kind: str, entries: list[dict[str, Any]]) -> int:
        """Log a batch; when it is refused, one by one, so that one bad name costs only itself. Gives how many went."""
        try:
            self._server.post("runs/log-batch", {"run_id": run_id, kind: entries})
            return len(entries)
        except Refused as error:
            if len(entries) == 1:
                self._notes.append(f"{kind[:-1]} {entries[0]['key']} was refused: {error.message[:200]}")
                return 0
        half = len(entries) // 2
        return self._log(run_id, kind, entries[:half]) + self._log(run_id, kind, entries[half:])

    def _send_points(self, run_id: str, there: dict[str, Any] | None) -> None:
        known: dict[str, set[tuple[int, int, float | None]]] = {}
        names = [str(one["key"]) for one in ((there or {}).get("data") or {}).get("metrics") or ()]
        for series in history(self._server, run_id, names, []) if names else ():
            known.setdefault(series.name, set()).update(_points(series))
        for series in self._run.series:
            before = known.get(series.name, set())
            new = ({"key": series.name, "step": step, "timestamp": at, "value": _said(value)}
                   for step, at, value in _points(series) if (step, at, value) not in before)  # fmt: skip
            while batch := list(islice(new, _METRICS)):
                self._points += self._log(run_id, "metrics", batch)

    def _send_datasets(self, run_id: str) -> None:
        found = [
            {
                "tags": [{"key": name, "value": value} for name, value in one.tags.items()],
                "dataset": {
                    name: value
                    for name in ("name", "digest", "source_type", "source", "schema", "profile")
                    if (value := getattr(one.dataset, name)) is not None
                },
            }
            for one in self._run.datasets
        ]
        if found:
            self._kindly(
                "datasets", lambda: self._server.post("runs/log-inputs", {"run_id": run_id, "datasets": found})
            )

    def _send_files(self, root: str) -> None:
        if proxied(root) is None:
            left = sum(1 for _ in self._run.artifacts)
            if left:
                self._notes.append(f"{left} files stay behind: the server keeps them at {root}, not behind its proxy")
            return
        self._upload(root, self._run.artifacts)

    def _upload(self, root: str, files: Iterable[ForeignFile]) -> None:
        there = dict(self._server.listing(root))
        for file in files:
            size = len(file.source) if isinstance(file.source, bytes) else file.source.stat().st_size
            if there.get(file.path) != size:
                self._server.upload(root, file.path, file.source)
                self._files += 1

    def _send_model(self, run_id: str, model: ForeignLoggedModel) -> None:
        """A logged model with its files, once: it carries the key of its own id as a tag."""
        key = key_of(f"{self._run.origin}#{model.id}")
        try:
            asked = {"experiment_ids": [self._experiment], "filter": f"tags.`{MARK}` = '{key}'", "max_results": 1}
            there = next(iter(self._server.post("logged-models/search", asked).get("models", [])), None)
            body = {
                "experiment_id": self._experiment, "name": model.name, "model_type": model.kind,
                "source_run_id": run_id,
                "params": [{"key": name, "value": value[:_MOST_PARAM]} for name, value in model.params.items()],
                "tags": [{"key": name, "value": value} for name, value in {**model.tags, MARK: key}.items()],
            }  # fmt: skip
            info = (there or self._server.post("logged-models", body)["model"])["info"]
            self._upload(str(info["artifact_uri"]), model.files)
            path, state = f"logged-models/{info['model_id']}", f"LOGGED_MODEL_{_model_state(model.state)}"
            self._server.post(path, {"model_id": info["model_id"], "status": state}, method="PATCH")
            step = next((one.step for one in self._run.models_out if one.model == model.id), 0)
            link = {"run_id": run_id, "models": [{"model_id": info["model_id"], "step": step}]}
            if there is None:
                self._server.post("runs/outputs", link)
        except NoriaError as error:
            self._notes.append(f"logged model {model.name} could not be written: {error.message}")

    def _kindly(self, what: str, act: Any) -> None:
        try:
            act()
        except (NotFound, Refused) as error:
            self._notes.append(f"{what} could not be written: {error.message}")


def _points(series: Series) -> Iterator[tuple[int, int, float | None]]:
    """Points that can be compared: a value that is no number, which equals nothing, is None."""
    for step, at, value in zip(series.steps, series.times, series.values, strict=True):
        if math.isinf(value):
            value = math.copysign(1.7976931348623157e308, value)  # as every store of MLflow keeps it
        yield step, at, None if math.isnan(value) else value


def _said(value: float | None) -> float | str:
    return "NaN" if value is None else value


def _model_state(state: str) -> str:
    return state if state in ("PENDING", "READY") else "UPLOAD_FAILED"


EXPORTER = Exporter("mlflow", "MLflow server", write)
