"""MLflow's scoring client asks a running server, with every kind of data it can send."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from urllib.parse import urlsplit

import pandas as pd
import requests
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

url, model, rows, label = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4]
frame = pd.DataFrame(rows)
place = urlsplit(url)
client = ScoringServerClient(place.hostname, place.port)
client.wait_server_ready(timeout=10)
assert client.get_version()


def ask(data: object) -> list[float]:
    return client.invoke(data).get_predictions().iloc[:, 0].tolist()


def numbers(data: object) -> list[float]:
    return list(json.loads(client.invoke(data).to_json())["predictions"])


proofs = [
    ("invocations", "dataframe_split", numbers(frame)),
    ("invocations", "inputs, an array", numbers(frame.to_numpy())),
    ("invocations", "inputs, objects", numbers(rows)),
    ("invocations", "get_predictions", ask(frame)),
]


def post(body: str, media: str) -> requests.Response:
    return requests.post(f"{url}/invocations", data=body.encode(), headers={"content-type": media}, timeout=10)


for form, value in {  # which the server of MLflow takes, and its client has no way to send
    "dataframe_records": rows,
    "instances": rows,
    "inputs": {name: list(frame[name]) for name in frame},
}.items():
    proofs.append(("invocations", form, post(json.dumps({form: value}), "application/json").json()["predictions"]))
csv = post(frame.to_csv(index=False), "text/csv; charset=utf-8")
proofs.append(("invocations", "text/csv", csv.json()["predictions"]))
refused = {}
try:
    client.invoke(frame.drop(columns=["origin"]))
except Exception as error:  # the client raises nothing narrower
    refused["missing column"] = [str(error).split("error code ")[1][:3], str(error)]
for what, media, body in (
    ("two forms", "application/json", '{"inputs": [], "instances": []}'),
    ("unknown media", "application/xml", "<rows/>"),
    ("unknown charset", "application/json; charset=utf-16", "{}"),
):
    answer = post(body, media)
    refused[what] = [answer.status_code, answer.json()["message"]]
print(json.dumps({"client": f"mlflow ScoringServerClient {version('mlflow')}", "proofs": proofs, "refused": refused}))
