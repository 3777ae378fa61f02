"""Experiments that one server may refuse and the other take; last, for a number taken moves all that follow."""

JSON = {"Content-Type": "application/json"}


def calls(rec):
    post = "/api/2.0/mlflow/experiments"
    rec.rest(
        "create raw with a bad place",
        "POST",
        f"{post}/create",
        json={"name": "exp-bad", "artifact_location": "s3://b/../x"},
    )
    rec.rest(
        "create raw with a query in the place",
        "POST",
        f"{post}/create",
        json={"name": "exp-bad2", "artifact_location": "s3://b/x?a=1#f"},
    )
    deep = b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    rec.rest("deep JSON", "POST", "/api/2.0/mlflow/experiments/create", data=deep, headers=JSON)
    rec.rest("ten megabytes", "POST", "/api/2.0/mlflow/experiments/create", json={"name": "n" * 10_000_000})
    rec.rest(
        "a key twice",
        "POST",
        "/api/2.0/mlflow/experiments/create",
        data=b'{"name": "first", "name": "second"}',
        headers=JSON,
    )
    rec.rest(
        "a signed lone half of a pair",
        "POST",
        "/api/2.0/mlflow/experiments/create",
        data=b'{"name": "\\ud800"}',
        headers=JSON,
    )
    rec.rest("a null byte in a name", "POST", "/api/2.0/mlflow/experiments/create", json={"name": "nul\x00byte"})
