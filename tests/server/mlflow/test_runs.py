"""Runs over the protocol: begun, looked up, searched, changed, deleted, restored."""

import pytest


def test_a_new_run_is_shown_as_it_was_made(door):
    made = door.post(
        "runs/create", experiment_id="0", user_id="ann", run_name="first", start_time=1234,
        tags=[{"key": "team", "value": "ops"}],
    )["run"]  # fmt: skip
    run = made["info"]["run_id"]
    assert made["info"] == {
        "run_uuid": run, "run_id": run, "experiment_id": "0", "run_name": "first", "user_id": "ann",
        "status": "RUNNING", "start_time": 1234, "artifact_uri": f"mlflow-artifacts:/0/{run}/artifacts",
        "lifecycle_stage": "active",
    }  # fmt: skip
    assert made["data"]["tags"] == [{"key": "mlflow.runName", "value": "first"}, {"key": "team", "value": "ops"}]
    assert door.run(run) == {**made, "outputs": {}}


def test_a_run_without_a_name_gets_one_and_is_in_the_default_experiment(door):
    made = door.post("runs/create")["run"]
    assert made["info"]["run_name"]
    assert made["info"]["experiment_id"] == "0"


def test_a_run_has_one_name(door):
    tag = {"key": "mlflow.runName", "value": "tagged"}
    assert door.post("runs/create", tags=[tag])["run"]["info"]["run_name"] == "tagged"
    assert "run_name='other', mlflow.runName='tagged'" in door.invalid("runs/create", run_name="other", tags=[tag])


def test_a_run_is_found_by_either_name_of_its_id(door):
    run = door.new_run()
    assert door.get("runs/get", run_uuid=run)["run"] == door.run(run)


def test_an_update_changes_what_is_given_and_may_be_sent_again(door):
    run = door.new_run()
    for _ in range(2):
        info = door.post("runs/update", run_id=run, status="FINISHED", end_time=5678)["run_info"]
        assert (info["status"], info["end_time"]) == ("FINISHED", 5678)
    assert door.post("runs/update", run_id=run, run_name="renamed")["run_info"]["run_name"] == "renamed"
    shown = door.run(run)
    assert shown["info"]["status"] == "FINISHED"
    assert {"key": "mlflow.runName", "value": "renamed"} in shown["data"]["tags"]


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED", "SCHEDULED", "RUNNING", 1, 2, 3, 4, 5])
def test_every_status_is_known(door, status):
    run = door.new_run()
    names = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
    told = door.post("runs/update", run_id=run, status=status)["run_info"]["status"]
    assert told == (status if isinstance(status, str) else names[status - 1])


@pytest.mark.parametrize("status", ["BOGUS", "finished", 0, 6, 1.5, [], {"a": 1}])
def test_a_status_that_there_is_not_changes_nothing(door, status):
    run = door.new_run()
    door.invalid("runs/update", run_id=run, status=status, end_time=1)
    assert door.run(run)["info"]["status"] == "RUNNING"
    assert "end_time" not in door.run(run)["info"]


def test_deleting_and_restoring_may_be_sent_again(door):
    run = door.new_run()
    for _ in range(2):
        door.post("runs/delete", run_id=run)
    assert door.run(run)["info"]["lifecycle_stage"] == "deleted"
    said = door.invalid("runs/update", run_id=run, status="FINISHED")
    assert said == f"The run {run} must be in the 'active' state. Current state is deleted."
    for _ in range(2):
        door.post("runs/restore", run_id=run)
    assert door.run(run)["info"]["lifecycle_stage"] == "active"


@pytest.mark.parametrize("call", ["update", "delete", "restore", "log-metric", "log-parameter", "set-tag", "delete-tag",
                                  "log-batch", "log-inputs", "outputs", "log-model"])  # fmt: skip
