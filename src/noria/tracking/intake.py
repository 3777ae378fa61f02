"""Taking a foreign run in, exactly once by its origin: again, it adds only what is new.

Parts are written in an order in which a crash anywhere leaves a run that the next import completes: the run first,
marked with its origin, its end last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noria.core.digest import digest_bytes
from noria.core.errors import BadInput, Conflict, NotFound
from noria.tracking import artifacts, experiments, history, inputs, logged_models, runs
from noria.tracking.batches import log_columns
from noria.tracking.fitting import Fitted, storable_text
from noria.tracking.model import Experiment, ModelLink, Run
from noria.tracking.names import LONGEST_EXPERIMENT_NAME, LONGEST_TAG
from noria.tracking.transfer import ASIDE, ForeignFile, ForeignLoggedModel, ForeignRun, Series
from noria.workspace.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np

ORIGIN = "noria.origin"
"""The tag that says where a run came from."""
PARENT = "mlflow.parentRunId"
PARENT_ORIGIN = "noria.parent"
"""The tag that says where the run came from that a run belongs to, which may never come itself."""
_NAME = "mlflow.runName"
_OWN = "noria:"
_AT_ONCE = 10_000
_LARGEST = 1.7976931348623157e308
_SHOWN = 20


@dataclass
class Taken:
    """What taking in one run did: `points` and `files` count what was new; `notes` tell what is not as it was."""

    origin: str
    run: str
    experiment: str
    name: str
    new: bool
    points: int = 0
    params: int = 0
    tags: int = 0
    files: int = 0
    models: int = 0
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was added."""
        return self.new or bool(self.points or self.params or self.tags or self.files or self.models)


def run_id_of(ws: Workspace, origin: str, wanted: str = "") -> str:
    """The id a run of that origin has, or will have, here: the one it wants, unless another run has that."""
    if origin.startswith(_OWN):
        wanted = origin.removeprefix(_OWN)
    if wanted:
        try:
            found = runs.get_run(ws, wanted)
        except NotFound:
            if not origin.startswith(_OWN):
                return wanted
        else:
            if found.tags.get(ORIGIN) == storable_text(origin)[:LONGEST_TAG] or origin.startswith(_OWN):
                return wanted
    return digest_bytes(origin.encode(errors="surrogatepass"))[:32]


def take_in(ws: Workspace, run: ForeignRun) -> Taken:
    """Write a foreign run, with all it has, or what is new of it.

    Raises BadInput when its experiment or the run was deleted here, and what a reader raises while it is walked.
    """
    return _Intake(ws, run).take()


