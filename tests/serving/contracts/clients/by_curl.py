"""curl asks a running server, as the documentation of those contracts does whose clients it is."""

from __future__ import annotations

import json
import subprocess
import sys
from tempfile import NamedTemporaryFile
from typing import Any

url, model, rows, label = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4]
lists = [list(row.values()) for row in rows]
columns = {name: [row[name] for row in rows] for name in rows[0]}


def curl(path: str, *more: str) -> tuple[int, Any]:
    command = ["curl", "-sS", "-w", "\n%{http_code}", url + path, *more]
    body, _, status = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("\n")
    return int(status), json.loads(body)


def ask(path: str, body: Any) -> Any:
    status, told = curl(path, "-d", json.dumps(body))
    assert status == 200, (path, told)
    return told


frame = {"columns": list(rows[0]), "index": [0, 1, 2], "data": lists}
proofs = [
    ("kserve-v1", "TF Serving: instances", ask(f"/v1/models/{model}:predict", {"instances": rows})["predictions"]),
    ("kserve-v1", "TF Serving: inputs", ask(f"/v1/models/{model}/versions/1:predict", {"inputs": columns})["outputs"]),
    ("kserve-v1", "TF Serving: regress", ask(f"/v1/models/{model}:regress", {"examples": rows})["result"]),
    ("torchserve", "rows", ask(f"/predictions/{model}", rows)),
    ("torchserve", "row by row", [ask(f"/predictions/{model}/1", row) for row in rows]),
    ("sagemaker-multi-model", "invoke", ask(f"/models/{model}/invoke", {"instances": rows})["predictions"]),
    ("azure-ml", "data", ask("/score", {"data": rows})),
    ("azure-ml", "input_data", ask("/score", {"input_data": frame})),
    ("seldon-v1", "jsonData", ask("/api/v1.0/predictions", {"jsonData": rows})["jsonData"]),
    ("noria", "rows", [one["output"] for one in ask("/predict", {"rows": rows})["predictions"]]),
]
asked = {"data": {"names": list(rows[0]), "ndarray": lists}}
proofs.append(("seldon-v1", "ndarray", [one for (one,) in ask("/api/v1.0/predictions", asked)["data"]["ndarray"]]))
with NamedTemporaryFile("w", suffix=".json") as file:
    json.dump(rows, file)
    file.flush()
    proofs.append(("torchserve", "a form with a file", curl(f"/predictions/{model}", "-F", f"data=@{file.name}")[1]))
    proofs.append(("torchserve", "a file by PUT", curl(f"/predictions/{model}", "-T", file.name)[1]))

for path in ("/", "/ping", "/health", "/v1/models", "/v2", "/models", f"/models/{model}", "/swagger.json"):
    assert curl(path)[0] == 200, path
assert curl("/ping")[1] == {"status": "Healthy"}
assert curl(f"/v1/models/{model}")[1]["model_version_status"][0]["state"] == "AVAILABLE"
for command in curl("/")[1]["examples"][model].values():  # what `/` gives to copy
    assert subprocess.run(f"{command} -sS -f", shell=True, capture_output=True, check=False).returncode == 0, command

refused = {}
for what, path, body in (
    ("unknown model", "/predictions/nobody", rows[0]),
    ("unknown version", f"/predictions/{model}/99", rows[0]),
    ("unknown signature", f"/v1/models/{model}:predict", {"instances": rows, "signature_name": "other"}),
):
    status, told = curl(path, "-d", json.dumps(body))
    refused[what] = [status, told.get("message") or told.get("error")]
refused["no JSON"] = [*curl("/score", "-d", "{")]
print(json.dumps({"client": "curl", "proofs": proofs, "refused": refused}))