def test_a_run_that_is_not_there(door, call):
    body = {"key": "k", "value": "1", "timestamp": 1, "models": [],
            "model_json": '{"artifact_path": "", "flavors": {}, "utc_time_created": "", "run_id": ""}'}  # fmt: skip
    said = door.refused("POST", f"runs/{call}", 404, "RESOURCE_DOES_NOT_EXIST", run_id="nothere", **body)
    assert said == "Run with id=nothere not found"
    assert door.invalid(f"runs/{call}", **body).startswith("Missing value for required parameter 'run_id'.")
    assert door.invalid(f"runs/{call}", run_id=31, **body).startswith(
        "Invalid value 31 for parameter 'run_id' supplied:"
    )


def test_search_finds_orders_and_pages(door):
    runs = [door.new_run(start_time=number) for number in range(7)]
    for number, run in enumerate(runs):
        door.post("runs/log-metric", run_id=run, key="auc", value=number / 10, timestamp=1)
    found, token = [], ""
    while token is not None:
        page = door.post("runs/search", experiment_ids=["0"], filter="metrics.auc > 0.15", order_by=["metrics.auc DESC"],
                         max_results=2, page_token=token)  # fmt: skip
        found += [run["info"]["run_id"] for run in page["runs"]]
        token = page.get("next_page_token")
    assert found == runs[:1:-1]
    newest = door.post("runs/search", experiment_ids=["0"])["runs"]
    assert [run["info"]["run_id"] for run in newest] == runs[::-1]


def test_search_gives_runs_with_all_they_logged(door):
    run = door.new_run()
    door.post("runs/log-batch", run_id=run, metrics=[{"key": "m", "value": 2, "timestamp": 1, "step": 3}],
              params=[{"key": "p", "value": "1"}], tags=[{"key": "t", "value": "x"}])  # fmt: skip
    assert door.post("runs/search", experiment_ids=["0"])["runs"] == [door.run(run)]


def test_search_by_stage_and_of_nothing(door):
    run = door.new_run()
    door.post("runs/delete", run_id=run)

    def found(**more):
        return [one["info"]["run_id"] for one in door.post("runs/search", experiment_ids=["0"], **more).get("runs", [])]

    assert found() == []
    assert found(run_view_type="DELETED_ONLY") == found(run_view_type="ALL") == found(run_view_type=2) == [run]
    assert door.post("runs/search") == {}
    assert door.post("runs/search", experiment_ids=["77"]) == {}


@pytest.mark.parametrize(("size", "why"), [
    (0, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"),
    (50_001, "Invalid value 50001 for parameter 'max_results' supplied:  Hint: Value was of type 'int'."),
    (2**31, "Invalid value 2147483648 for parameter 'max_results' supplied:"),
])  # fmt: skip
def test_a_page_of_runs_has_a_size(door, size, why):
    assert door.invalid("runs/search", experiment_ids=["0"], max_results=size).startswith(why)
    door.post("runs/search", experiment_ids=["0"], max_results=50_000)


@pytest.mark.parametrize("body", [
    {"experiment_ids": ["abc"]}, {"experiment_ids": "0"}, {"experiment_ids": [0]}, {"filter": 5}, {"order_by": "metrics.x"},
    {"experiment_ids": ["0"], "filter": "metrics.x ~ 5"}, {"experiment_ids": ["0"], "order_by": ["nothing"]},
    {"experiment_ids": ["0"], "order_by": ["metrics.a", "metrics.a"]}, {"experiment_ids": ["0"], "page_token": "bogus"},
    {"run_view_type": "NOPE"}, {"run_view_type": 9},
])  # fmt: skip
def test_a_search_that_cannot_be_right_is_refused(door, body):
    door.invalid("runs/search", **body)


@pytest.mark.parametrize("body", [
    {"experiment_id": 7}, {"experiment_id": "x"}, {"start_time": "soon"}, {"start_time": 2**63}, {"run_name": ["x"]},
    {"user_id": 5}, {"tags": "x"}, {"tags": [5]}, {"tags": [{"key": 5}]}, {"tags": [{"key": ""}]},
    {"run_name": "\0"}, {"tags": [{"key": "a", "value": "\ud800"}]},
])  # fmt: skip
def test_what_cannot_be_a_run_is_refused_and_makes_none(door, body):
    door.invalid("runs/create", **body)
    assert door.post("runs/search", experiment_ids=["0"]) == {}
