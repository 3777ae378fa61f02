"""Searching runs: filters, orders, views, pages. (Random ones: the fuzz beside the parser.)"""

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType

START = 1_700_000_000_000
API = "/api/2.0/mlflow/runs/search"
FILTERS = [
    "metrics.auc > 0.5", "metrics.auc >= 0.5", "metrics.auc < 0.5", "metrics.auc <= 0.5", "metrics.auc = 0.5", "metrics.auc == 0.5",
    "metrics.auc != 0.5", "metric.auc > 0.2", "metrics.`auc` > 0.2", 'metrics."auc" > 0.2', "metrics.`test loss` < 1", "metrics.odd > 0",
    "metrics.odd != 0", "metrics.auc > 1e-1", "metrics.auc > -1", "metrics.auc > .5", "metrics.auc > '0.5'", "metrics.auc LIKE '0'",
    "metrics.auc IS NULL", "metrics.auc IN (0.5)", "params.depth = '3'", "params.depth != '3'", "param.depth = '3'", "parameters.depth = '3'",
    "parameter.depth = '3'", "params.depth = 3", "params.depth > '3'", "params.kind LIKE 'tr%'", "params.kind ILIKE 'TR%'", "params.kind LIKE 'TR%'",
    "params.kind LIKE 't_ee'", "params.rare IS NULL", "params.rare IS NOT NULL", "params.rare is not null", "params.kind IN ('tree')",
    "tags.team = 'ops'", "tag.team = 'ops'", "tags.team != 'ops'", "tags.team IS NULL", "tags.`mlflow.runName` = 'r2'", "tags.team NOT IN ('ops')",
    "attributes.run_name = 'r2'", "attribute.run_name = 'r2'", "attr.run_name = 'r2'", "run.run_name = 'r2'", "run_name = 'r2'",
    "run_name LIKE 'r%'", "run_name ILIKE 'R%'", "run_name != 'r2'", "`Run name` = 'r2'", "status = 'FINISHED'", "status != 'FINISHED'",
    "status = 'finished'", "attributes.status = 'RUNNING'", "user_id = 'ann'", "attributes.artifact_uri LIKE 'mlflow-artifacts:%'",
    f"start_time > {START + 2}", f"attributes.start_time = {START + 2}", "start_time > '5'", "end_time > 0", "created > 0", "Created > 0", "start_time IS NULL",
    "run_id = 'x'", "run_id IN ('x', 'y')", "run_id NOT IN ('x')", "attributes.run_id IN ()", "run_id IN ('x', 5)", "run_id IN 'x'", "run_id LIKE '%'",
    "datasets.name = 'flights'", "dataset.name = 'flights'", "datasets.digest = 'd1'", "datasets.context = 'train'", "datasets.name LIKE 'fl%'",
    "datasets.name ILIKE 'FL%'", "datasets.name IN ('flights', 'x')", "datasets.name NOT IN ('flights')", "datasets.name != 'flights'", "datasets.size = '1'",
    "datasets.name = 'flights' AND datasets.context = 'train'", "metrics.auc > 0.3 AND params.depth = '3'", "metrics.auc > 0.3 and metrics.auc < 0.6",
    "metrics.auc > 0.3 OR params.depth = '3'", "NOT metrics.auc > 0.3", "(metrics.auc > 0.3)", "metrics.auc > 0.3 AND", "AND metrics.auc > 0.3",
    "metrics.auc > 0.3, params.depth = '3'", "metrics.auc", "metrics. > 3", "metrics.auc >", "> 3", "auc > 3", "nothing.auc > 3", "metrics.auc > abc",
    "params.depth = 'it''s'", "params.depth = \"3\"", "params.depth = 'a\"b'", "params.depth = ''", "", "   ", "metrics.auc > 0.3 -- comment", "metrics.auc > 0.3;",
    "params.kind = 'tree'; DROP TABLE runs", "metrics.auc > 0.3 AND AND params.depth = '3'", "metrics.auc BETWEEN 0 AND 1", "params.`größe` = '数据'",
    "metrics.auc<0.5", "params.depth='3'AND metrics.auc<0.9", "METRICS.auc > 0.3", "metrics.AUC > 0.3", "params.depth = '3' LIMIT 1", "metrics.auc > 99999999999999999999",
    "metrics.inf > 1", "metrics.nan > 0", "metrics.nan != 0", "metrics.nan = 0", "metrics.auc > NaN", "tags.a.b.c = '1'", "params.depth = '3' AND 1 = 1", "1 = 1",
]  # fmt: skip
ORDERS = [
    ["metrics.auc"], ["metrics.auc ASC"], ["metrics.auc DESC"], ["metrics.nan"], ["metrics.nan DESC"], ["metrics.inf DESC"], ["metrics.`test loss`"],
    ["params.depth"], ["params.depth DESC"], ["params.rare"], ["tags.team DESC"], ["tags.nobody"], ["attributes.start_time"], ["start_time DESC"],
    ["attributes.run_name"], ["run_name DESC"], ["`Run name`"], ["attributes.status", "metrics.auc DESC"], ["end_time"], ["user_id"], ["created"],
    ["metrics.auc", "metrics.auc"], ["metrics.auc", "start_time"], ["datasets.name"], ["nothing"], ["metrics.auc UP"], ["metrics.auc asc desc"], [""], ["metrics"],
    ["params.depth = '3'"], ["metrics.auc,params.depth"], ["run_name", "start_time", "run_id"],
]  # fmt: skip


