"""Logged models: made, finished, measured, tagged, searched, deleted."""

from mlflow.entities import Dataset, LoggedModelStatus, Metric

START = 1_700_000_000_000
API = "/api/2.0/mlflow/logged-models"
FILTERS = [
    "name = 'lm2'", "name != 'lm2'", "name LIKE 'lm%'", "name ILIKE 'LM%'", "name IN ('lm1', 'lm2')", "name NOT IN ('lm1')", "attributes.name = 'lm1'",
    "attribute.name = 'lm1'", "status = 'READY'", "status != 'READY'", "status IN ('READY', 'PENDING')", "status = 'HAPPY'", "model_type = 'agent'",
    "params.depth = '1'", "params.depth > '1'", "param.depth = '1'", "tags.team = 'ops'", "tags.team != 'ops'", "tags.team LIKE 'o%'", "tags.team IN ('ops')",
    "metrics.auc > 0.5", "metrics.auc <= 0.5", "metrics.auc = 'x'", "metric.auc > 1", "creation_timestamp > 5", "creation_time > 5", "last_updated_timestamp > 5",
    "source_run_id = 'x'", "model_id = 'x'", "model_id IN ('x')", "nothing = 'x'", "name", "name = 'lm1' AND status = 'READY'", "name = 'lm1' OR name = 'lm2'", "(name = 'lm1')",
    "name > 'a'", "name IS NULL", "", "params.rare IS NULL", "metrics.auc LIKE 'x'", "creation_timestamp = 'x'", "name = lm1",
]  # fmt: skip
ORDERS = [
    [{"field_name": "name"}], [{"field_name": "name", "ascending": False}], [{"field_name": "metrics.auc"}], [{"field_name": "metrics.auc", "ascending": True}],
    [{"field_name": "creation_timestamp", "ascending": True}], [{"field_name": "creation_time"}], [{"field_name": "last_updated_timestamp"}], [{"field_name": "nothing"}],
    [{"field_name": "params.depth"}], [{"field_name": "metrics.auc", "dataset_name": "d"}], [{"field_name": "metrics.auc", "dataset_digest": "1"}], [{"ascending": True}],
    [{"field_name": "metrics.auc", "dataset_name": "flights", "dataset_digest": "1"}], [{"field_name": "model_type"}, {"field_name": "name"}], [{"field_name": "tags.team"}],
    [{"field_name": "name", "dataset_name": "flights"}], [{"field_name": "status"}], [{"field_name": "name", "colour": 1}],
]  # fmt: skip


def calls(rec):
    c = rec.client
    exp = c.create_experiment("logged models")
    run = c.create_run(exp, start_time=START, run_name="r").info.run_id
    made = rec.call(
        "create",
        c.create_logged_model,
        exp,
        name="first",
        source_run_id=run,
        tags={"a": "1"},
        params={"p": "2"},
        model_type="agent",
    )
    rec.call("create with a name taken", c.create_logged_model, exp, name="first")
    rec.call("create in an experiment that is not there", c.create_logged_model, "987654", name="x")
    rec.call("create of a run that is not there", c.create_logged_model, exp, name="orphan", source_run_id="f" * 32)
    for name in ("", "a/b", "a:b", "a.b", 'a"b', "a'b", "a%b", "..", "ok name-1_2"):
        rec.call(f"create named {name!r}", lambda name=name: c.create_logged_model(exp, name=name).name)
    rec.rest("create raw without a name", "POST", API, json={"experiment_id": exp, "name": ""})
    rec.rest("create raw without an experiment", "POST", API, json={"name": "x"})
    rec.rest(
        "create raw",
        "POST",
        API,
        json={
            "experiment_id": exp,
            "name": "raw",
            "params": [{"key": "p", "value": "1"}],
            "tags": [{"key": "t", "value": "1"}],
        },
    )
    rec.rest("create raw with bad params", "POST", API, json={"experiment_id": exp, "name": "bad", "params": {"p": 1}})
    model = made.model_id
    rec.call("get", c.get_logged_model, model)
    rec.rest("get raw", "GET", f"{API}/{model}")
    rec.rest("get raw by the page's door", "GET", f"/ajax-api/2.0/mlflow/logged-models/{model}")
    rec.call("get one that is not there", c.get_logged_model, "m-" + "f" * 32)
    rec.call("get one with a bad id", c.get_logged_model, "nonsense")
    rec.call("log params", c.log_model_params, model, {"q": "3", "r": "4"})
    rec.call("log params again", c.log_model_params, model, {"q": "3"})
    rec.call("change a param", c.log_model_params, model, {"q": "4"})
    rec.call("log 101 params", c.log_model_params, model, {f"x{n}": "1" for n in range(101)})
    rec.call("log a long param", c.log_model_params, model, {"long": "v" * 6001})
    rec.call("log a param with a bad name", c.log_model_params, model, {"a$": "v"})
    rec.call("tag", c.set_logged_model_tags, model, {"team": "ops", "n": "5"})
    rec.call("tag again", c.set_logged_model_tags, model, {"team": "ml"})
    rec.call("tag with nothing", c.set_logged_model_tags, model, {})
    rec.call("tag with a bad name", c.set_logged_model_tags, model, {"a$": "v"})
    rec.call("delete a tag", c.delete_logged_model_tag, model, "n")
    rec.call("delete a tag twice", c.delete_logged_model_tag, model, "n")
    rec.call("delete a tag of nobody", c.delete_logged_model_tag, "m-" + "f" * 32, "n")
    rec.call("tag nobody", c.set_logged_model_tags, "m-" + "f" * 32, {"a": "b"})
    rec.call("finalize", c.finalize_logged_model, model, "READY")
    rec.call("finalize as failed", c.finalize_logged_model, model, LoggedModelStatus.FAILED)
    rec.call("finalize nobody", c.finalize_logged_model, "m-" + "f" * 32, "READY")
    rec.rest("finalize with a wrong status", "PATCH", f"{API}/{model}", json={"model_id": model, "status": "HAPPY"})
    rec.rest("finalize without a status", "PATCH", f"{API}/{model}", json={"model_id": model})
    rec.rest(
        "finalize as pending", "PATCH", f"{API}/{model}", json={"model_id": model, "status": "LOGGED_MODEL_PENDING"}
    )
    rec.call("log a metric of it", c.log_metric, run, "auc", 0.5, timestamp=START, step=2, model_id=model)
    rec.call(
        "log a metric of it on data",
        c.log_metric,
        run,
        "auc",
        0.7,
        timestamp=START,
        step=3,
        dataset_name="flights",
        dataset_digest="1",
        model_id=model,
    )
    rec.call(
        "log a metric of a model that is not there",
        c.log_metric,
        run,
        "auc",
        0.5,
        timestamp=START,
        step=9,
        model_id="m-" + "f" * 32,
    )
    rec.call(
        "log a batch of metrics of it",
        c.log_batch,
        run,
        [Metric("f1", 0.1, START, 0, model_id=model), Metric("f1", 0.2, START, 1, model_id=model)],
    )
    rec.call(
        "its metrics",
        lambda: sorted(
            (m.key, m.value, m.step, m.dataset_name, m.dataset_digest, m.run_id == run)
            for m in c.get_logged_model(model).metrics
        ),
    )
    rec.call("it all", c.get_logged_model, model)
    rec.call("delete", c.delete_logged_model, model)
    rec.call("get a deleted one", c.get_logged_model, model)
    rec.call("delete twice", c.delete_logged_model, model)
    rec.call("tag a deleted one", c.set_logged_model_tags, model, {"a": "b"})
    rec.call("delete nobody", c.delete_logged_model, "m-" + "f" * 32)
    rec.rest("artifacts of one", "GET", f"{API}/{model}/artifacts/directories")
    _search(rec, c)


