"""Metric histories: whole, in pages, and as the page draws them."""

from mlflow.entities import Metric

START = 1_700_000_000_000
API = "/api/2.0/mlflow/metrics"
PAGE = "/ajax-api/2.0/mlflow/metrics"


def calls(rec):
    c = rec.client
    exp = c.create_experiment("histories")
    run = c.create_run(exp, start_time=START, run_name="h").info.run_id
    other = c.create_run(exp, start_time=START, run_name="o").info.run_id
    c.log_batch(run, [Metric("m", (n * 37 % 101) / 7, START + n * 10, n) for n in range(1000)])
    c.log_batch(other, [Metric("m", float(n), START + n, n * 3) for n in range(50)])
    ties = [(0, 5, 3.0), (0, 5, 1.0), (0, 4, 9.0), (1, 5, 2.0), (1, 3, float("nan")), (2, 1, float("inf"))]
    c.log_batch(run, [Metric("ties", value, START + at, step) for step, at, value in ties])
    rec.call("ties in order", c.get_metric_history, run, "ties")
    rec.call("the latest of ties", lambda: c.get_run(run).data.metrics["ties"])
    rec.call("all", lambda: [[m.timestamp, m.step, m.value] for m in c.get_metric_history(run, "m")])
    rec.call("none", c.get_metric_history, run, "nothing")
    rec.call("of nobody", c.get_metric_history, "f" * 32, "m")
    get = lambda name, **params: rec.rest(name, "GET", f"{API}/get-history", params={"run_id": run, **params})  # noqa: E731
    first = get("first page", metric_key="m", max_results=3)
    get("second page", metric_key="m", max_results=3, page_token=first["next_page_token"])
    get("a page as large as all", metric_key="ties", max_results=6)
    get("a page larger than all", metric_key="ties", max_results=7)
    get("no page", metric_key="ties")
    get("a page of 0", metric_key="ties", max_results=0)
    get("a page of -1", metric_key="ties", max_results=-1)
    get("a page of 25000", metric_key="ties", max_results=25_000)
    get("a page of 25001", metric_key="ties", max_results=25_001)
    get("a wrong token", metric_key="ties", max_results=2, page_token="wrong")
    get("without a key")
    rec.rest("without a run", "GET", f"{API}/get-history", params={"metric_key": "m"})
    rec.rest("by uuid", "GET", f"{API}/get-history", params={"run_uuid": run, "metric_key": "ties"})

    bulk = lambda name, params, at=API: rec.rest(name, "GET", f"{at}/get-history-bulk-interval", params=params)  # noqa: E731
    bulk("interval of all", {"run_ids": [run], "metric_key": "ties", "max_results": 100})
    bulk("interval of 10", {"run_ids": [run], "metric_key": "m", "max_results": 10})
    bulk("interval of 10 of two runs", {"run_ids": [run, other], "metric_key": "m", "max_results": 10})
    bulk(
        "interval from to", {"run_ids": [run], "metric_key": "m", "max_results": 7, "start_step": 100, "end_step": 300}
    )
    bulk("interval from", {"run_ids": [run], "metric_key": "m", "max_results": 7, "start_step": 100})
    bulk("interval backwards", {"run_ids": [run], "metric_key": "m", "max_results": 7, "start_step": 5, "end_step": 2})
    bulk("interval of text", {"run_ids": [run], "metric_key": "m", "max_results": "x"})
    bulk("interval of 0", {"run_ids": [run], "metric_key": "m", "max_results": 0})
    bulk("interval of 2500", {"run_ids": [other], "metric_key": "m", "max_results": 2500})
    bulk("interval of 2501", {"run_ids": [other], "metric_key": "m", "max_results": 2501})
    bulk("interval of 1", {"run_ids": [other], "metric_key": "m", "max_results": 1})
    bulk("interval without runs", {"metric_key": "m"})
    bulk("interval without a key", {"run_ids": [run]})
    bulk("interval of nobody", {"run_ids": ["f" * 32], "metric_key": "m"})
    bulk("interval of a metric that is not there", {"run_ids": [run], "metric_key": "nothing", "max_results": 5})
    bulk("interval of 101 runs", {"run_ids": ["f" * 32] * 101, "metric_key": "m"})
    bulk("interval without a number", {"run_ids": [other], "metric_key": "m"})
    bulk("interval at the page's door", {"run_ids": [other], "metric_key": "m", "max_results": 5}, PAGE)
    rec.rest("bulk", "GET", f"{PAGE}/get-history-bulk", params={"run_id": [other], "metric_key": "m", "max_results": 5})
    rec.rest("bulk without a key", "GET", f"{PAGE}/get-history-bulk", params={"run_id": [run]})
