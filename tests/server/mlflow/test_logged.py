"""What runs log over the protocol, every limit at its edge and beyond, and calls that are sent again."""

import json

import pytest

LARGEST = 1.7976931348623157e308
NAMES = ("Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and"
         " slashes (/).")  # fmt: skip


def points(count, **more):
    return [{"key": f"k{n % 7}", "value": n, "timestamp": n, "step": n} | more for n in range(count)]


def pairs(count):
    return [{"key": f"k{n}", "value": str(n)} for n in range(count)]


def metrics(door, run):
    return {one["key"]: one for one in door.run(run)["data"].get("metrics", [])}


def named(door, run, what):
    return {one["key"]: one["value"] for one in door.run(run)["data"].get(what, [])}


@pytest.fixture
def run(door):
    return door.new_run()


def test_points_params_and_tags_come_back(door, run):
    door.post("runs/log-metric", run_id=run, key="loss", value=0.5, timestamp=10, step=2)
    door.post("runs/log-parameter", run_id=run, key="depth", value="3")
    door.post("runs/set-tag", run_id=run, key="team", value="ops")
    assert metrics(door, run) == {"loss": {"key": "loss", "value": 0.5, "timestamp": 10, "step": 2}}
    assert named(door, run, "params") == {"depth": "3"}
    assert named(door, run, "tags")["team"] == "ops"


def test_the_newest_point_is_the_one_of_the_greatest_step_then_time_then_value(door, run):
    for value, timestamp, step in ((1, 10, 5), (2, 99, 4), (3, 11, 5), (2.5, 11, 5), (9, 1, 1)):
        door.post("runs/log-metric", run_id=run, key="m", value=value, timestamp=timestamp, step=step)
    assert metrics(door, run)["m"]["value"] == 3


def test_calls_that_are_sent_again_change_nothing(door, run):
    calls = [
        ("log-metric", {"key": "m", "value": 1, "timestamp": 1}), ("log-parameter", {"key": "p", "value": "1"}),
        ("set-tag", {"key": "t", "value": "1"}), ("log-batch", {"metrics": points(10), "params": pairs(3), "tags": pairs(3)}),
        ("log-inputs", {"datasets": [{"dataset": {"name": "d", "digest": "1", "source_type": "s", "source": "x"}}]}),
        ("outputs", {"models": [{"model_id": "m-1", "step": 1}]}),
    ]  # fmt: skip
    for call, body in calls:
        door.post(f"runs/{call}", run_id=run, **body)
    before = door.run(run), door.get("metrics/get-history", run_id=run, metric_key="k0")
    for call, body in calls:
        door.post(f"runs/{call}", run_id=run, **body)
    assert (door.run(run), door.get("metrics/get-history", run_id=run, metric_key="k0")) == before


@pytest.mark.parametrize(("sent", "kept"), [("NaN", "NaN"), ("Infinity", LARGEST), ("-Infinity", -LARGEST), ("1.5", 1.5), (0, 0.0),
                                            (-0.0, 0.0), (5e-324, 5e-324), (LARGEST, LARGEST), (10**300, 1e300)])  # fmt: skip
def test_every_number_is_kept(door, run, sent, kept):
    door.post("runs/log-metric", run_id=run, key="m", value=sent, timestamp=1)
    door.post("runs/log-batch", run_id=run, metrics=[{"key": "b", "value": sent, "timestamp": 1}])
    assert [metrics(door, run)[key]["value"] for key in "mb"] == [kept, kept]


def test_bare_nan_and_infinity_are_understood(door, run):
    body = f'{{"run_id": "{run}", "metrics": [{{"key": "a", "value": NaN, "timestamp": 1}}, {{"key": "b", "value": -Infinity, "timestamp": 1}}]}}'
    answer = door.http.post(
        "/api/2.0/mlflow/runs/log-batch", content=body, headers={"content-type": "application/json"}
    )
    assert answer.json() == {}
    assert (metrics(door, run)["a"]["value"], metrics(door, run)["b"]["value"]) == ("NaN", -LARGEST)


@pytest.mark.parametrize("value", ["x", "", True, [1], {}, "1e999x"])
def test_what_is_no_number_is_refused(door, run, value):
    said = door.invalid("runs/log-metric", run_id=run, key="m", value=value, timestamp=1)
    assert "parameter 'value'" in said
    door.invalid("runs/log-batch", run_id=run, metrics=[{"key": "m", "value": value, "timestamp": 1}])
    assert metrics(door, run) == {}


