"""What tracking must do, on every database, with what runs keep: datasets, logged models, artifacts."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest

from noria.core.errors import BadInput, NotFound
from noria.testing.tracking_suite import UNSTORABLE, facts, later
from noria.tracking import artifacts, experiments, inputs, logged_models, runs
from noria.tracking.artifacts import ArtifactMissing, BadPath, BrokenOff
from noria.tracking.experiments import NotActive, TagMissing
from noria.tracking.inputs import BadDataset
from noria.tracking.logged_models import BadModelState, LoggedModelMissing, ModelPoints
from noria.tracking.model import Artifact, Dataset, DatasetInput, ModelLink, Point
from noria.tracking.names import BadName
from noria.tracking.params import ParamChanged
from noria.workspace.workspace import Workspace

FLIGHTS = Dataset("flights", "d1", "local", '{"uri": "flights.csv"}', '{"columns": 3}', '{"rows": 10}')
HOSTILE = [
    "", ".", "..", "../x", "a/../b", "a/..", "./a", "a/./b", "a//b", "a/", "/etc/passwd", "//host/share", "C:/x", "c:x",
    "..\\x", "a\\b", "\\\\host\\x", "%2e%2e/x", "%2E%2E%2Fx", "a/%2e%2e/b", "%252e%252e%252fx", "%25252e%25252e/x",
    "..%2fx", "..%5cx", "%2fetc", "%5c%5chost", "a%00", "a%0ab", "a\tb", "C%3a/x", "C%253a/x", "a%2f%2fb",
    "%" + "25" * 20 + "41", "a/" * 751, "x" * 1501, "中" * 501, *UNSTORABLE,
]  # fmt: skip
"""Paths that lead out of a folder on some system, once somebody decodes them often enough; and some too long."""


class InputSuite:
    """A subclass gives the fixture `ws`: an empty workspace on a `ManualClock`."""

    @pytest.fixture
    def run(self, ws: Workspace) -> str:
        return runs.create_run(ws, 0).id

    def test_datasets_and_models_of_a_run(self, ws: Workspace, run: str) -> None:
        used = DatasetInput(FLIGHTS, {"mlflow.data.context": "train", "who": "ada"})
        plain = DatasetInput(Dataset("plain", "d2", "code", "{}"))
        for _ in range(2):
            inputs.log_inputs(ws, run, [used, plain], [ModelLink("m-1")])
            inputs.log_outputs(ws, run, [ModelLink("m-2", 3), ModelLink("m-2", 1), ModelLink("m-1")])
        found = runs.get_run(ws, run)
        assert found.datasets == (used, plain)
        assert found.models_in == (ModelLink("m-1"),)
        assert found.models_out == (ModelLink("m-1"), ModelLink("m-2", 1), ModelLink("m-2", 3))

    def test_a_dataset_is_known_by_name_and_digest_within_its_experiment(self, ws: Workspace, run: str) -> None:
        again = Dataset("flights", "d1", "other", "elsewhere")
        second = runs.create_run(ws, 0).id
        inputs.log_inputs(ws, run, [DatasetInput(FLIGHTS, {"a": "1"}), DatasetInput(again, {"a": "2"})])
        inputs.log_inputs(ws, run, [DatasetInput(again, {"a": "3"})])
        inputs.log_inputs(ws, second, [DatasetInput(again, {"b": "1"})])
        assert runs.get_run(ws, run).datasets == (DatasetInput(FLIGHTS, {"a": "1"}),)
        assert runs.get_run(ws, second).datasets == (DatasetInput(FLIGHTS, {"b": "1"}),)
        elsewhere = runs.create_run(ws, experiments.create_experiment(ws, "other").key).id
        inputs.log_inputs(ws, elsewhere, [DatasetInput(again)])
        assert runs.get_run(ws, elsewhere).datasets == (DatasetInput(again),)

    def test_many_datasets_at_once(self, ws: Workspace, run: str) -> None:
        many = [DatasetInput(Dataset(f"d{number:04}", "x", "code", "{}")) for number in range(700)]
        inputs.log_inputs(ws, run, many)
        assert list(runs.get_run(ws, run).datasets) == many

    @pytest.mark.parametrize("part", ["name", "digest", "source_type", "source", "schema", "profile"])
    def test_a_dataset_that_cannot_be_kept_is_refused(self, ws: Workspace, run: str, part: str) -> None:
        longest = {"name": 500, "digest": 36, "source_type": 36, "source": 65_535, "schema": 1_048_575}
        sound = {"name": "n", "digest": "d", "source_type": "s", "source": "{}"}
        for value, rule in (("x" * (longest.get(part, 16_777_215) + 1), "length"), ("a\0", "text"), (None, "missing")):
            if value is None and part in ("schema", "profile"):
                continue
            with pytest.raises(BadDataset) as caught:
                inputs.log_inputs(ws, run, [DatasetInput(Dataset(**sound | {part: value}))])  # type: ignore[arg-type]
            assert (caught.value.part, caught.value.rule) == (part, rule)
        assert runs.get_run(ws, run).datasets == ()

    def test_bad_tags_and_models_and_deleted_runs_are_refused(self, ws: Workspace, run: str) -> None:
        for tags in ({"k" * 256: "v"}, {"k": "v" * 501}):
            with pytest.raises(BadDataset):
                inputs.log_inputs(ws, run, [DatasetInput(FLIGHTS, tags)])
        for model in ("", "m" * 65, "a\0"):
            with pytest.raises(BadInput):
                inputs.log_outputs(ws, run, [ModelLink(model)])
        runs.delete_run(ws, run)
        with pytest.raises(NotActive):
            inputs.log_inputs(ws, run, [DatasetInput(FLIGHTS)])


class LoggedModelSuite:
    """A subclass gives the fixture `ws`: an empty workspace on a `ManualClock`."""

    def test_a_logged_model_from_pending_to_ready(self, ws: Workspace) -> None:
        run = runs.create_run(ws, 0).id
        made = logged_models.create_logged_model(
            ws, 0, "iris", kind="sklearn", source_run=run, params={"b": "2", "a": "1"}, tags={"t": "1"}
        )
        assert (made.state, made.name, made.kind, made.source_run) == ("pending", "iris", "sklearn", run)
        assert made.id.startswith("m-")
        assert len(made.id) == 34
        assert made.artifact_root == f"mlflow-artifacts:/0/models/{made.id}/artifacts"
        assert logged_models.get_logged_model(ws, made.id) == made
        now = later(ws)
        ready = logged_models.finalize(ws, made.id, "READY")
        assert (ready.state, ready.created, ready.updated) == ("ready", made.created, now)
        failed = logged_models.finalize(ws, made.id, "failed", "the disk is full")
        assert (failed.state, failed.state_message) == ("failed", "the disk is full")
        with pytest.raises(BadModelState):
            logged_models.finalize(ws, made.id, "done")

    def test_a_model_without_a_name_gets_one_and_a_bad_one_is_refused(self, ws: Workspace) -> None:
        assert logged_models.create_logged_model(ws, 0).name.count("-") == 2
        for bad in ("", "a/b", "a:b", "a.b", "a%b", 'a"', "a'", "a\0", "x" * 501):
            with pytest.raises(BadName):
                logged_models.create_logged_model(ws, 0, bad)
        key = experiments.create_experiment(ws, "gone").key
        experiments.delete_experiment(ws, key)
        with pytest.raises(NotActive):
            logged_models.create_logged_model(ws, key, "iris")

    def test_params_once_tags_again(self, ws: Workspace) -> None:
        id = logged_models.create_logged_model(ws, 0, "iris", params={"a": "1"}).id
        logged_models.log_logged_model_params(ws, id, {"a": "1", "b": "2"})
        with pytest.raises(ParamChanged):
            logged_models.log_logged_model_params(ws, id, {"c": "3", "b": "3"})
        for value in ("old", "new"):
            logged_models.set_logged_model_tags(ws, id, {"t": value, "u": value})
        logged_models.delete_logged_model_tag(ws, id, "u")
        with pytest.raises(TagMissing):
            logged_models.delete_logged_model_tag(ws, id, "u")
        found = logged_models.get_logged_model(ws, id)
        assert (found.params, found.tags) == ({"a": "1", "b": "2"}, {"t": "new"})

    def test_what_runs_measured_of_a_model(self, ws: Workspace) -> None:
        run = runs.create_run(ws, 0).id
        id = logged_models.create_logged_model(ws, 0, "iris").id
        inputs.log_inputs(ws, run, [DatasetInput(FLIGHTS)])
        logged = [Point("acc", 0.5, 10, 1), Point("acc", math.inf, 20, 2), Point("loss", math.nan, 10)]
        for _ in range(2):
            measured = [ModelPoints(id, logged, "flights", "d1"), ModelPoints(id, [Point("f1", 0.1, 1)])]
            runs.log_batch(ws, run, logged, of_models=measured)
        found = logged_models.get_logged_model(ws, id).metrics
        assert [(one.point.metric, one.point.step, one.dataset_name, one.run) for one in found] == [
            ("acc", 1, "flights", run), ("acc", 2, "flights", run), ("f1", 0, None, run), ("loss", 0, "flights", run),
        ]  # fmt: skip
        assert math.isnan(found[3].point.value)
        assert set(runs.get_run(ws, run).metrics) == {"acc", "loss"}
        with pytest.raises(LoggedModelMissing):
            runs.log_batch(ws, run, [Point("new", 1.0, 1)], of_models=[ModelPoints("m-nobody", [Point("new", 1.0, 1)])])
        assert "new" not in runs.get_run(ws, run).metrics

    def test_a_deleted_model_is_found_only_where_asked_for(self, ws: Workspace) -> None:
        made = [logged_models.create_logged_model(ws, 0, name) for name in ("a", "b", "c")]
        logged_models.delete_logged_model(ws, made[1].id)
        with pytest.raises(LoggedModelMissing):
            logged_models.get_logged_model(ws, made[1].id)
        assert logged_models.get_logged_model(ws, made[1].id, deleted=True).stage == "deleted"
        keys = [made[number].key for number in (2, 0)]
        assert [one.name for one in logged_models.logged_models_by_key(ws, [*keys, 99])] == ["c", "a"]
        assert facts(ws) == ["ModelLogged"] * 3 + ["LoggedModelDeleted"]

    @pytest.mark.parametrize("id", ["", "m-1", "中", *UNSTORABLE])
    def test_an_unknown_model_is_not_found(self, ws: Workspace, id: str) -> None:
        for act in (
            lambda: logged_models.get_logged_model(ws, id),
            lambda: logged_models.finalize(ws, id, "ready"),
            lambda: logged_models.delete_logged_model(ws, id),
            lambda: logged_models.set_logged_model_tags(ws, id, {"a": "b"}),
            lambda: logged_models.log_logged_model_params(ws, id, {"a": "b"}),
        ):
            with pytest.raises(LoggedModelMissing):
                act()


class ArtifactSuite:
    """A subclass gives the fixture `ws`: an empty workspace."""

    def keep(self, ws: Workspace, path: str, data: bytes = b"data") -> Artifact:
        with artifacts.writer(ws) as file:
            file.write(data)
            return file.keep(path)

    def unfinished(self, ws: Workspace) -> list[Path]:
        return list(ws.folder("incoming").iterdir())

    def test_a_file_comes_back_by_its_path(self, ws: Workspace) -> None:
        chunks = [b"", b"a model", bytes(range(256)) * 4096, b"end"]
        with artifacts.writer(ws) as file:
            for chunk in chunks:
                file.write(chunk)
            assert list(ws.blobs.digests()) == []
            made = file.keep("1/run/artifacts/model.bin")
        assert made.digest == hashlib.sha256(b"".join(chunks)).hexdigest()
        assert artifacts.get_artifact(ws, "1/run/artifacts/model.bin") == made
        assert ws.blobs.get(made.digest) == b"".join(chunks)
        assert (made.size, self.unfinished(ws)) == (256 * 4096 + 10, [])

    def test_equal_files_are_kept_once_and_a_path_can_be_overwritten(self, ws: Workspace) -> None:
        assert self.keep(ws, "a/x").digest == self.keep(ws, "b/x").digest
        new = self.keep(ws, "a/x", b"")
        assert artifacts.get_artifact(ws, "a/x") == new
        assert len(list(ws.blobs.digests())) == 2

    def test_folders_appear_by_listing(self, ws: Workspace) -> None:
        for path in (
            "1/r/artifacts/model/data/x",
            "1/r/artifacts/model/MLmodel",
            "1/r/artifacts/note",
            "1/rr/artifacts/z",
        ):
            self.keep(ws, path)
        listed = artifacts.list_artifacts(ws, "1/r/artifacts")
        assert [(one.path, one.digest is None, one.size) for one in listed] == [("model", True, 0), ("note", False, 4)]
        below = artifacts.list_artifacts(ws, "1/r/artifacts", "model/")
        assert [one.path for one in below] == ["model/MLmodel", "model/data"]
        assert [one.path for one in artifacts.list_artifacts(ws, "")] == ["1"]
        for nothing in ("note", "nowhere", "model/data/x"):
            assert artifacts.list_artifacts(ws, "1/r/artifacts", nothing) == []
        with pytest.raises(ArtifactMissing):
            artifacts.get_artifact(ws, "1/r/artifacts/model")

    def test_deleting_a_file_and_a_folder(self, ws: Workspace) -> None:
        for path in ("r/a/x", "r/a/b/y", "r/ab/z", "r/%", "r/_"):
            self.keep(ws, path)
        assert [artifacts.delete_artifacts(ws, "r/a") for _ in range(2)] == [2, 0]
        assert [one.path for one in artifacts.list_artifacts(ws, "r")] == ["%", "_", "ab"]
        assert artifacts.delete_artifacts(ws, "r/_") == 1
        assert [one.path for one in artifacts.list_artifacts(ws, "r")] == ["%", "ab"]
        self.keep(ws, "r/a/x")
        assert [one.path for one in artifacts.list_artifacts(ws, "r/a")] == ["x"]

    def test_a_file_is_no_folder_and_a_folder_no_file(self, ws: Workspace) -> None:
        self.keep(ws, "a/b/c")
        for path in ("a/b", "a/b/c/d"):
            with pytest.raises(BadPath):
                self.keep(ws, path)
        assert [one.path for one in artifacts.list_artifacts(ws, "a")] == ["b"]

    def test_what_is_broken_off_leaves_nothing(self, ws: Workspace) -> None:
        with pytest.raises(ZeroDivisionError), artifacts.writer(ws) as file:
            file.write(b"half")
            raise ZeroDivisionError
        with artifacts.writer(ws) as file:
            file.write(b"never kept")
        with artifacts.writer(ws) as file:
            file.keep("once")
            with pytest.raises(BrokenOff):
                file.keep("twice")
        assert self.unfinished(ws) == []
        assert [one.path for one in artifacts.list_artifacts(ws, "")] == ["once"]

    @pytest.mark.parametrize("path", HOSTILE)
    def test_no_path_leads_anywhere_else(self, ws: Workspace, path: str) -> None:
        for act in (artifacts.checked, lambda one: artifacts.get_artifact(ws, one), lambda one: self.keep(ws, one)):
            with pytest.raises(BadPath):
                act(path)
        with pytest.raises(BadPath):
            artifacts.delete_artifacts(ws, path)
        if path.strip("/"):
            with pytest.raises(BadPath):
                artifacts.list_artifacts(ws, "root", f"x/{path}/x")
        assert (self.unfinished(ws), list(ws.blobs.digests())) == ([], [])

    @pytest.mark.parametrize("path", ["100%.txt", "a%20b", "a b", "...", "a..b/..c", "中/ü", "#1", "ab:c", "%41"])
    def test_a_strange_path_that_leads_nowhere_else_is_fine(self, ws: Workspace, path: str) -> None:
        kept = self.keep(ws, f"r/{path}")
        assert artifacts.get_artifact(ws, f"r/{path}") == kept

    def test_a_name_for_bytes_that_are_not_here_is_refused(self, ws: Workspace) -> None:
        with pytest.raises(NotFound):
            artifacts.put_artifact(ws, "a", "0" * 64, 1)

    def test_what_a_killed_writer_left_is_swept_away(self, ws: Workspace) -> None:
        left = ws.folder("incoming") / "0123"
        left.write_bytes(b"half")
        modified = left.stat().st_mtime_ns // 1000
        assert artifacts.forget_unfinished(ws, modified) == 0
        assert artifacts.forget_unfinished(ws, modified + 1) == 1
        assert self.unfinished(ws) == []
