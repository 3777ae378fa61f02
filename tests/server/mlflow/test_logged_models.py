"""Logged models over the protocol."""

import pytest


def make(door, **more):
    return door.post("logged-models", experiment_id="0", **more)["model"]


def get(door, model, **more):
    return door.get(f"logged-models/{model}", **more)["model"]


@pytest.fixture
def model(door):
    return make(door, name="model")["info"]["model_id"]


def test_a_logged_model_is_shown_as_it_was_made(door):
    run = door.new_run()
    made = make(door, name="trees", model_type="sklearn", source_run_id=run, params=[{"key": "depth", "value": "3"}],
                tags=[{"key": "team", "value": "ops"}])  # fmt: skip
    id = made["info"]["model_id"]
    assert made["info"] | {"creation_timestamp_ms": 0, "last_updated_timestamp_ms": 0} == {
        "model_id": id, "experiment_id": "0", "name": "trees", "creation_timestamp_ms": 0, "last_updated_timestamp_ms": 0,
        "artifact_uri": f"mlflow-artifacts:/0/models/{id}/artifacts", "status": "LOGGED_MODEL_PENDING",
        "model_type": "sklearn", "source_run_id": run, "tags": [{"key": "team", "value": "ops"}],
    }  # fmt: skip
    assert made["data"] == {"params": [{"key": "depth", "value": "3"}]}
    assert get(door, id) == made


def test_a_model_without_a_name_gets_one(door):
    assert make(door)["info"]["name"]


@pytest.mark.parametrize(("status", "shown"), [("LOGGED_MODEL_READY", "LOGGED_MODEL_READY"), (2, "LOGGED_MODEL_READY"),
                                               ("LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_UPLOAD_FAILED"), (1, "LOGGED_MODEL_PENDING")])  # fmt: skip
def test_a_model_is_finalized(door, model, status, shown):
    for _ in range(2):
        told = door.send("PATCH", f"logged-models/{model}", model_id=model, status=status)["model"]
        assert told["info"]["status"] == shown


@pytest.mark.parametrize("status", [0, 4, "HAPPY", "", None, [], 1.5])
def test_a_status_that_there_is_not_is_refused(door, model, status):
    door.refused("PATCH", f"logged-models/{model}", 400, "INVALID_PARAMETER_VALUE", model_id=model, status=status)
    assert get(door, model)["info"]["status"] == "LOGGED_MODEL_PENDING"


def test_tags_and_params(door, model):
    for _ in range(2):
        assert (
            door.send(
                "PATCH",
                f"logged-models/{model}/tags",
                tags=[{"key": "a/b", "value": "1"}, {"key": "odd $", "value": "2"}],
            )
            == {}
        )
        assert door.post(f"logged-models/{model}/params", params=[{"key": "layers[0]", "value": "9"}]) == {}
    assert get(door, model)["info"]["tags"] == [{"key": "a/b", "value": "1"}, {"key": "odd $", "value": "2"}]
    assert get(door, model)["data"]["params"] == [{"key": "layers[0]", "value": "9"}]
    said = door.refused(
        "POST",
        f"logged-models/{model}/params",
        400,
        "INVALID_PARAMETER_VALUE",
        params=[{"key": "layers[0]", "value": "8"}],
    )
    assert "Changing param values is not allowed" in said
    assert door.http.delete(f"/api/2.0/mlflow/logged-models/{model}/tags/a%2Fb").json() == {}
    answer = door.http.delete(f"/api/2.0/mlflow/logged-models/{model}/tags/a%2Fb")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_deleted_model_is_only_shown_to_those_who_ask_for_it(door, model):
    assert door.http.delete(f"/api/2.0/mlflow/logged-models/{model}").json() == {}
    assert (
        door.refused("GET", f"logged-models/{model}", 404, "RESOURCE_DOES_NOT_EXIST")
        == f"Logged model with ID '{model}' not found."
    )
    assert get(door, model, allow_deleted="true")["info"]["model_id"] == model
    assert door.post("logged-models/search", experiment_ids=["0"]) == {}


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "a%b", 'a"b', "a'b", "..", "\0", "x" * 501, 5])
def test_what_is_no_name_is_refused(door, name):
    door.invalid("logged-models", experiment_id="0", name=name)