@pytest.mark.parametrize("field", ["timestamp", "step"])
@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1.5, "soon", [], True])
def test_what_is_no_64_bit_integer_is_refused(door, run, field, value):
    point = {"key": "m", "value": 1, "timestamp": 1, "step": 1, field: value}
    assert f"parameter '{field}'" in door.invalid("runs/log-metric", run_id=run, **point)
    assert f"parameter 'metrics[0].{field}'" in door.invalid("runs/log-batch", run_id=run, metrics=[point])


@pytest.mark.parametrize("step", [0, -1, -(2**63), 2**63 - 1])
def test_every_64_bit_step_is_kept(door, run, step):
    door.post("runs/log-metric", run_id=run, key="m", value=1, timestamp=2**63 - 1, step=step)
    assert metrics(door, run)["m"] == {"key": "m", "value": 1.0, "timestamp": 2**63 - 1, "step": step}


def test_a_moment_before_1970_is_refused(door, run):
    told = "Invalid value -2 for parameter '{}timestamp' supplied: metric 'm' (value=1.0). Timestamp must be a nonnegative long (64-bit integer) "
    assert door.invalid("runs/log-metric", run_id=run, key="m", value=1, timestamp=-2) == told.format("")
    batch = [*points(2), {"key": "m", "value": 1, "timestamp": -2}]
    assert door.invalid("runs/log-batch", run_id=run, metrics=batch) == told.format("metrics[2].")


@pytest.mark.parametrize(("name", "why"), [
    ("a*b", NAMES), ("a\nb", NAMES), ("a\0", NAMES), ("é\u200b", NAMES), ("..", "'..'"), ("../x", "'../x'"), ("a//b", "'a/b'"),
    ("/a", "'/a'"), ("a/", "'a'"), (".", "'.'"), ("a/../b", "'b'"), ("./a", "'a'"),
])  # fmt: skip
def test_what_is_no_name_is_refused(door, run, name, why):
    said = door.invalid("runs/log-metric", run_id=run, key=name, value=1, timestamp=1)
    assert said.startswith(f"Invalid value {json.dumps(name)} for parameter 'name' supplied: Names ")
    assert why in said
    for call in ("log-parameter", "set-tag"):
        said = door.invalid(f"runs/{call}", run_id=run, key=name, value="1")
        assert said.startswith(f"Invalid value {json.dumps(name)} for parameter 'key' supplied: Names ")
    good = {"key": "good", "value": "1", "timestamp": 1}
    for what, field in (("metrics", "name"), ("params", "key"), ("tags", "key")):
        said = door.invalid("runs/log-batch", run_id=run, **{what: [good, {"key": name, "value": "1", "timestamp": 1}]})
        assert said.startswith(f"Invalid value {json.dumps(name)} for parameter '{what}[1].{field}' supplied: Names ")
    assert metrics(door, run) == named(door, run, "params") == {}


@pytest.mark.parametrize("name", ["a", "val/loss", "a b", "größe", "a:b", "a.b-c_d", "数", "a..b", "...", "x" * 250])
def test_every_name_that_can_be_one_is_kept(door, run, name):
    door.post("runs/log-batch", run_id=run, metrics=[{"key": name, "value": 1, "timestamp": 1}],
              params=[{"key": name, "value": "1"}], tags=[{"key": name, "value": "1"}])  # fmt: skip
    assert name in metrics(door, run)
    assert name in named(door, run, "params")
    assert name in named(door, run, "tags")


def test_a_name_has_at_most_250_characters(door, run):
    long = "x" * 251
    limit = "exceeds the maximum length of 250 characters"
    assert door.invalid("runs/log-metric", run_id=run, key=long, value=1, timestamp=1) == f"'Metric name' {limit}"
    assert door.invalid("runs/log-parameter", run_id=run, key=long, value="1") == f"'Param key' {limit}"
    assert door.invalid("runs/set-tag", run_id=run, key=long, value="1") == f"'key' {limit}"
    assert door.invalid("runs/log-batch", run_id=run, tags=[{"key": long, "value": "1"}]) == f"'tags[0].key' {limit}"


@pytest.mark.parametrize(("length", "param", "tag"), [(5999, 5999, 5999), (6000, 6000, 6000), (6001, 6000, 6001),
                                                      (8000, 6000, 8000), (8001, 6000, 8000), (1_000_000, 6000, 8000)])  # fmt: skip
def test_long_values_are_cut(door, run, length, param, tag):
    door.post("runs/log-parameter", run_id=run, key="p", value="v" * length)
    door.post("runs/set-tag", run_id=run, key="t", value="v" * length)
    assert (len(named(door, run, "params")["p"]), len(named(door, run, "tags")["t"])) == (param, tag)


