"""Where a model version may come from: whoever registers one cannot make others read elsewhere."""

import pytest

from noria.server.mlflow.sources import ALLOWED

ELSEWHERE = [
    "/etc/passwd", "file:///etc", "file:/etc", "file://localhost/etc", "etc/passwd", "./x", "../x", "..", ".", "~", "C:\\Windows", "c:/x",
    "\\\\server\\share", "file://server/share", "FILE:///etc", "%2fetc", "x\0y", "/etc\0", "", " ",
]  # fmt: skip
"""Places on some disk."""

RELATIVE = [
    "s3://b/../x", "s3://b/a/../../x", "s3://b/%2e%2e/x", "s3://b/%252e%252e/x", "s3://b/%25252e%25252e/x", "s3://b/..%2fx", "s3://b/..%5cx",
    "s3://b/a\\..\\b", "s3://b/.%2e/x", "gs://b/x/..", "dbfs:/x/../y", "s3:x", "s3://b", "mlflow-artifacts:/../x", "mlflow-artifacts:/0/%2e%2e",
    "runs:/../x", "runs:/%2e%2e/x", "s3://b/x?a=/../y", "s3://b/x#/../y", "s3://b/%" + "25" * 40 + "2e/x", "models:/m/../1", "s3://b/a\0b", "s3://b/a%00b",
    "s3://b/./x", "s3://b/%2e/x",
]  # fmt: skip
"""Places with a relative part, in every way of writing it."""

HOSTS = ["http://h/x", "https://h/api/2.0/mlflow-artifacts/artifacts/0/x", "ftp://h/x", "sftp://h/x", "mlflow-artifacts://h/0/x", "hdfs://h/x",
         "abfss://f@h/x", "HTTP://h/x"]  # fmt: skip
"""Places at a host that the client chooses."""


@pytest.fixture
def create(door):
    door.post("registered-models/create", name="m")

    def create(source, **more):
        return door.http.post("/api/2.0/mlflow/model-versions/create", json={"name": "m", "source": source, **more})

    return create


@pytest.fixture
def run(door):
    return door.new_run()


@pytest.fixture
def model(door, run):
    return door.post("logged-models", experiment_id="0", name="lm", source_run_id=run)["model"]["info"]["model_id"]


def refused(answer):
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer.text
    return answer.json()["message"]


@pytest.mark.parametrize("source", [*ELSEWHERE, *RELATIVE, *HOSTS])
def test_what_leads_elsewhere_is_refused_whatever_it_is_said_to_belong_to(door, create, run, model, source):
    for more in ({}, {"run_id": run}, {"model_id": model}, {"run_id": run, "model_id": model}):
        refused(create(source, **more))
    assert door.get("model-versions/search") == {}


@pytest.mark.parametrize(
    "source",
    ["s3://b/x", "gs://b/x/y", "wasbs://c@a.blob.core.windows.net/x", "dbfs:/models/x", "s3://b/a b", "s3://b/a..b/c"],
)
def test_places_that_are_nobodys_disk_are_taken(create, run, source):
    assert create(source).status_code == 200
    assert create(source, run_id=run).status_code == 200


def test_the_files_of_a_run_are_taken_for_that_run_alone(door, create, run):
    other = door.new_run()
    for source in (
        f"runs:/{run}/model",
        f"runs:/{run}",
        f"mlflow-artifacts:/0/{run}/artifacts",
        f"mlflow-artifacts:/0/{run}/artifacts/a/b",
    ):
        assert create(source, run_id=run).json()["model_version"]["run_id"] == run
        for more in ({}, {"run_id": other}, {"run_id": "nothere"}, {"run_id": ""}):
            assert refused(create(source, **more)).endswith("must identify the resource that contains the source.")


@pytest.mark.parametrize("place", ["mlflow-artifacts:/0", "mlflow-artifacts:/0/{run}", "mlflow-artifacts:/0/{run}/artifactsx", "mlflow-artifacts:/",
                                   "runs://{run}/x", "runs:{run}/x", "mlflow-artifacts:/0/{run}/artifacts%2f..%2fx"])  # fmt: skip
def test_what_only_looks_like_the_files_of_a_run_is_refused(create, run, place):
    refused(create(place.format(run=run), run_id=run))


def test_the_files_of_a_logged_model_are_taken_for_that_model_alone(door, create, run, model):
    other = door.post("logged-models", experiment_id="0", name="o")["model"]["info"]["model_id"]
    for source in (
        f"models:/{model}",
        f"mlflow-artifacts:/0/models/{model}/artifacts",
        f"mlflow-artifacts:/0/models/{model}/artifacts/a",
    ):
        assert create(source, model_id=model).status_code == 200
        for more in ({}, {"model_id": other}, {"model_id": "m-nothere"}, {"run_id": run}):
            refused(create(source, **more))
    refused(create(f"runs:/{run}/model", model_id=model, run_id=run))
    refused(create(f"models://{model}", model_id=model))


def test_a_copy_says_nothing_else_than_its_original(door, create, run, model):
    assert create(f"runs:/{run}/model", run_id=run).status_code == 200
    assert create("models:/m/1", run_id=run).status_code == 200
    for more in ({"run_id": "other"}, {"run_id": ""}, {"model_id": model}):
        assert "must match the referenced model version" in refused(create("models:/m/1", **more))
    assert create("models:/m/99").status_code == 404
    assert create("models:/nothere/1").status_code == 404
    for source in (
        "models:/",
        "models:",
        "models:/m/",
        "models:/m/1/2",
        "models://m/1",
        "models:/m@",
        "models:/ /1",
        "models:/m@latest?at=2013-06-01",
    ):
        assert create(source).status_code in (400, 404), source


def test_a_local_path_is_taken_below_the_runs_own_folder_alone(door, create):
    key = door.post("experiments/create", name="local", artifact_location="/mnt/shared")["experiment_id"]
    made = door.post("runs/create", experiment_id=key)["run"]["info"]
    root, run = made["artifact_uri"], made["run_id"]
    for source in (root, f"{root}/model", f"file://{root}/model"):
        assert create(source, run_id=run).status_code == 200, source
    for source in (
        f"{root}/../x",
        f"{root}x",
        f"{root}/%2e%2e/x",
        "/mnt/shared",
        f"file://{root}/..",
        f"file://h{root}",
        f"{root}\\..\\x",
    ):
        assert "To use a local path as a model version source" in refused(create(source, run_id=run))
    assert "To use a local path" in refused(create(root))


def test_a_prompts_source_is_a_placeholder(door, create):
    tag = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    for source in ("dummy-source", "prompt-template"):
        assert create(source, tags=tag).status_code == 200
    for source in ("/etc/passwd", "s3://b/x", f"runs:/{door.new_run()}/x", "dummy-source/../x"):
        assert refused(create(source, tags=tag)).startswith("Invalid prompt source:")
    refused(create("dummy-source"))


def test_a_prompt_is_no_source_of_a_model(door, create):
    tag = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    door.post("registered-models/create", name="p", tags=tag)
    door.post("model-versions/create", name="p", source="dummy-source", tags=tag)
    assert "Prompt versions cannot be used as model version sources" in refused(create("models:/p/1"))


def test_hosts_may_be_allowed_by_the_environment(create, monkeypatch):
    monkeypatch.setenv(ALLOWED, "hdfs, abfss")
    assert create("hdfs://h/x").status_code == 200
    refused(create("http://h/x"))
