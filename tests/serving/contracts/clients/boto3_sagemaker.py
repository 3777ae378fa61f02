"""boto3's SageMaker runtime asks a running server by `endpoint_url`."""

from __future__ import annotations

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url, model, rows, label = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4]
client = boto3.client(
    "sagemaker-runtime", endpoint_url=url, region_name="eu-central-1", aws_access_key_id="none",
    aws_secret_access_key="none", config=Config(retries={"max_attempts": 0}),
)  # fmt: skip


def ask(body: str, endpoint: str = model, **more: str) -> dict:
    return client.invoke_endpoint(EndpointName=endpoint, Body=body.encode(), **more)


JSON = "application/json"
proofs: list[tuple[str, str, list[float]]] = []
told = ask(json.dumps({"instances": rows}), ContentType=JSON)
assert told["InvokedProductionVariant"] == "version-1" and told["ContentType"] == JSON, told
proofs.append(("sagemaker-runtime", "instances", json.loads(told["Body"].read())["predictions"]))
told = ask(json.dumps({"instances": rows}), "any-name", ContentType=JSON, TargetModel=f"{model}.tar.gz")
proofs.append(("sagemaker-runtime", "TargetModel", json.loads(told["Body"].read())["predictions"]))
lines = "\n".join(",".join(str(value) for value in row.values()) for row in rows)
told = ask(lines, ContentType="text/csv", Accept="text/csv")
assert told["ContentType"] == "text/csv"
proofs.append(("sagemaker-runtime", "CSV in and out", [float(line) for line in told["Body"].read().decode().split()]))
told = ask("\n".join(map(json.dumps, rows)), ContentType="application/jsonlines", Accept="application/jsonlines")
proofs.append(("sagemaker-runtime", "lines of JSON", [float(line) for line in told["Body"].read().decode().split()]))

refused = {}
for what, call in {
    "unknown model": lambda: ask("{}", ContentType=JSON, TargetModel="nobody"),
    "missing column": lambda: ask('{"instances": [{}]}', ContentType=JSON),
    "no JSON": lambda: ask("{", ContentType=JSON),
}.items():
    try:
        call()
    except client.exceptions.ModelError as error:
        assert error.response["OriginalStatusCode"] == 400, error.response
        refused[what] = [424, error.response["OriginalMessage"]]
    except client.exceptions.ValidationError as error:
        refused[what] = [error.response["ResponseMetadata"]["HTTPStatusCode"], str(error)]
    except ClientError as error:
        refused[what] = [0, str(error)]
about = f"boto3 sagemaker-runtime {boto3.__version__}"
print(json.dumps({"client": about, "proofs": proofs, "refused": refused}))
