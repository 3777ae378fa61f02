"""What MLflow's own page asks by GraphQL."""

from mlflow.entities import Metric, Param, RunTag

START = 1_700_000_000_000
PAIRS = "{ key value __typename }"
RUN = f"""query GetRun($data: MlflowGetRunInput!) {{ mlflowGetRun(input: $data) {{
  apiError {{ code message }}
  run {{
    info {{ runName status runUuid experimentId artifactUri endTime lifecycleStage startTime userId __typename }}
    experiment {{ experimentId name tags {PAIRS} artifactLocation lifecycleStage }}
    modelVersions {{ status version name source }}
    data {{ metrics {{ key value step timestamp }} params {PAIRS} tags {PAIRS} }}
    inputs {{ datasetInputs {{ dataset {{ digest name profile schema source sourceType }} tags {PAIRS} }} }}
    outputs {{ modelOutputs {{ modelId step }} }}
  }} }} }}"""
EXPERIMENT = f"""query Get($input: MlflowGetExperimentInput!) {{ mlflowGetExperiment(input: $input) {{
  apiError {{ code message }}
  experiment {{ artifactLocation creationTime experimentId lifecycleStage name tags {PAIRS} }} }} }}"""
RUNS = """query Search($data: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $data) {
  runs { info { runName status } data { metrics { key value step } params { key value } } } } }"""
HISTORY = """query Bulk($data: MlflowGetMetricHistoryBulkIntervalInput!) { mlflowGetMetricHistoryBulkInterval(input: $data) {
  metrics { timestamp step runId key value } } }"""


def calls(rec):
    c = rec.client
    exp = c.create_experiment("graphql", tags={"team": "ops"})
    run = c.create_run(exp, start_time=START, run_name="g", tags={"mlflow.user": "ann"}).info.run_id
    metrics = [Metric("loss", n / 7, START + n, n) for n in range(20)]
    c.log_batch(run, metrics, [Param("depth", "3"), Param("empty", "")], [RunTag("t", "x")])
    c.create_registered_model("graphql")
    c.create_model_version("graphql", f"runs:/{run}/model", run)

    def ask(name, query, **variables):
        rec.rest(name, "POST", "/graphql", json={"query": query, "variables": variables})

    ask("a run", RUN, data={"runId": run})
    ask("a run that is not there", RUN, data={"runId": "f" * 32})
    ask("an experiment", EXPERIMENT, input={"experimentId": exp})
    ask("an experiment that is not there", EXPERIMENT, input={"experimentId": "987654"})
    ask("runs", RUNS, data={"experimentIds": [exp], "maxResults": 5, "orderBy": ["metrics.loss DESC"]})
    ask("a history", HISTORY, data={"runIds": [run], "metricKey": "loss", "maxResults": 7})
    ask("no query", "")
    ask("a broken query", "query {")
    ask("a field that is not there", "query { nothing { a } }")
