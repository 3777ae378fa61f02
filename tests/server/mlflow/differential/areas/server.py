"""What a server says of itself."""


def calls(rec):
    rec.rest("health", "GET", "/health")
    rec.rest("version", "GET", "/version")
    rec.rest("server-info", "GET", "/api/3.0/mlflow/server-info")
    rec.rest("server-info of the page", "GET", "/ajax-api/3.0/mlflow/server-info")
    rec.rest("the default experiment", "GET", "/api/2.0/mlflow/experiments/get", params={"experiment_id": "0"})
    rec.rest("the page's door", "GET", "/ajax-api/2.0/mlflow/experiments/get", params={"experiment_id": "0"})
    rec.rest("no such door", "GET", "/api/2.0/mlflow/nothing/here")
    rec.rest("no such door at all", "GET", "/nothing")
    rec.rest("wrong method", "DELETE", "/api/2.0/mlflow/experiments/get")
