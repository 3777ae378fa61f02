"""MLflow's web page served from a folder, and nothing else from there."""

import pytest

from noria.server.mlflow.app import mlflow_app
from noria.testing.workspace import make_workspace

from .conftest import Door


@pytest.fixture
def paged(tmp_path):
    folder = tmp_path / "page"
    (folder / "static" / "js").mkdir(parents=True)
    (folder / "index.html").write_text("<html>page</html>")
    (folder / "static" / "js" / "main.1.js").write_text("1")
    (tmp_path / "secret").write_text("hush")
    (folder / "link").symlink_to(tmp_path / "secret")
    ws = make_workspace(tmp_path / "ws")
    with Door(ws, mlflow_app(ws, page=folder)) as door:
        yield door
    ws.close()


def test_the_page_and_its_files(paged):
    index = paged.http.get("/")
    assert (index.text, index.headers["content-type"], index.headers["cache-control"]) == ("<html>page</html>", "text/html", "no-cache")
    script = paged.http.get("/static-files/static/js/main.1.js")
    assert (script.text, script.headers["content-type"]) == ("1", "text/javascript")
    assert "immutable" in script.headers["cache-control"]


@pytest.mark.parametrize("path", ["/static-files/../secret", "/static-files/%2e%2e/secret", "/static-files//etc/passwd", "/static-files/link",
                                  "/static-files/static", "/static-files/", "/static-files/nothere", "/static-files/a%00b", "/index.html",
                                  "/static-files/%2e%2e%2fsecret", "/static-files/" + "a" * 5000])  # fmt: skip
def test_nothing_but_the_page(paged, path):
    answer = paged.http.get(path)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_a_server_without_a_page_says_how_to_get_one(door):
    assert "--page mlflow" in door.http.get("/").json()["message"]


def test_what_the_page_asks_and_there_is_not_is_answered(door):
    assert door.http.get("/ajax-api/2.0/mlflow/gateway-proxy", params={"gateway_path": "api/2.0/endpoints/"}).json() == {"endpoints": []}
    assert door.http.get("/ajax-api/3.0/mlflow/assistant/config").json()["providers"] == {}
    assert door.http.get("/ajax-api/3.0/mlflow/assistant/providers").json()["providers"] == []
    assert door.http.get("/ajax-api/3.0/mlflow/ui-telemetry").json()["disable_ui_telemetry"] is True
    assert door.http.get("/ajax-api/2.0/mlflow/users/current").status_code == 404


def test_the_datasets_of_experiments(door):
    run = door.new_run()
    data = {"name": "d", "digest": "1", "source_type": "t", "source": "s"}
    door.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data, "tags": [{"key": "mlflow.data.context", "value": "train"}]}])
    found = door.post("experiments/search-datasets", experiment_ids=["0"])
    assert found == {"dataset_summaries": [{"experiment_id": "0", "name": "d", "digest": "1", "context": "train"}]}
    assert "at least one experiment_id" in door.invalid("experiments/search-datasets")
    assert "more than 20" in door.invalid("experiments/search-datasets", experiment_ids=["0"] * 21)