class _Intake:
    def __init__(self, ws: Workspace, run: ForeignRun) -> None:
        self._ws, self._run = ws, run
        self._fitted = Fitted()
        self._known: dict[str, Any] = {}
        self._models: dict[str, str] = {}
        self._notes: list[str] = []

    def take(self) -> Taken:
        run, ws = self._run, self._ws
        experiment = _experiment(ws, run)
        here, new = self._begin(experiment)
        if here.stage != "active":
            raise BadInput(
                f"{run.origin} is run {here.id}, which was deleted here", hint="restore it, then import again"
            )
        taken = Taken(run.origin, here.id, experiment.name, here.name, new)
        taken.params, taken.tags = self._texts(here)
        for series in run.series:
            taken.points += self._points(here, series, new)
        taken.files += self._files(here.artifact_root, run.artifacts)
        for model in run.models:
            taken.models += self._model(here, experiment, model)
        taken.files += self._files(here.artifact_root, self._told())
        self._links(here)
        if run.state != here.state or (run.ended is not None and run.ended != here.ended):
            runs.update_run(ws, here.id, state=run.state, ended=run.ended)
        history.seal(ws, here.id)
        taken.notes = (*run.notes, *self._notes, *self._fitted.notes())
        return taken

    def _begin(self, experiment: Experiment) -> tuple[Run, bool]:
        """The run as it is here, made when it is not; whether it was made."""
        run, ws = self._run, self._ws
        id = run_id_of(ws, run.origin, run.id)
        try:
            return runs.get_run(ws, id), False
        except NotFound:
            pass
        tags = {ORIGIN: storable_text(run.origin)[:LONGEST_TAG]}
        name = storable_text(run.name)[:LONGEST_TAG]
        user = storable_text(run.user)
        try:
            made = runs.create_run(ws, experiment.key, id=id, name=name, actor=user, started=run.started, tags=tags)
            return made, True
        except Conflict:  # another import of the same run was faster
            return runs.get_run(ws, id), False

    def _texts(self, here: Run) -> tuple[int, int]:
        """Write params and tags that are not here yet; a param that is here with another value keeps it."""
        run = self._run
        params = self._fitted.params(run.params)
        if differing := [name for name in params if here.params.get(name, params[name]) != params[name]]:
            self._notes.append(f"params have other values here, and keep them: {', '.join(differing[:_SHOWN])}")
        params = {name: text for name, text in params.items() if name not in here.params}
        given = {name: text for name, text in run.tags.items() if name not in (PARENT, PARENT_ORIGIN, ORIGIN, _NAME)}
        tags = self._fitted.tags(given)
        if run.parent is not None:
            tags[PARENT] = run_id_of(self._ws, run.parent, _mlflow_id(run.parent))
            tags[PARENT_ORIGIN] = storable_text(run.parent)[:LONGEST_TAG]
        tags = {name: text for name, text in tags.items() if here.tags.get(name) != text}
        if params or tags:
            log_columns(self._ws, here.id, params=params, tags=tags)
        return len(params), len(tags)

    def _points(self, here: Run, series: Series, new: bool) -> int:
        """Write those points of a piece of a series that are not here yet; gives how many."""
        name = self._fitted.name("metric", series.name)
        at, step, value = _columns(series)
        if (at < 0).any():
            self._notes.append(f"{name}: moments before 1970 were set to 1970")
            at = at.clip(0)
        if not new:
            if name not in self._known:
                whole = history.whole(self._ws, here.id, name)
                self._known[name] = _rows(whole.at, whole.step, whole.value)
            import numpy as np

            fresh = ~np.isin(_rows(at, step, value), self._known[name])
            at, step, value = at[fresh], step[fresh], value[fresh]
        for first in range(0, len(at), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            values = value[some].tolist()
            log_columns(self._ws, here.id, [name] * len(values), values, at[some].tolist(), step[some].tolist())
        return len(at)

    def _files(self, root: str, files: Iterable[ForeignFile]) -> int:
        """Keep files that are not here yet, or are here with other bytes; gives how many."""
        count = 0
        place = root.removeprefix("mlflow-artifacts:/")
        for file in files:
            if place == root:
                self._notes.append(f"{file.path}: files of the experiment lie at {root}, where Noria does not write")
                continue
            try:
                path = f"{place}/{artifacts.checked(storable_text(file.path))}"
                count += self._keep(path, file.source)
            except (BadInput, Conflict) as error:
                self._notes.append(f"{file.path}: left out: {error.message}")
            except OSError as error:
                self._notes.append(f"{file.path}: cannot be read: {error.strerror}")
        return count

    def _keep(self, path: str, source: Path | bytes) -> bool:
        blobs = self._ws.blobs
        digest = blobs.put(source) if isinstance(source, bytes) else blobs.put_file(source)
        try:
            if artifacts.get_artifact(self._ws, path).digest == digest:
                return False
        except NotFound:
            pass
        artifacts.put_artifact(self._ws, path, digest, blobs.path(digest).stat().st_size)
        return True

    def _told(self) -> Iterable[ForeignFile]:
        """What was renamed and what was cut, whole, as files of the run."""
        if self._fitted.renamed:
            said = json.dumps(self._fitted.renamed, ensure_ascii=False, indent=1)
            yield ForeignFile(f"{ASIDE}/names.json", said.encode(errors="replace"))
        if self._fitted.cut:
            said = json.dumps(self._fitted.cut, ensure_ascii=False, indent=1)
            yield ForeignFile(f"{ASIDE}/whole-values.json", said.encode(errors="replace"))

    def _model(self, here: Run, experiment: Experiment, model: ForeignLoggedModel) -> bool:
        """A logged model with its files; gives whether it is new."""
        ws = self._ws
        id = (
            model.id
            if len(model.id) == 34 and model.id.startswith("m-")
            else f"m-{digest_bytes(model.id.encode())[:32]}"
        )
        self._models[model.id] = id
        try:
            found, new = logged_models.get_logged_model(ws, id), False
        except NotFound:
            name = "".join("_" if one in "/:.%\"'" else one for one in storable_text(model.name)) or "model"
            params, tags = self._fitted.params(model.params), self._fitted.tags(model.tags)
            found, new = logged_models.create_logged_model(
                ws, experiment.key, name[:LONGEST_EXPERIMENT_NAME], kind=model.kind or None, source_run=here.id,
                params=params, tags=tags, id=id,
            ), True  # fmt: skip
        if found.source_run != here.id:
            self._notes.append(f"logged model {id} belongs to run {found.source_run} here; left as it is")
            return False
        self._files(found.artifact_root, model.files)
        state = model.state.lower()
        if found.state != state and state in logged_models.STATES:
            logged_models.finalize(ws, id, state, "")
        return new

    def _links(self, here: Run) -> None:
        run, ws = self._run, self._ws
        for one in run.datasets:
            try:
                inputs.log_inputs(ws, here.id, [one])
            except BadInput as error:
                self._notes.append(f"dataset {one.dataset.name[:80]!r} was left out: {error.message}")
        try:
            inputs.log_inputs(ws, here.id, [], self._here(run.models_in))
            inputs.log_outputs(ws, here.id, self._here(run.models_out))
        except BadInput as error:
            self._notes.append(f"links to models were left out: {error.message}")

    def _here(self, links: Iterable[ModelLink]) -> list[ModelLink]:
        return [ModelLink(self._models.get(link.model, link.model), link.step) for link in links]


def _mlflow_id(origin: str) -> str:
    """The id that a run of MLflow keeps here."""
    kind, _, id = origin.partition(":")
    return id if kind == "mlflow" else ""


def _experiment(ws: Workspace, run: ForeignRun) -> Experiment:
    """The experiment of that name, made when there is none. Raises BadInput when it was deleted here."""
    name = storable_text(run.experiment)[:LONGEST_EXPERIMENT_NAME] or "imported"
    found = experiments.find_experiment(ws, name)
    if found is None:
        try:
            found = experiments.create_experiment(ws, name, tags=Fitted().tags(run.experiment_tags))
        except Conflict:
            found = experiments.find_experiment(ws, name)
    if found is None or found.stage != "active":
        raise BadInput(f"the experiment {name!r} was deleted here", hint="restore it, or rename it, and import again")
    return found


def _columns(series: Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import numpy as np

    values = np.asarray(series.values, dtype=np.float64)
    return (
        np.asarray(series.times, dtype=np.int64),
        np.asarray(series.steps, dtype=np.int64),
        np.clip(values, -_LARGEST, _LARGEST),
    )


def _rows(at: np.ndarray, step: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Points as rows that can be compared bit by bit: one NaN, one zero."""
    import numpy as np

    value = np.where(np.isnan(value), np.float64("nan"), value + 0.0)
    table = np.column_stack([at, step, np.ascontiguousarray(value).view(np.int64)])
    return np.ascontiguousarray(table).view([("at", "i8"), ("step", "i8"), ("value", "i8")]).reshape(-1)
