"""Every limit of a run's protocol: at it, and just above."""

START = 1_700_000_000_000
API = "/api/2.0/mlflow/runs"


def calls(rec):
    c = rec.client
    exp = c.create_experiment("limits")
    run = c.create_run(exp, start_time=START, run_name="l").info.run_id
    batch = lambda name, **values: rec.rest(name, "POST", f"{API}/log-batch", json={"run_id": run, **values})  # noqa: E731
    metrics = lambda n, key="m": [{"key": key, "value": 1.0, "timestamp": START + i, "step": i} for i in range(n)]  # noqa: E731
    pairs = lambda n, mark, long=1: [{"key": f"{mark}{i}", "value": "v" * long} for i in range(n)]  # noqa: E731
    batch("1000 metrics", metrics=metrics(1000))
    batch("1001 metrics", metrics=metrics(1001))
    batch("100 params", params=pairs(100, "p"))
    batch("101 params", params=pairs(101, "q"))
    batch("100 tags", tags=pairs(100, "t"))
    batch("101 tags", tags=pairs(101, "u"))
    batch("1000 in all", metrics=metrics(800, "n"), params=pairs(100, "r"), tags=pairs(100, "s"))
    batch("1001 in all", metrics=metrics(801, "o"), params=pairs(100, "v"), tags=pairs(100, "w"))
    batch("a batch larger than a million bytes", params=pairs(100, "big", 6000), tags=pairs(100, "big", 8000))
    batch("a param of 6000", params=[{"key": "p6000", "value": "v" * 6000}])
    batch("a param of 6001", params=[{"key": "p6001", "value": "v" * 6001}])
    batch("a tag of 8000", tags=[{"key": "t8000", "value": "v" * 8000}])
    batch("a tag of 8001", tags=[{"key": "t8001", "value": "v" * 8001}])
    for kind, more in (
        ("params", {"value": "1"}),
        ("tags", {"value": "1"}),
        ("metrics", {"value": 1.0, "timestamp": START, "step": 0}),
    ):
        batch(f"{kind} named by 250", **{kind: [{"key": "k" * 250, **more}]})
        batch(f"{kind} named by 251", **{kind: [{"key": "k" * 251, **more}]})
        batch(f"{kind} without a name", **{kind: [more]})
        batch(f"{kind} with an empty name", **{kind: [{"key": "", **more}]})
        batch(f"{kind} with a bad name", **{kind: [{"key": "a$b", **more}]})
        batch(f"{kind} that are text", **{kind: "abc"})
        batch(f"{kind} that are an object", **{kind: {"key": "a", **more}})
        batch(f"{kind} of null", **{kind: None})
        batch(f"{kind} with a number as name", **{kind: [{"key": 5, **more}]})
        batch(f"{kind} with an unknown field", **{kind: [{"key": f"{kind}-unknown", "colour": 1, **more}]})
    batch("a metric without a value", metrics=[{"key": "a", "timestamp": START, "step": 0}])
    batch("a metric without a time", metrics=[{"key": "a", "value": 1.0, "step": 0}])
    batch("a metric without a step", metrics=[{"key": "nostep", "value": 1.0, "timestamp": START}])
    batch("a metric of text", metrics=[{"key": "a", "value": "abc", "timestamp": START}])
    batch(
        "a metric of a number as text",
        metrics=[{"key": "astext", "value": "1.5", "timestamp": str(START), "step": "3"}],
    )
    batch("a metric of NaN as text", metrics=[{"key": "nantext", "value": "NaN", "timestamp": START, "step": 0}])
    batch(
        "a metric of Infinity as text",
        metrics=[{"key": "inftext", "value": "-Infinity", "timestamp": START, "step": 0}],
    )
    batch("a metric of null", metrics=[{"key": "a", "value": None, "timestamp": START}])
    batch("a metric of true", metrics=[{"key": "a", "value": True, "timestamp": START}])
    batch("a step beyond 64 bits", metrics=[{"key": "a", "value": 1.0, "timestamp": START, "step": 2**64}])
    batch("a step of a fraction", metrics=[{"key": "a", "value": 1.0, "timestamp": START, "step": 1.5}])
    batch("a step of 3.0", metrics=[{"key": "step3", "value": 1.0, "timestamp": START, "step": 3.0}])
    batch("a param without a value", params=[{"key": "novalue"}])
    batch("a param of a number", params=[{"key": "number", "value": 5}])
    batch("a tag without a value", tags=[{"key": "novalue"}])
    rec.rest("a batch without a run", "POST", f"{API}/log-batch", json={"metrics": metrics(1)})
    rec.rest(
        "bare NaN",
        "POST",
        f"{API}/log-metric",
        data=b'{"run_id": "%s", "key": "bare", "value": NaN, "timestamp": 5, "step": 0}' % run.encode(),
        headers={"Content-Type": "application/json"},
    )
    for door, body in (
        ("log-metric", {"key": "k", "value": 1.0, "timestamp": START}),
        ("log-parameter", {"key": "k", "value": "1"}),
        ("set-tag", {"key": "k", "value": "1"}),
    ):
        rec.rest(f"{door} without a run", "POST", f"{API}/{door}", json=body)
        rec.rest(f"{door} by uuid", "POST", f"{API}/{door}", json={"run_uuid": run, **body})
        rec.rest(
            f"{door} without a key",
            "POST",
            f"{API}/{door}",
            json={"run_id": run, **{k: v for k, v in body.items() if k != "key"}},
        )
        rec.rest(
            f"{door} without a value",
            "POST",
            f"{API}/{door}",
            json={"run_id": run, **{k: v for k, v in body.items() if k != "value"}},
        )
        rec.rest(
            f"{door} with a key that is a list", "POST", f"{API}/{door}", json={"run_id": run, **body, "key": ["k"]}
        )
    rec.rest(
        "a param of 6001 alone",
        "POST",
        f"{API}/log-parameter",
        json={"run_id": run, "key": "long", "value": "v" * 6001},
    )
    rec.rest("a tag of 8001 alone", "POST", f"{API}/set-tag", json={"run_id": run, "key": "long", "value": "v" * 8001})
    rec.rest(
        "a metric without a time alone", "POST", f"{API}/log-metric", json={"run_id": run, "key": "k", "value": 1.0}
    )
    rec.rest("delete-tag without a key", "POST", f"{API}/delete-tag", json={"run_id": run})
    rec.rest("a body of a list", "POST", f"{API}/log-batch", json=[1, 2])
    rec.rest("a body of text", "POST", f"{API}/log-batch", json="abc")
    rec.rest(
        "a body of null",
        "POST",
        f"{API}/log-batch",
        json=None,
        data=b"null",
        headers={"Content-Type": "application/json"},
    )
    rec.rest("no body", "POST", f"{API}/log-batch", headers={"Content-Type": "application/json"})
    rec.rest(
        "broken JSON", "POST", f"{API}/log-batch", data=b'{"run_id": ', headers={"Content-Type": "application/json"}
    )
    rec.rest(
        "not UTF-8",
        "POST",
        f"{API}/log-batch",
        data=b'{"run_id": "\xff\xfe"}',
        headers={"Content-Type": "application/json"},
    )
    rec.rest(
        "another content type",
        "POST",
        f"{API}/log-batch",
        data=b'{"run_id": "x"}',
        headers={"Content-Type": "text/plain"},
    )
    rec.rest(
        "no content type",
        "POST",
        f"{API}/set-tag",
        data=b'{"run_id": "%s", "key": "untyped", "value": "1"}' % run.encode(),
    )
    rec.rest("a form", "POST", f"{API}/set-tag", data={"run_id": run, "key": "form", "value": "1"})
    watched = ("p6000", "p6001", "long", "p99", "q0", "number", "novalue")

    def stay():
        return {k: len(v) for k, v in sorted(c.get_run(run).data.params.items()) if k in watched}

    rec.call("which params stayed", stay)
    rec.call("which metrics stayed", lambda: dict(sorted(c.get_run(run).data.metrics.items())))
    rec.call("which tags stayed", lambda: {k: len(v) for k, v in sorted(c.get_run(run).data.tags.items())})
