"""Experiments in places that one server may refuse and the other take; last, for a number taken moves all that follow."""


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