def calls(rec):
    c = rec.client
    exp = c.create_experiment("run search")
    _fill(c, exp)
    found = lambda **values: [run.info.run_name for run in c.search_runs([exp], **values)]  # noqa: E731
    for text in FILTERS:
        rec.call(f"filter {text!r}", found, filter_string=text)
    for order in ORDERS:
        rec.call(f"order {order}", found, order_by=order)
    rec.call(
        "order by id",
        lambda: (lambda ids: ids == sorted(ids))(
            [run.info.run_id for run in c.search_runs([exp], order_by=["run_id"])]
        ),
    )
    rec.call(
        "filter and order",
        found,
        filter_string="metrics.auc > 0.2 AND tags.team = 'ops'",
        order_by=["params.depth DESC", "metrics.auc"],
    )
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        rec.call(f"view {ViewType.to_string(view)}", found, run_view_type=view)
    pages = []
    token = None
    while token is not None or not pages:
        page = rec.call(
            f"page {len(pages) + 1}",
            c.search_runs,
            [exp],
            order_by=["metrics.auc DESC"],
            max_results=5,
            page_token=token,
        )
        if page is None or len(pages) > 4:
            break
        pages.append([run.info.run_name for run in page])
        token = page.token
    rec.note("the pages", pages)
    rec.call("wrong token", c.search_runs, [exp], page_token="wrong")
    rec.call("of two experiments", c.search_runs, [exp, "0"], filter_string="run_name = 'r2'")
    rec.call("of an experiment that is not there", c.search_runs, ["987654"])
    rec.call("of none", c.search_runs, [])
    rec.call("of letters", c.search_runs, ["abc"])
    rec.rest("whole", "POST", API, json={"experiment_ids": [exp], "filter": "run_name = 'r2'"})
    rec.rest("at most 0", "POST", API, json={"experiment_ids": [exp], "max_results": 0, "filter": "run_name = 'r2'"})
    rec.rest("at most -1", "POST", API, json={"experiment_ids": [exp], "max_results": -1})
    rec.rest(
        "at most 50000", "POST", API, json={"experiment_ids": [exp], "max_results": 50_000, "filter": "run_name = 'r2'"}
    )
    rec.rest("at most 50001", "POST", API, json={"experiment_ids": [exp], "max_results": 50_001})
    rec.rest("at most many", "POST", API, json={"experiment_ids": [exp], "max_results": "many"})
    rec.rest("no experiments", "POST", API, json={"filter": "run_name = 'r2'"})
    rec.rest("experiments as text", "POST", API, json={"experiment_ids": "0"})
    rec.rest("experiments as numbers", "POST", API, json={"experiment_ids": [int(exp)], "filter": "run_name = 'r2'"})
    rec.rest("a filter that is a number", "POST", API, json={"experiment_ids": [exp], "filter": 5})
    rec.rest("a wrong view", "POST", API, json={"experiment_ids": [exp], "run_view_type": "SOME"})
    rec.rest("deleted", "POST", API, json={"experiment_ids": [exp], "run_view_type": "DELETED_ONLY"})
    rec.rest(
        "datasets of it", "POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", json={"experiment_ids": [exp]}
    )
    rec.rest(
        "datasets of none", "POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", json={"experiment_ids": []}
    )


def _fill(c, exp):
    for n in range(12):
        tags = {"team": "ops" if n % 3 else "ml"} if n != 7 else {}
        run = c.create_run(
            exp, start_time=START + n, run_name=f"r{n}", tags={"mlflow.user": "ann" if n % 2 else "bob", **tags}
        ).info.run_id
        metrics = [
            Metric("test loss", 1 / (n + 1), START, 0),
            Metric("nan", float("nan") if n % 4 == 0 else n / 2, START, 0),
        ]
        metrics += [Metric("inf", float("inf") if n % 5 == 0 else float(n), START, 0)]
        if n != 9:
            metrics += [Metric("auc", 0.9, START, 0), Metric("auc", (n * 7 % 10) / 10, START, 1)]
        if n % 2:
            metrics.append(Metric("odd", float(n % 3), START, 0))
        params = [Param("depth", str(n % 5)), Param("kind", "tree" if n % 2 else "linear"), Param("größe", "数据")]
        c.log_batch(run, metrics, params + ([Param("rare", "x")] if n == 4 else []), [RunTag("a.b.c", "1")])
        if n % 3 == 0:
            dataset = Dataset("flights" if n else "weather", f"d{n % 2}", "local", "{}")
            c.log_inputs(run, [DatasetInput(dataset, [InputTag("mlflow.data.context", "train" if n % 2 else "test")])])
        if n % 4 == 1:
            c.set_terminated(run, "FINISHED" if n > 4 else "FAILED", START + 100 + n)
        if n == 11:
            c.delete_run(run)
