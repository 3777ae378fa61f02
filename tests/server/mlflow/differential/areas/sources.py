"""Where a model version may come from: a security boundary. Nothing outside the named run or model may be named."""

START = 1_700_000_000_000
API = "/api/2.0/mlflow/model-versions/create"


def calls(rec):
    c = rec.client
    exp = c.create_experiment("sources")
    run = c.create_run(exp, start_time=START, run_name="r").info
    other = c.create_run(exp, start_time=START, run_name="o").info
    model = c.create_logged_model(exp, name="m", source_run_id=run.run_id)
    c.create_registered_model("src")
    c.create_model_version("src", f"runs:/{run.run_id}/model", run.run_id)
    numbers = iter(range(10**6))

    def version(call, source, **more):
        """A version of a model of its own, so that one that is taken changes no number of those that follow."""
        name = f"src-{next(numbers)}"
        c.create_registered_model(name)
        rec.rest(call, "POST", API, json={"name": name, "source": source, **more})

    sources = [
        "/etc", "/etc/passwd", "file:///etc", "file:/etc", "file://localhost/etc", "file:///etc/../etc", "./local", "local", "", " ", "~/x", "..", "../..",
        "C:\\Windows", "\\\\server\\share", "file://server/share", "FILE:///etc", "fIle:///etc", "file://", "file:", "file:///%2e%2e/etc",
        "s3://bucket/x", "s3://bucket/../x", "gs://bucket/%2e%2e/x", "http://example.com/x", "http://example.com/../x", "https://example.com/%2E%2E/x", "ftp://h/x", "ftp://h/x/../y",
        "dbfs:/x", "dbfs:/../x", "hdfs://h/x", "mlflow-artifacts:/x", "mlflow-artifacts:/../x", "mlflow-artifacts:/x/%2e%2e/y", "mlflow-artifacts:/x/%252e%252e/y",
        "mlflow-artifacts://host/x/..", "mlflow-artifacts:/x/..", "mlflow-artifacts:/..%2fx", "mlflow-artifacts:/x?a=../..", "mlflow-artifacts:/x#../..", "mlflow-artifacts:/x\\..\\y",
        "mlflow-artifacts:/x;..;/y", "mlflow-artifacts:x", "runs:/abc/model", "models:/nobody/1", "models:/m-" + "f" * 32, "models:/src/1", "models:/src@a", "models:/../x", "x\x00y",
    ]  # fmt: skip
    for source in sources:
        version(f"source {source!r}", source)
        version(f"source {source!r} of a run", source, run_id=run.run_id)
    named = {
        "its own runs:": f"runs:/{run.run_id}/model", "another's runs:": f"runs:/{other.run_id}/model", "runs: climbing": f"runs:/{run.run_id}/../{other.run_id}/model",
        "runs: without a path": f"runs:/{run.run_id}", "its own folder": f"{run.artifact_uri}/model", "another's folder": f"{other.artifact_uri}/model",
        "its folder, climbing": f"{run.artifact_uri}/../x", "its folder, climbing encoded": f"{run.artifact_uri}/%2e%2e/x", "its folder, climbing encoded twice": f"{run.artifact_uri}/%252e%252e/x",
        "its model": f"models:/{model.model_id}",
    }  # fmt: skip
    for call, source in named.items():
        version(call, source, run_id=run.run_id)
    prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    version("a model by its id", f"models:/{model.model_id}", model_id=model.model_id)
    version("a model by another's id", f"models:/{model.model_id}", model_id="m-" + "f" * 32)
    version("a folder by a model's id", "/etc", model_id=model.model_id)
    version("a model's folder", model.artifact_location, model_id=model.model_id)
    version("a prompt from anywhere", "/etc/passwd", tags=prompt)
    version("a prompt from nowhere", "prompt-template", tags=prompt)