@pytest.mark.parametrize("body", [{}, {"experiment_id": 0}, {"experiment_id": "x"}, {"experiment_id": "0", "params": "x"},
                                  {"experiment_id": "0", "tags": [{"key": ""}]}, {"experiment_id": "0", "params": [{"key": "k" * 251}]}])  # fmt: skip
def test_what_is_no_model_is_refused_and_makes_none(door, body):
    door.invalid("logged-models", **body)
    assert door.post("logged-models/search", experiment_ids=["0"]) == {}


@pytest.mark.parametrize("id", ["m-nothere", "%00", "..", "%2e%2e", "a%20b", "é" * 300])
def test_a_model_that_is_not_there(door, id):
    answer = door.http.get(f"/api/2.0/mlflow/logged-models/{id}")
    assert answer.status_code == 404


def test_search_finds_orders_and_pages(door):
    run = door.new_run()
    for number in range(5):
        id = make(door, name=f"m{number}", params=[{"key": "odd", "value": str(number % 2)}])["info"]["model_id"]
        door.post(
            "runs/log-metric",
            run_id=run,
            key="auc",
            value=number / 10,
            timestamp=1,
            model_id=id,
            dataset_name="d",
            dataset_digest="1",
        )
    asked = {
        "experiment_ids": ["0"],
        "filter": "params.odd = '0'",
        "order_by": [{"field_name": "metrics.auc", "ascending": False}],
    }
    names, token = [], ""
    while token is not None:
        page = door.post("logged-models/search", **asked, max_results=2, page_token=token)
        names += [one["info"]["name"] for one in page["models"]]
        token = page.get("next_page_token")
    assert names == ["m4", "m2", "m0"]
    found = door.post(
        "logged-models/search", experiment_ids=["0"], filter="metrics.auc > 0.25", datasets=[{"dataset_name": "d"}]
    )
    assert [one["info"]["name"] for one in found["models"]] == ["m4", "m3"] or len(found["models"]) == 2


@pytest.mark.parametrize("body", [
    {}, {"experiment_ids": "0"}, {"experiment_ids": [0]}, {"experiment_ids": ["x"]}, {"experiment_ids": ["0"], "max_results": -1},
    {"experiment_ids": ["0"], "datasets": [{}]}, {"experiment_ids": ["0"], "order_by": ["name"]}, {"experiment_ids": ["0"], "filter": "a ~ 1"},
    {"experiment_ids": ["0"], "order_by": [{"field_name": "nothing"}]}, {"experiment_ids": ["0"], "page_token": "x"},
    {"experiment_ids": ["0"], "order_by": [{"field_name": "name", "ascending": "up"}]},
])  # fmt: skip
def test_a_search_that_cannot_be_right_is_refused(door, body):
    door.invalid("logged-models/search", **body)


def test_files_of_a_model_are_listed(door, model):
    root = f"/api/2.0/mlflow-artifacts/artifacts/0/models/{model}/artifacts"
    for path in ("MLmodel", "data/model.bin"):
        assert door.http.put(f"{root}/{path}", content=b"123").status_code == 200
    told = door.get(f"logged-models/{model}/artifacts/directories")
    assert told == {
        "root_uri": f"mlflow-artifacts:/0/models/{model}/artifacts",
        "files": [{"path": "MLmodel", "is_dir": False, "file_size": 3}, {"path": "data", "is_dir": True}],
    }
    below = door.get(f"logged-models/{model}/artifacts/directories", artifact_directory_path="data")
    assert below["files"] == [{"path": "data/model.bin", "is_dir": False, "file_size": 3}]
    for path in ("..", "../..", "/etc", "%2e%2e", "a\\b", "a\0"):
        query = {"artifact_directory_path": path}
        assert (
            door.refused("GET", f"logged-models/{model}/artifacts/directories", 400, "INVALID_PARAMETER_VALUE", query)
            == "Invalid path"
        )
