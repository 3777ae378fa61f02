"""Google's client of Vertex AI asks a running server: its REST transport, over plain HTTP and without credentials."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud.aiplatform_v1.services.prediction_service import PredictionServiceClient
from google.cloud.aiplatform_v1.services.prediction_service.transports.rest import PredictionServiceRestTransport
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value

url, model, rows, label = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4]
transport = PredictionServiceRestTransport(
    host=url.removeprefix("http://"), credentials=AnonymousCredentials(), url_scheme="http"
)
client = PredictionServiceClient(transport=transport)
ENDPOINT = f"projects/1/locations/europe-west3/endpoints/{model}"


def ask(instances: list[object], endpoint: str = ENDPOINT) -> object:
    return client.predict(endpoint=endpoint, instances=[ParseDict(one, Value()) for one in instances], retry=None)


told = ask(rows)
assert (told.model_display_name, told.model_version_id) == (model, "1"), told
proofs = [
    ("vertex", "predict, objects", list(told.predictions)),
    ("vertex", "predict, lists", list(ask([list(row.values()) for row in rows]).predictions)),
]
refused = {}
for what, instances in (("missing column", [{}]), ("no rows", [])):
    try:
        ask(instances)
    except GoogleAPICallError as error:
        refused[what] = [error.code, error.message]
about = f"google-cloud-aiplatform {version('google-cloud-aiplatform')}"
print(json.dumps({"client": about, "proofs": proofs, "refused": refused}))
