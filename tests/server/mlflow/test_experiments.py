"""Experiments over the protocol."""

import pytest


def make(door, name, **more):
    return door.post("experiments/create", name=name, **more)["experiment_id"]


def get(door, key):
    return door.get("experiments/get", experiment_id=key)["experiment"]


def test_the_default_experiment_is_there_from_the_start(door):
    found = door.get("experiments/search", max_results=10)["experiments"]
    assert [(one["experiment_id"], one["name"], one["artifact_location"]) for one in found] == [
        ("0", "Default", "mlflow-artifacts:/0")
    ]


def test_an_experiment_is_shown_as_it_was_made(door):
    key = make(door, "flights", tags=[{"key": "team", "value": "ops"}])
    shown = get(door, key)
    assert shown == door.get("experiments/get-by-name", experiment_name="flights")["experiment"]
    assert shown | {"creation_time": 0, "last_update_time": 0} == {
        "experiment_id": key, "name": "flights", "artifact_location": f"mlflow-artifacts:/{key}",
        "lifecycle_stage": "active", "tags": [{"key": "team", "value": "ops"}], "workspace": "default",
        "creation_time": 0, "last_update_time": 0,
    }  # fmt: skip


def test_a_name_is_given_once(door):
    make(door, "flights")
    said = door.refused("POST", "experiments/create", 400, "RESOURCE_ALREADY_EXISTS", name="flights")
    assert said.startswith("Experiment(name=flights) already exists.")


def test_a_renamed_deleted_and_restored_experiment(door):
    key = make(door, "a")
    door.post("experiments/update", experiment_id=key, new_name="b")
    assert get(door, key)["name"] == "b"
    door.post("experiments/delete", experiment_id=key)
    assert get(door, key)["lifecycle_stage"] == "deleted"
    said = door.refused("POST", "experiments/update", 500, "INVALID_STATE", experiment_id=key, new_name="c")
    assert said == "Cannot rename a non-active experiment."
    assert "must be in the 'active' state. Current state is deleted." in door.invalid("runs/create", experiment_id=key)
    door.refused("POST", "experiments/delete", 404, "RESOURCE_DOES_NOT_EXIST", experiment_id=key)
    door.post("experiments/restore", experiment_id=key)
    assert get(door, key)["lifecycle_stage"] == "active"


def test_deleting_an_experiment_sets_its_runs_aside_and_restoring_brings_them_back(door):
    key = make(door, "a")
    run = door.post("runs/create", experiment_id=key)["run"]["info"]["run_id"]
    door.post("experiments/delete", experiment_id=key)
    assert door.run(run)["info"]["lifecycle_stage"] == "deleted"
    door.post("experiments/restore", experiment_id=key)
    assert door.run(run)["info"]["lifecycle_stage"] == "active"


def test_tags_are_set_replaced_and_taken_away(door):
    key = make(door, "a")
    for value in ("1", "2", "2"):
        door.post("experiments/set-experiment-tag", experiment_id=key, key="k", value=value)
    assert get(door, key)["tags"] == [{"key": "k", "value": "2"}]
    door.post("experiments/delete-experiment-tag", experiment_id=key, key="k")
    assert "tags" not in get(door, key)
    said = door.refused(
        "POST", "experiments/delete-experiment-tag", 404, "RESOURCE_DOES_NOT_EXIST", experiment_id=key, key="k"
    )
    assert said == f"No tag with name: k in experiment with id {key}"


def test_search_pages_through_what_matches(door):
    for number in range(5):
        make(door, f"e{number}", tags=[{"key": "odd", "value": str(number % 2)}])
    names, token = [], ""
    while token is not None:
        found = door.post(
            "experiments/search", filter="tags.odd = '0'", order_by=["name"], max_results=2, page_token=token
        )
        names += [one["name"] for one in found["experiments"]]
        token = found.get("next_page_token")
    assert names == ["e0", "e2", "e4"]


def test_search_shows_the_stage_that_is_asked_for(door):
    gone = make(door, "gone")
    door.post("experiments/delete", experiment_id=gone)

    def names(view):
        return {one["name"] for one in door.get("experiments/search", max_results=9, view_type=view)["experiments"]}

    assert (names("ACTIVE_ONLY"), names("DELETED_ONLY"), names("3")) == ({"Default"}, {"gone"}, {"Default", "gone"})
    assert "view_type" in door.refused("GET", "experiments/search", 400, "INVALID_PARAMETER_VALUE",
                                       {"max_results": 1, "view_type": "SOME"})  # fmt: skip


