"""MLflow's scoring client asks a running server, with every kind of data it can send."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from urllib.parse import urlsplit

import numpy as np
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
    ("invocations", "dataframe_split by hand", numbers({"dataframe_split": frame.to_dict(orient="split")})),
    ("invocations", "dataframe_records", numbers({"dataframe_records": rows})),
    ("invocations", "instances", numbers({"instances": rows})),
    ("invocations", "instances of lists", numbers({"instances": [list(row.values()) for row in rows]})),
    ("invocations", "inputs", numbers({"inputs": {name: list(frame[name]) for name in frame}})),
    ("invocations", "dict of arrays", numbers({name: np.array(frame[name], object) for name in frame})),
    ("invocations", "get_predictions", ask(frame)),
]


def post(body: str, media: str) -> requests.Response:
    return requests.post(f"{url}/invocations", data=body.encode(), headers={"content-type": media}, timeout=10)


csv = post(frame.to_csv(index=False), "text/csv; charset=utf-8")
proofs.append(("invocations", "text/csv", csv.json()["predictions"]))
refused = {}
for what, data in (("missing column", frame.drop(columns=["origin"])), ("two forms", {"inputs": [], "instances": []})):
    try:
        client.invoke(data)
    except Exception as error:
        refused[what] = [str(error).split("error code ")[1][:3], str(error)]
for what, media in (("unknown media", "application/xml"), ("unknown charset", "application/json; charset=utf-16")):
    answer = post("{}", media)
    refused[what] = [answer.status_code, answer.json()["message"]]
print(json.dumps({"client": f"mlflow ScoringServerClient {version('mlflow')}", "proofs": proofs, "refused": refused}))
