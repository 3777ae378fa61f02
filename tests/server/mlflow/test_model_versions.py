"""Versions of registered models over the protocol."""

import json

import pytest


@pytest.fixture
def model(door):
    door.post("registered-models/create", name="flights")
    return "flights"


def make(door, source="s3://bucket/model", **more):
    return door.post("model-versions/create", name="flights", source=source, **more)["model_version"]


def get(door, number="1"):
    return door.get("model-versions/get", name="flights", version=number)["model_version"]


def test_a_version_is_shown_as_it_was_made(door, model):
    made = make(door, description="first", run_link="http://ci/1", tags=[{"key": "team", "value": "ops"}])
    assert made | {"creation_timestamp": 0, "last_updated_timestamp": 0} == {
        "name": "flights", "version": "1", "creation_timestamp": 0, "last_updated_timestamp": 0, "current_stage": "None",
        "description": "first", "source": "s3://bucket/model", "run_id": "", "status": "READY", "run_link": "http://ci/1",
        "tags": [{"key": "team", "value": "ops"}],
    }  # fmt: skip
    assert get(door) == made
    assert door.get("model-versions/get-download-uri", name="flights", version="1") == {
        "artifact_uri": "s3://bucket/model"
    }


def test_versions_are_numbered_and_a_number_is_not_given_again(door, model):
    assert [make(door)["version"] for _ in range(3)] == ["1", "2", "3"]
    door.send("DELETE", "model-versions/delete", name="flights", version="3")
    assert make(door)["version"] == "4"
    said = door.refused(
        "GET", "model-versions/get", 404, "RESOURCE_DOES_NOT_EXIST", {"name": "flights", "version": "3"}
    )
    assert said == "Model Version (name=flights, version=3) not found"


def test_a_version_is_described_and_tagged(door, model):
    make(door)
    assert (
        door.send("PATCH", "model-versions/update", name="flights", version="1", description="x")["model_version"][
            "description"
        ]
        == "x"
    )
    for _ in range(2):
        door.post("model-versions/set-tag", name="flights", version="1", key="k", value="v")
    assert get(door)["tags"] == [{"key": "k", "value": "v"}]
    for _ in range(2):
        door.send("DELETE", "model-versions/delete-tag", name="flights", version="1", key="k")
    assert "tags" not in get(door)


@pytest.mark.parametrize(("key", "value", "taken"), [(250, 100_000, True), (251, 1, False), (1, 100_001, False)])
def test_tags_have_limits(door, model, key, value, taken):
    make(door)
    body = {"name": "flights", "version": "1", "key": "k" * key, "value": "v" * value}
    if taken:
        door.post("model-versions/set-tag", **body)
    else:
        assert "exceeds the maximum length of" in door.invalid("model-versions/set-tag", **body)


def test_stages(door, model):
    for _ in range(3):
        make(door)
    for number in ("1", "2"):
        door.post("model-versions/transition-stage", name="flights", version=number, stage="staging")
    moved = door.post(
        "model-versions/transition-stage", name="flights", version="3", stage="Staging", archive_existing_versions=True
    )
    assert moved["model_version"]["current_stage"] == "Staging"
    assert [get(door, number)["current_stage"] for number in "123"] == ["Archived", "Archived", "Staging"]
    assert "Invalid Model Version stage: Prod." in door.invalid(
        "model-versions/transition-stage", name="flights", version="1", stage="Prod"
    )
    said = door.refused("POST", "model-versions/transition-stage", 500, "INTERNAL_ERROR", name="flights", version="1", stage="None",
                        archive_existing_versions=True)  # fmt: skip
    assert "is not an Active stage" in said


@pytest.mark.parametrize(
    ("number", "status"), [("7", 404), ("0", 404), ("-1", 404), ("9" * 40, 404), ("x", 400), ("1.5", 400), ("", 400)]
)
def test_a_version_that_is_not_there(door, model, number, status):
    make(door)
    code = "RESOURCE_DOES_NOT_EXIST" if status == 404 else "INVALID_PARAMETER_VALUE"
    door.refused("GET", "model-versions/get", status, code, {"name": "flights", "version": number})
    for method, call in (
        ("PATCH", "update"),
        ("DELETE", "delete"),
        ("POST", "transition-stage"),
        ("POST", "set-tag"),
        ("DELETE", "delete-tag"),
    ):
        door.refused(
            method,
            f"model-versions/{call}",
            status,
            code,
            name="flights",
            version=number,
            stage="Staging",
            key="k",
            value="v",
        )


