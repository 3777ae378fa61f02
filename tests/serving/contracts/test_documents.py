"""What the server tells of itself: `/`, a page, and OpenAPI that other people's tools read and ask by."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tiny_airline import MODEL

from noria.testing import rivals


def test_the_index_lists_models_contracts_and_commands_to_copy(call) -> None:
    told = call.json("GET", "/", host="serving.example:8080")
    assert told["models"][0]["model"] == MODEL and told["status"] == "alive"
    assert {"open-inference", "kserve-v1", "invocations", "torchserve", "vertex", "azure-ml", "seldon-v1"} <= set(
        told["contracts"]
    )
    commands = told["examples"][MODEL]
    assert "http://serving.example:8080/v2/models/lateness/infer" in commands["open-inference"]
    assert len(commands) >= 8


def test_a_host_that_is_none_is_not_repeated(call) -> None:
    for host in ("a b", "x'; rm -rf .", "<script>", "x" * 300, "host:port"):
        for path in ("/", "/docs"):
            assert host.encode() not in call("GET", path, host=host).body


def test_the_page_needs_nothing_from_elsewhere(call) -> None:
    page = call("GET", "/docs").body.decode()
    assert MODEL in page and "/v2/models/{model}/infer" in page
    assert not re.search(r"<script|<link|<img|@import|src=", page)


def test_every_route_that_is_documented_has_an_operation_of_its_own(call) -> None:
    told = call.json("GET", "/openapi.json")
    operations = [one["operationId"] for methods in told["paths"].values() for one in methods.values()]
    assert len(operations) == len(set(operations)) > 60
    body = told["paths"]["/v2/models/{model}/infer"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert call.json("POST", f"/v2/models/{MODEL}/infer", body)["outputs"]
    assert call.json("OPTIONS", "/") == told == call.json("GET", "/swagger.json")


def test_a_validator_finds_no_fault_in_it(call, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(call.json("GET", "/openapi.json")))
    check = "import json, sys, openapi_spec_validator as v; v.validate(json.load(open(sys.argv[1])))"
    done = subprocess.run(
        [rivals.python("openapi"), "-c", check, tmp_path / "openapi.json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_schemathesis_asks_every_path_and_breaks_none(url: str) -> None:
    command = [
        rivals.python("openapi").with_name("schemathesis"), "run", f"{url}/openapi.json", "--checks",
        "not_a_server_error", "--max-examples", "2", "--seed", "1", "--phases", "examples,coverage,fuzzing",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