@pytest.mark.parametrize("body", [
    {"metrics": points(1000)}, {"params": pairs(100)}, {"tags": pairs(100)}, {},
    {"metrics": points(800), "params": pairs(100), "tags": pairs(100)},
])  # fmt: skip
def test_a_batch_at_its_limit_is_kept(door, run, body):
    assert door.post("runs/log-batch", run_id=run, **body) == {}


@pytest.mark.parametrize(("body", "limit", "what", "count"), [
    ({"metrics": points(1001)}, 1000, "metrics", 1001), ({"params": pairs(101)}, 100, "params", 101),
    ({"tags": pairs(101)}, 100, "tags", 101),
    ({"metrics": points(801), "params": pairs(100), "tags": pairs(100)}, 1000, "metrics, params, and tags", 1001),
])  # fmt: skip
def test_a_batch_beyond_its_limit_is_refused_whole(door, run, body, limit, what, count):
    said = door.invalid("runs/log-batch", run_id=run, **body)
    assert said.startswith(f"A batch logging request can contain at most {limit} {what}. Got {count} {what}.")
    assert metrics(door, run) == named(door, run, "params") == {}


@pytest.mark.parametrize(("what", "item", "path"), [
    ("metrics", {"value": 1, "timestamp": 1}, "metrics[0].key"), ("metrics", {"key": "k", "timestamp": 1}, "metrics[0].value"),
    ("metrics", {"key": "k", "value": 1}, "metrics[0].timestamp"), ("metrics", {"key": "", "value": 1, "timestamp": 1}, "metrics[0].key"),
    ("params", {"value": "1"}, "params[0].key"), ("tags", {"key": None}, "tags[0].key"),
])  # fmt: skip
def test_what_is_missing_in_a_batch_is_named(door, run, what, item, path):
    said = door.invalid("runs/log-batch", run_id=run, **{what: [item]})
    assert said.startswith(f"Missing value for required parameter '{path}'.")


def test_a_batch_is_all_or_nothing(door, run):
    door.post("runs/log-parameter", run_id=run, key="p", value="1")
    said = door.invalid(
        "runs/log-batch", run_id=run, metrics=points(5), params=[{"key": "q", "value": "1"}, {"key": "p", "value": "2"}]
    )
    assert said == ("Changing param values is not allowed. Params were already logged='[{'key': 'p', 'old_value': '1', 'new_value': '2'}]'"
                    f" for run ID='{run}'.")  # fmt: skip
    assert metrics(door, run) == {}
    assert named(door, run, "params") == {"p": "1"}


def test_a_param_cannot_be_changed(door, run):
    door.post("runs/log-parameter", run_id=run, key="p", value="1")
    said = door.invalid("runs/log-parameter", run_id=run, key="p", value="2")
    assert said == ("Changing param values is not allowed. Param with key='p' was already logged with value='1' for run"
                    f" ID='{run}'. Attempted logging new value '2'.")  # fmt: skip


def test_a_param_given_twice_in_a_batch_is_refused(door, run):
    said = door.invalid("runs/log-batch", run_id=run, params=[{"key": "z", "value": "1"}, {"key": "z", "value": "1"}])
    assert said.startswith("Duplicate parameter keys have been submitted: ['z'].")


@pytest.mark.parametrize("run_id", ["no such", "a/b", "../x", "-a", "x" * 257, "é"])
def test_what_is_no_runs_id_is_refused_in_a_batch(door, run_id):
    assert (
        door.invalid("runs/log-batch", run_id=run_id)
        == f"Invalid value {json.dumps(run_id)} for parameter 'run_id' supplied."
    )


@pytest.mark.parametrize("body", [{"metrics": "x"}, {"metrics": [5]}, {"params": {"a": 1}}, {"tags": [[]]}, {"metrics": [None]},
                                  {"params": [{"key": 5}]}, {"tags": [{"key": "k", "value": 5}]}])  # fmt: skip
def test_what_is_no_batch_is_refused(door, run, body):
    assert door.invalid("runs/log-batch", run_id=run, **body).startswith("Invalid value ")


def test_tags_are_taken_away(door, run):
    door.post("runs/set-tag", run_id=run, key="t", value="1")
    door.post("runs/delete-tag", run_id=run, key="t")
    said = door.refused("POST", "runs/delete-tag", 404, "RESOURCE_DOES_NOT_EXIST", run_id=run, key="t")
    assert said == f"No tag with name: t in run with id {run}"


def test_the_tag_of_a_runs_name_renames_it(door, run):
    door.post("runs/set-tag", run_id=run, key="mlflow.runName", value="renamed")
    assert door.run(run)["info"]["run_name"] == "renamed"


