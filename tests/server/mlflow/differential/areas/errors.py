"""What every door says when nothing is given, when nonsense is given, and when it is no door."""

DOORS = [
    ("POST", "experiments/create"), ("GET", "experiments/get"), ("GET", "experiments/get-by-name"), ("POST", "experiments/search"), ("GET", "experiments/search"), ("POST", "experiments/update"),
    ("POST", "experiments/delete"), ("POST", "experiments/restore"), ("POST", "experiments/set-experiment-tag"), ("POST", "experiments/delete-experiment-tag"), ("POST", "runs/create"),
    ("GET", "runs/get"), ("POST", "runs/update"), ("POST", "runs/delete"), ("POST", "runs/restore"), ("POST", "runs/search"), ("POST", "runs/log-metric"), ("POST", "runs/log-parameter"),
    ("POST", "runs/log-batch"), ("POST", "runs/log-inputs"), ("POST", "runs/log-model"), ("POST", "runs/outputs"), ("POST", "runs/set-tag"), ("POST", "runs/delete-tag"),
    ("GET", "metrics/get-history"), ("GET", "metrics/get-history-bulk-interval"), ("POST", "logged-models"), ("POST", "logged-models/search"), ("POST", "registered-models/create"),
    ("POST", "registered-models/rename"), ("POST", "registered-models/set-tag"), ("GET", "registered-models/get"), ("GET", "registered-models/search"), ("PATCH", "registered-models/update"),
    ("DELETE", "registered-models/delete"), ("DELETE", "registered-models/delete-tag"), ("POST", "registered-models/get-latest-versions"), ("GET", "registered-models/get-latest-versions"),
    ("GET", "registered-models/alias"), ("POST", "registered-models/alias"), ("DELETE", "registered-models/alias"), ("POST", "model-versions/create"), ("POST", "model-versions/set-tag"),
    ("POST", "model-versions/transition-stage"), ("GET", "model-versions/get"), ("GET", "model-versions/search"), ("GET", "model-versions/get-download-uri"), ("PATCH", "model-versions/update"),
    ("DELETE", "model-versions/delete"), ("DELETE", "model-versions/delete-tag"), ("GET", "artifacts/list"),
]  # fmt: skip
ABSENT = [
    "traces/search",
    "scorers/list",
    "gateway/endpoints/list",
    "datasets/search",
    "nonsense",
    "runs",
    "runs/nonsense",
    "experiments/",
    "experiments/get/",
]
JSON = {"Content-Type": "application/json"}


def calls(rec):
    searches = ("experiments/search", "registered-models/search", "model-versions/search")
    for method, door in DOORS:
        path = f"/api/2.0/mlflow/{door}"
        body = {"params": {}} if method == "GET" else {"json": {}}
        if door not in searches:
            rec.rest(f"{method} {door} with nothing", method, path, **body)
        if method != "GET":
            rec.rest(f"{method} {door} with broken JSON", method, path, data=b"{", headers=JSON)
            rec.rest(f"{method} {door} with a list", method, path, json=[])
            rec.rest(f"{method} {door} with text", method, path, json="text")
    for door in ABSENT:
        rec.rest(f"absent {door}", "GET", f"/api/2.0/mlflow/{door}")
    for method in ("PUT", "DELETE", "PATCH"):
        rec.rest(f"{method} on experiments/create", method, "/api/2.0/mlflow/experiments/create", json={})
    rec.rest("another version of the protocol", "GET", "/api/9.0/mlflow/experiments/get", params={"experiment_id": "0"})
    rec.rest(
        "version 3 of a door of version 2", "GET", "/api/3.0/mlflow/experiments/get", params={"experiment_id": "0"}
    )
    rec.rest("a preview", "GET", "/api/2.0/preview/mlflow/experiments/get", params={"experiment_id": "0"})
    rec.rest("two slashes", "GET", "/api/2.0//mlflow/experiments/get", params={"experiment_id": "0"})
    rec.rest("capital letters", "GET", "/API/2.0/mlflow/experiments/get", params={"experiment_id": "0"})
    rec.rest("names in camel case", "GET", "/api/2.0/mlflow/experiments/get", params={"experimentId": "0"})
    rec.rest(
        "camel case in a body",
        "POST",
        "/api/2.0/mlflow/experiments/search",
        json={"maxResults": 1, "orderBy": ["name"]},
    )
    rec.rest("null for a number", "POST", "/api/2.0/mlflow/experiments/search", json={"max_results": None})
    rec.rest("a parameter twice", "GET", "/api/2.0/mlflow/experiments/get?experiment_id=0&experiment_id=1")
