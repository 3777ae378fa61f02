"""What most people write: the fluent API."""

import mlflow
import mlflow.data
import pandas as pd


def calls(rec):
    mlflow.set_tracking_uri(rec.url)
    rec.call("set an experiment", lambda: mlflow.set_experiment("fluent").name)
    rec.call("set it again", lambda: mlflow.set_experiment("fluent").name)

    def nested():
        with mlflow.start_run(run_name="outer", tags={"a": "1"}, description="what it does") as outer:
            mlflow.log_params({"x": 1, "y": [1, 2]})
            with mlflow.start_run(run_name="inner", nested=True) as inner:
                mlflow.log_metrics({"loss": 0.5, "auc": 0.9}, step=3, timestamp=1_700_000_000_000)
        return [mlflow.get_run(one.info.run_id) for one in (outer, inner)]

    rec.call("nested runs", nested)

    def failing():
        try:
            with mlflow.start_run(run_name="failing"):
                raise ValueError("no")
        except ValueError:
            pass
        return mlflow.last_active_run().info.status

    rec.call("a run that fails", failing)

    def resumed():
        with mlflow.start_run(run_name="resumed") as run:
            mlflow.log_param("p", 1)
        with mlflow.start_run(run_id=run.info.run_id):
            mlflow.log_param("q", 2)
            mlflow.set_tags({"t": 1})
            mlflow.log_dict({"a": 1}, "d.json")
            mlflow.log_text("text", "t.txt")
            mlflow.log_table({"a": [1, 2], "b": ["x", "y"]}, "table.json")
            mlflow.log_input(mlflow.data.from_pandas(pd.DataFrame({"a": [1, 2]}), name="frame"), "training")
        loaded = mlflow.load_table("table.json", run_ids=[run.info.run_id]).to_dict()
        return [mlflow.get_run(run.info.run_id), mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/d.json"), loaded]

    rec.call("a run resumed", resumed)
    columns = ["run_id", "status", "metrics.loss", "params.x", "tags.mlflow.runName"]
    rec.call("search as a table", lambda: mlflow.search_runs(order_by=["start_time"])[columns].astype(str).to_dict())
    rec.call(
        "search as a list",
        lambda: [r.info.run_name for r in mlflow.search_runs(output_format="list", filter_string="tags.a = '1'")],
    )
    rec.call("search by names", lambda: len(mlflow.search_runs(experiment_names=["fluent"])))
    rec.call("search experiments", lambda: [e.name for e in mlflow.search_experiments(filter_string="name = 'fluent'")])
    rec.call(
        "register from a run",
        lambda: mlflow.register_model(f"runs:/{mlflow.last_active_run().info.run_id}/nothing", "fluent-model"),
    )
    rec.call(
        "an external model", lambda: mlflow.create_external_model(name="external", params={"a": "1"}, tags={"b": "2"})
    )
    rec.call("search models", lambda: [m.name for m in mlflow.search_logged_models(output_format="list")])
    rec.call("last model", lambda: mlflow.last_logged_model().name)
    rec.call("delete a run", lambda: mlflow.delete_run(mlflow.last_active_run().info.run_id))
    rec.call(
        "delete an experiment", lambda: mlflow.delete_experiment(mlflow.get_experiment_by_name("fluent").experiment_id)
    )
    rec.call("set a deleted one", mlflow.set_experiment, "fluent")