def _search(rec, c):
    exp = c.create_experiment("logged model search")
    run = c.create_run(exp, start_time=START, run_name="r").info.run_id
    data = Dataset("flights", "1", "local", "{}")
    del data
    for n in range(6):
        model = c.create_logged_model(
            exp,
            name=f"lm{n}",
            source_run_id=run,
            params={"depth": str(n % 2)},
            tags={"team": "ops"} if n % 2 else {},
            model_type="agent" if n > 3 else "",
        )
        values = [
            Metric("auc", n / 10, START, 0, model_id=model.model_id),
            Metric("auc", 1 - n / 10, START, 1, model_id=model.model_id, dataset_name="flights", dataset_digest="1"),
        ]
        c.log_batch(run, values[: 2 if n % 2 else 1])
        if n % 3 == 0:
            c.finalize_logged_model(model.model_id, "READY")
    found = lambda **values: [one.name for one in c.search_logged_models([exp], **values)]  # noqa: E731
    for text in FILTERS:
        rec.call(f"filter {text!r}", found, filter_string=text)
    for order in ORDERS:
        rec.call(f"order {order}", found, order_by=order)
    rec.call(
        "on data",
        found,
        filter_string="metrics.auc > 0.5",
        datasets=[{"dataset_name": "flights", "dataset_digest": "1"}],
    )
    rec.call("on data by name", found, filter_string="metrics.auc > 0.5", datasets=[{"dataset_name": "flights"}])
    rec.call("on other data", found, filter_string="metrics.auc > 0.5", datasets=[{"dataset_name": "weather"}])
    rec.call("on data without a name", found, filter_string="metrics.auc > 0.5", datasets=[{"dataset_digest": "1"}])
    first = rec.call(
        "first page", c.search_logged_models, [exp], max_results=4, order_by=[{"field_name": "name", "ascending": True}]
    )
    rec.call(
        "second page",
        lambda: [
            one.name
            for one in c.search_logged_models(
                [exp], max_results=4, order_by=[{"field_name": "name", "ascending": True}], page_token=first.token
            )
        ],
    )
    rec.call(
        "second page of another filter",
        c.search_logged_models,
        [exp],
        filter_string="name = 'x'",
        max_results=4,
        page_token=first.token,
    )
    rec.call("wrong token", c.search_logged_models, [exp], page_token="wrong")
    rec.call("of none", c.search_logged_models, [])
    rec.call("of one that is not there", c.search_logged_models, ["987654"])
    rec.rest("raw", "POST", f"{API}/search", json={"experiment_ids": [exp], "filter": "name = 'lm1'"})
    rec.rest("raw of none", "POST", f"{API}/search", json={})
    for most in (0, -1, 50, 1000, "x"):
        rec.rest(
            f"raw at most {most}",
            "POST",
            f"{API}/search",
            json={"experiment_ids": [exp], "max_results": most, "filter": "name = 'lm1'"},
        )
