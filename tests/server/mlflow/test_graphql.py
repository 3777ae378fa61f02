"""The few GraphQL queries of MLflow's page."""

import pytest

from noria.server.mlflow.faults import Refused
from noria.server.mlflow.graphql_text import read_query

GET_RUN = """
query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetRun(input: $data) {
    apiError { code message __typename }
    run {
      info { runName status runUuid startTime endTime __typename }
      experiment { experimentId name tags { key value } }
      modelVersions { name version }
      data { metrics { key value step timestamp __typename } params { key value } tags { key value } }
      inputs { datasetInputs { dataset { name digest } tags { key value } } }
      __typename
    }
    __typename
  }
}
"""


def ask(door, query, **variables):
    answer = door.http.post("/graphql", json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_run_with_all_that_its_page_shows(door):
    run = door.new_run(run_name="r", start_time=5)
    for value in (0.5, "NaN"):
        door.post("runs/log-metric", run_id=run, key=f"m{value}", value=value, timestamp=7, step=2)
    door.post("runs/log-parameter", run_id=run, key="depth", value="3")
    door.post("registered-models/create", name="flights")
    door.post("model-versions/create", name="flights", source=f"runs:/{run}/m", run_id=run)
    told = ask(door, GET_RUN, data={"runId": run})
    assert told["errors"] is None
    found = told["data"]["mlflowGetRun"]
    assert (found["__typename"], found["apiError"]) == ("MlflowGetRunResponse", None)
    assert found["run"]["info"] == {"runName": "r", "status": "RUNNING", "runUuid": run, "startTime": "5", "endTime": "0",
                                    "__typename": "MlflowRunInfo"}  # fmt: skip
    assert found["run"]["experiment"] == {"experimentId": "0", "name": "Default", "tags": []}
    assert found["run"]["modelVersions"] == [{"name": "flights", "version": "1"}]
    assert {one["key"]: one["value"] for one in found["run"]["data"]["metrics"]} == {"m0.5": 0.5, "mNaN": None}
    assert found["run"]["data"]["metrics"][0]["step"] == "2"
    assert found["run"]["data"]["params"] == [{"key": "depth", "value": "3"}]
    assert found["run"]["data"]["tags"] == [{"key": "mlflow.runName", "value": "r"}]
    assert found["run"]["inputs"] == {"datasetInputs": []}


def test_several_things_at_once_under_other_names_with_fragments(door):
    query = """
      query Q($a: X!) { one: mlflowGetExperiment(input: $a) { ...E } two: mlflowGetExperiment(input: {experimentId: "0"}) { ...E } __typename }
      fragment E on MlflowGetExperimentResponse { experiment { name } ... on MlflowGetExperimentResponse { __typename } }
    """
    told = ask(door, query, a={"experimentId": "0"})["data"]
    shown = {"experiment": {"name": "Default"}, "__typename": "MlflowGetExperimentResponse"}
    assert told == {"one": shown, "two": shown, "__typename": "Query"}


def test_searches(door):
    run = door.new_run()
    door.post("runs/log-metric", run_id=run, key="m", value=1, timestamp=7)
    query = """query { mlflowSearchRuns(input: {experimentIds: ["0"], maxResults: 5}) { runs { info { runId } experiment { name } } }
      mlflowGetMetricHistoryBulkInterval(input: {runIds: ["%s"], metricKey: "m", maxResults: 9}) { metrics { key value timestamp runId } }
      mlflowListArtifacts(input: {runId: "%s"}) { files { path } rootUri } mlflowSearchModelVersions(input: {}) { modelVersions { name } } }"""
    told = ask(door, query % (run, run))["data"]
    assert told["mlflowSearchRuns"]["runs"] == [{"info": {"runId": run}, "experiment": {"name": "Default"}}]
    assert told["mlflowGetMetricHistoryBulkInterval"]["metrics"] == [
        {"key": "m", "value": 1.0, "timestamp": "7", "runId": run}
    ]
    assert told["mlflowListArtifacts"]["files"] == []
    assert told["mlflowSearchModelVersions"] == {"modelVersions": []}


def test_what_cannot_be_answered_is_told_and_does_not_spoil_the_rest(door):
    query = 'query { a: mlflowGetRun(input: {runId: "nothere"}) { run { info { runId } } } b: mlflowGetExperiment(input: {experimentId: "0"}) { __typename } nothing { x } }'
    told = ask(door, query)
    assert told["data"] == {"a": None, "b": {"__typename": "MlflowGetExperimentResponse"}, "nothing": None}
    assert told["errors"] == ["Run with id=nothere not found", "Cannot query field 'nothing' on type 'Query'."]


@pytest.mark.parametrize("query", [
    "", "{", "}", "query", "query {", "query { a(", "query { a(x: ", "query { a(x: [1 }", "hello", "query { a ... b }", "{ a(x: \"\\", "{ ... {",
    "fragment A on B { ...A } query { ...A }", "{" * 5000, "{ a" * 100 + "}" * 100, "{ " + "a " * 100_000 + "}", "query { \0 }", "{ a(x: 1e) }",
    "query { " + " ".join(f"a{n}: mlflowGetExperiment(input: {{}}) {{ __typename }}" for n in range(11)) + " }", "{ ...A } fragment A on B { "
    + "...A " * 3 + "}", "subscription { a }",
])  # fmt: skip
def test_what_is_no_query_is_refused(door, query):
    answer = door.http.post("/graphql", json={"query": query})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_arguments_are_values_and_variables():
    [found] = read_query(
        'query ($v: Int = 3) { f(a: $v, b: [1, -2.5, true, null], c: {d: "x\\n", e: ENUM}) @skip(if: false) }',
        None,
        {"v": 7},
    )
    assert found.arguments == {"a": 7, "b": [1, -2.5, True, None], "c": {"d": "x\n", "e": "ENUM"}}


def test_of_several_operations_the_one_that_is_named():
    text = "query A { a } query B { b }"
    assert [one.name for one in read_query(text, "B", {})] == ["b"]
    with pytest.raises(Refused, match="there is no operation 'C'"):
        read_query(text, "C", {})