@pytest.mark.parametrize("body", [{}, {"name": "flights"}, {"source": "s3://b/x"}, {"name": 5, "source": "s3://b/x"}, {"name": "flights", "source": 5},
                                  {"name": "flights", "source": "s3://b/x", "tags": "x"}, {"name": "flights", "source": "s3://b/x", "run_id": 5}])  # fmt: skip
def test_what_is_no_version_is_refused_and_makes_none(door, model, body):
    door.invalid("model-versions/create", **body)
    assert door.get("model-versions/search") == {}


def test_a_version_of_a_model_that_is_not_there(door):
    said = door.refused(
        "POST", "model-versions/create", 404, "RESOURCE_DOES_NOT_EXIST", name="other", source="s3://b/x"
    )
    assert said == "Registered Model with name=other not found"


def test_search_finds_orders_and_pages(door, model):
    run = door.new_run()
    for _ in range(5):
        make(door, source=f"runs:/{run}/model", run_id=run)
    door.post("registered-models/alias", name="flights", alias="champion", version="2")
    numbers, token = [], ""
    while token is not None:
        page = door.get(
            "model-versions/search",
            filter=f"run_id = '{run}'",
            order_by="version_number ASC",
            max_results=2,
            page_token=token,
        )
        numbers += [one["version"] for one in page["model_versions"]]
        token = page.get("next_page_token")
    assert numbers == ["1", "2", "3", "4", "5"]
    found = door.get("model-versions/search", filter="version_number = 2")["model_versions"]
    assert found[0]["aliases"] == ["champion"]


@pytest.mark.parametrize(
    "query",
    [
        {"max_results": 200_001},
        {"max_results": 0},
        {"max_results": "x"},
        {"filter": "a ~ b"},
        {"order_by": "x"},
        {"page_token": "x"},
    ],
)
def test_a_search_that_cannot_be_right_is_refused(door, query):
    door.refused("GET", "model-versions/search", 400, "INVALID_PARAMETER_VALUE", query)
    door.get("model-versions/search", max_results=200_000)


def test_a_version_of_a_logged_model_lies_where_that_one_does_and_is_noted_there(door, model):
    run = door.new_run()
    logged = door.post("logged-models", experiment_id="0", name="m", source_run_id=run)["model"]["info"]
    for _ in range(2):
        made = make(door, source=f"models:/{logged['model_id']}", model_id=logged["model_id"])
    assert (made["version"], made["run_id"]) == ("2", run)
    assert (
        door.get("model-versions/get-download-uri", name="flights", version="2")["artifact_uri"]
        == logged["artifact_uri"]
    )
    tags = door.get(f"logged-models/{logged['model_id']}")["model"]["info"]["tags"]
    assert [json.loads(tag["value"]) for tag in tags if tag["key"] == "mlflow.modelVersions"] == [
        [{"name": "flights", "version": "1"}, {"name": "flights", "version": "2"}]
    ]


def test_a_copy_lies_where_its_original_does(door, model):
    run = door.new_run()
    make(door, source=f"mlflow-artifacts:/0/{run}/artifacts/model", run_id=run)
    door.post("registered-models/alias", name="flights", alias="champion", version="1")
    door.post("registered-models/create", name="copy")
    for source in ("models:/flights/1", "models:/flights@champion", "models:/flights/latest"):
        copied = door.post("model-versions/create", name="copy", source=source)["model_version"]
        assert (copied["source"], copied["run_id"]) == ("models:/flights/1", run)
        place = door.get("model-versions/get-download-uri", name="copy", version=copied["version"])["artifact_uri"]
        assert place == f"mlflow-artifacts:/0/{run}/artifacts/model"