@pytest.mark.parametrize("call", [("log-metric", {"key": "m", "value": 1, "timestamp": 1}), ("log-parameter", {"key": "p", "value": "1"}),
                                  ("set-tag", {"key": "t", "value": "1"}), ("log-batch", {}), ("log-inputs", {}),
                                  ("outputs", {"models": []}), ("delete-tag", {"key": "t"})])  # fmt: skip
def test_a_deleted_run_takes_nothing(door, run, call):
    door.post("runs/delete", run_id=run)
    said = door.invalid(f"runs/{call[0]}", run_id=run, **call[1])
    assert said == f"The run {run} must be in the 'active' state. Current state is deleted."


def test_inputs_and_outputs_come_back(door, run):
    data = {"name": "flights", "digest": "abc", "source_type": "local", "source": "/x", "schema": "{}", "profile": "{}"}
    tags = [{"key": "mlflow.data.context", "value": "training"}]
    door.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data, "tags": tags}], models=[{"model_id": "m-1"}])
    door.post("runs/outputs", run_id=run, models=[{"model_id": "m-2", "step": 7}])
    shown = door.run(run)
    assert shown["inputs"] == {
        "dataset_inputs": [{"tags": tags, "dataset": data}],
        "model_inputs": [{"model_id": "m-1"}],
    }
    assert shown["outputs"] == {"model_outputs": [{"model_id": "m-2", "step": 7}]}


@pytest.mark.parametrize(
    ("part", "limit"),
    [("name", 500), ("digest", 36), ("source", 65_535), ("schema", 1_048_575), ("profile", 16_777_215)],
)
def test_a_datasets_parts_have_limits(door, run, part, limit):
    data = {"name": "n", "digest": "d", "source_type": "t", "source": "s", part: "x" * limit}
    door.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data}])
    said = door.invalid("runs/log-inputs", run_id=run, datasets=[{"dataset": {**data, part: "x" * (limit + 1)}}])
    assert said == f"'{part}' exceeds the maximum length of {limit} characters"


@pytest.mark.parametrize(
    "dataset", [{}, {"dataset": {"name": "n"}}, {"dataset": 5}, {"dataset": {"name": 5}}, "x", None]
)
def test_what_is_no_dataset_is_refused(door, run, dataset):
    door.invalid("runs/log-inputs", run_id=run, datasets=[dataset])
    assert door.run(run)["inputs"] == {}


def test_a_model_that_version_2_tells_of_is_kept_as_a_tag(door, run):
    model = {"artifact_path": "model", "flavors": {"sklearn": {}}, "utc_time_created": "now", "run_id": run}
    for _ in range(2):
        door.post("runs/log-model", run_id=run, model_json=json.dumps(model))
    assert json.loads(named(door, run, "tags")["mlflow.log-model.history"]) == [model, model]
    assert "is not a valid JSON" in door.invalid("runs/log-model", run_id=run, model_json="{")
    for wrong in ("{}", "[]", "5", "null"):
        assert "missing mandatory fields" in door.invalid("runs/log-model", run_id=run, model_json=wrong)


def test_points_of_a_logged_model_are_the_runs_and_the_models(door, run):
    model = door.post("logged-models", experiment_id="0", name="m", source_run_id=run)["model"]["info"]["model_id"]
    point = {
        "key": "auc",
        "value": 0.7,
        "timestamp": 5,
        "step": 1,
        "model_id": model,
        "dataset_name": "d",
        "dataset_digest": "1",
    }
    for _ in range(2):
        door.post("runs/log-metric", run_id=run, **point)
        door.post(
            "runs/log-batch", run_id=run, metrics=[{**point, "key": "f1"}, {"key": "plain", "value": 1, "timestamp": 1}]
        )
    kept = door.get(f"logged-models/{model}")["model"]["data"]["metrics"]
    assert kept == [{**point, "run_id": run}, {**point, "key": "f1", "run_id": run}]
    assert sorted(metrics(door, run)) == ["auc", "f1", "plain"]


def test_points_of_a_model_that_is_not_there_are_refused_whole(door, run):
    point = {"key": "auc", "value": 0.7, "timestamp": 5, "model_id": "m-nothere"}
    door.refused("POST", "runs/log-metric", 404, "RESOURCE_DOES_NOT_EXIST", run_id=run, **point)
    door.refused("POST", "runs/log-batch", 404, "RESOURCE_DOES_NOT_EXIST", run_id=run, metrics=[point])
    assert metrics(door, run) == {}