@pytest.mark.parametrize(("size", "why"), [(0, "It must be a positive integer"), (-1, "It must be a positive integer"),
                                           (50_001, "It must be at most 50000")])  # fmt: skip
def test_a_page_has_a_size_between_1_and_50000(door, size, why):
    said = door.invalid("experiments/search", max_results=size)
    assert said == f"Invalid value {size} for parameter 'max_results' supplied. {why}"
    door.post("experiments/search", max_results=50_000)


@pytest.mark.parametrize(
    "filter", ["name ~ 'x'", "name =", "x = 'y' AND", "' OR 1=1 --", "name = 'a", "(" * 3000, "\0"]
)
def test_a_filter_that_cannot_be_read_is_refused(door, filter):
    door.invalid("experiments/search", max_results=5, filter=filter)


def test_a_token_that_nobody_gave_is_refused(door):
    for token in ("x", "eyJvZmZzZXQiOiAxfQ==", "é", "A" * 2_000_000):
        door.invalid("experiments/search", max_results=5, page_token=token)


@pytest.mark.parametrize(("length", "taken"), [(499, True), (500, True), (501, False)])
def test_a_name_has_at_most_500_characters(door, length, taken):
    if taken:
        make(door, "ü" * length)
    else:
        assert (
            door.invalid("experiments/create", name="ü" * length)
            == "'name' exceeds the maximum length of 500 characters"
        )


@pytest.mark.parametrize(("key", "value", "taken"), [(250, 20_000, True), (251, 1, False), (1, 20_001, False)])
def test_a_tag_has_at_most_250_and_20000_characters(door, key, value, taken):
    body = {"name": "x", "tags": [{"key": "k" * key, "value": "v" * value}]}
    if taken:
        make(door, **body)
    else:
        assert "exceeds the maximum length of" in door.invalid("experiments/create", **body)
        assert "exceeds" in door.invalid("experiments/set-experiment-tag", experiment_id="0", **body["tags"][0])


@pytest.mark.parametrize("name", [None, "", 31, ["a"], {"a": 1}, True, "nul\0", "\ud800"])
def test_what_is_no_name_is_refused(door, name):
    door.invalid("experiments/create", name=name)
    assert len(door.get("experiments/search", max_results=10)["experiments"]) == 1


@pytest.mark.parametrize(("told", "status"), [("abc", 400), ("1.5", 400), ("", 400), ("99", 404), ("-1", 404), ("9" * 40, 404),
                                              ("9" * 5000, 400), ("0x1", 400), ("１", 404), ("\0", 400)])  # fmt: skip
def test_a_number_that_is_no_experiments(door, told, status):
    code = "RESOURCE_DOES_NOT_EXIST" if status == 404 else "INVALID_PARAMETER_VALUE"
    door.refused("GET", "experiments/get", status, code, {"experiment_id": told})
    door.refused("POST", "experiments/delete", status, code, experiment_id=told)


@pytest.mark.parametrize(
    "place", ["s3://bucket/x", "gs://b/p?x=1", "/mnt/shared", "file:///mnt/x", "mlflow-artifacts:/elsewhere"]
)
def test_artifacts_may_lie_elsewhere(door, place):
    key = make(door, place, artifact_location=place)
    run = door.post("runs/create", experiment_id=key)["run"]["info"]
    assert get(door, key)["artifact_location"] == place
    assert run["artifact_uri"].startswith(place.split("?")[0])


@pytest.mark.parametrize("place", ["runs:/x", "s3://b/x#frag", "s3://b/x;params", "s3://b/x?a=../..", "s3://b/../../x",
                                   "../x", "http://h/x", "ftp://h/x", "mlflow-artifacts://evil/x", "s3://b/%2e%2e/x",
                                   "x" * 3000, "s3://b/\0"])  # fmt: skip
def test_artifacts_may_not_lie_just_anywhere(door, place):
    door.invalid("experiments/create", name="x", artifact_location=place)
