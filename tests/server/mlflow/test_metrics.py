"""Metric histories over the protocol."""

import pytest


@pytest.fixture
def run(door):
    run = door.new_run()
    for start in range(0, 3000, 1000):
        batch = [{"key": "loss", "value": 1 / (n + 1), "timestamp": n, "step": n} for n in range(start, start + 1000)]
        door.post("runs/log-batch", run_id=run, metrics=batch)
    return run


def test_a_whole_history_is_ordered_by_time_step_and_value(door):
    run = door.new_run()
    told = [(3, 1, 9.0), (1, 2, 5.0), (1, 1, 7.0), (1, 1, 6.0)]
    for timestamp, step, value in told:
        door.post("runs/log-metric", run_id=run, key="m", value=value, timestamp=timestamp, step=step)
    found = door.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]
    assert [(one["timestamp"], one["step"], one["value"]) for one in found] == sorted(told)
    assert found[0] == {"key": "m", "value": 6.0, "timestamp": 1, "step": 1}


def test_pages_follow_each_other_without_a_gap(door, run):
    steps, token, pages = [], "", 0
    while token is not None:
        page = door.get("metrics/get-history", run_id=run, metric_key="loss", max_results=700, page_token=token)
        steps += [one["step"] for one in page["metrics"]]
        token, pages = page.get("next_page_token"), pages + 1
    assert steps == list(range(3000))
    assert pages == 5


def test_a_page_has_at_most_25000_points(door):
    run = door.new_run()
    for start in range(0, 26_000, 1000):
        batch = [{"key": "m", "value": n, "timestamp": n, "step": n} for n in range(start, start + 1000)]
        door.post("runs/log-batch", run_id=run, metrics=batch)
    assert len(door.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]) == 26_000
    page = door.get("metrics/get-history", run_id=run, metric_key="m", max_results=1_000_000)
    assert len(page["metrics"]) == 25_000
    rest = door.get("metrics/get-history", run_id=run, metric_key="m", page_token=page["next_page_token"])
    assert [one["step"] for one in rest["metrics"]] == list(range(25_000, 26_000))


@pytest.mark.parametrize("size", [0, -1, 2**31, "x", 1.5])
def test_a_page_has_a_size(door, run, size):
    query = {"run_id": run, "metric_key": "loss", "max_results": size}
    said = door.refused("GET", "metrics/get-history", 400, "INVALID_PARAMETER_VALUE", query)
    assert "for parameter 'max_results' supplied" in said


@pytest.mark.parametrize("token", ["zzz", "eyJvZmZzZXQiOiAxfQ==", "é", "A" * 10_000])
def test_a_token_that_nobody_gave_is_refused(door, run, token):
    door.refused("GET", "metrics/get-history", 400, "INVALID_PARAMETER_VALUE",
                 {"run_id": run, "metric_key": "loss", "page_token": token})  # fmt: skip


def test_what_is_not_there_has_no_history(door, run):
    assert door.get("metrics/get-history", run_id=run, metric_key="other") == {}
    assert door.get("metrics/get-history", run_id="nothere", metric_key="loss") == {}
    assert "'metric_key'" in door.refused("GET", "metrics/get-history", 400, "INVALID_PARAMETER_VALUE", {"run_id": run})


def test_a_sample_keeps_the_first_and_the_last(door, run):
    other = door.new_run()
    door.post("runs/log-metric", run_id=other, key="loss", value=1, timestamp=1, step=1)
    found = door.get("metrics/get-history-bulk-interval", run_ids=[run, other], metric_key="loss", max_results=320)[
        "metrics"
    ]
    of_run = [one for one in found if one["run_id"] == run]
    assert len(of_run) <= 320
    assert (of_run[0]["step"], of_run[-1]["step"]) == (0, 2999)
    assert found[-1] == {"key": "loss", "value": 1.0, "timestamp": 1, "step": 1, "run_id": other}


def test_a_sample_between_two_steps(door, run):
    query = {"run_ids": [run], "metric_key": "loss", "start_step": 10, "end_step": 12}
    assert [one["step"] for one in door.get("metrics/get-history-bulk-interval", **query)["metrics"]] == [10, 11, 12]


@pytest.mark.parametrize(("query", "why"), [
    ({"max_results": 0}, "max_results must be between 1 and 2500."), ({"max_results": 2501}, "max_results must be between 1 and 2500."),
    ({"start_step": 1}, "If either start step or end step are specified, both must be specified."),
    ({"start_step": 5, "end_step": 3}, "end_step must be greater than start_step. Found start_step=5 and end_step=3."),
    ({"run_ids": ["r"] * 101}, "request must specify at most 100 run_ids. Received 101 run_ids."),
    ({"run_ids": []}, "Missing value for required parameter 'run_ids'."), ({"metric_key": ""}, "Missing value for required parameter 'metric_key'."),
    ({"start_step": 2**31, "end_step": 2**31}, "Invalid value"),
])  # fmt: skip
def test_a_sample_that_cannot_be_taken(door, query, why):
    asked = {"run_ids": ["r"], "metric_key": "loss", **query}
    assert why in door.refused("GET", "metrics/get-history-bulk-interval", 400, "INVALID_PARAMETER_VALUE", asked)


def test_at_their_limits_samples_are_taken(door, run):
    assert door.get(
        "metrics/get-history-bulk-interval", run_ids=["nothere"] * 99 + [run], metric_key="loss", max_results=2500
    )["metrics"]
    assert (
        len(door.get("metrics/get-history-bulk-interval", run_ids=[run], metric_key="loss", max_results=1)["metrics"])
        == 1
    )


def test_the_beginnings_of_several_histories_for_older_pages(door, run):
    other = door.new_run()
    door.post("runs/log-metric", run_id=other, key="loss", value=1, timestamp=1)

    def bulk(**query):
        return door.http.get("/ajax-api/2.0/mlflow/metrics/get-history-bulk", params=query)

    assert len(bulk(run_id=[run, other], metric_key="loss").json()["metrics"]) == 3001
    assert len(bulk(run_id=[run, other], metric_key="loss", max_results=10).json()["metrics"]) == 10
    assert bulk(run_id=["nothere"], metric_key="loss").json() == {"metrics": []}
    assert "at least one run_id" in bulk(metric_key="loss").json()["message"]
    assert "more than 100 run_ids" in bulk(run_id=["r"] * 101, metric_key="loss").json()["message"]
    assert "must specify a metric_key" in bulk(run_id=[run]).json()["message"]
