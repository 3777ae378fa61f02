"""Artifacts: put, listed, fetched, deleted, and every way out of their folder refused."""

import pathlib

START = 1_700_000_000_000
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
OUT = [
    "../x", "../../etc/passwd", "..", "a/../../x", "%2e%2e/x", "%2e%2e%2fx", "..%2fx", "%252e%252e%252fx", "%25252e%25252e/x", "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd",
    "..\\x", "..%5cx", "C:/x", "C:%5cx", "c:%5c..%5cx", "a/./b", "./x", "a//b", "a%00b", "file:///etc/passwd", "a/..", "a/%2e%2e/b", "~/x", "x%0ay", "...", "..x", "a..b", "%c0%ae%c0%ae/x",
]  # fmt: skip


def calls(rec):
    c = rec.client
    exp = c.create_experiment("artifacts")
    run = c.create_run(exp, start_time=START, run_name="a").info
    folder = pathlib.Path(rec.folder)
    (folder / "in" / "deep").mkdir(parents=True)
    (folder / "in" / "one.txt").write_text("one")
    (folder / "in" / "deep" / "two.bin").write_bytes(bytes(range(256)))
    rec.call("log text", c.log_text, run.run_id, "hello wörld", "notes/hello.txt")
    rec.call("log a dict", c.log_dict, run.run_id, {"a": [1, 2]}, "data.json")
    rec.call("log yaml", c.log_dict, run.run_id, {"a": [1, 2]}, "data.yaml")
    rec.call("log a file", c.log_artifact, run.run_id, folder / "in" / "one.txt")
    rec.call("log a file in a folder", c.log_artifact, run.run_id, folder / "in" / "one.txt", "sub/folder")
    rec.call("log a folder", c.log_artifacts, run.run_id, folder / "in", "tree")
    rec.call("log a file of nothing", c.log_text, run.run_id, "", "empty.txt")
    rec.call("log a name with signs", c.log_text, run.run_id, "x", "a b+c%d&e=f#g'h(1).txt")
    rec.call("log a name of unicode", c.log_text, run.run_id, "x", "größe/数据.txt")
    rec.call("log over", c.log_text, run.run_id, "again", "notes/hello.txt")
    rec.call("log outside", c.log_text, run.run_id, "x", "../outside.txt")
    rec.call("log far outside", c.log_artifact, run.run_id, folder / "in" / "one.txt", "../../other")
    listed = lambda path=None: [(f.path, f.is_dir, f.file_size) for f in c.list_artifacts(run.run_id, path)]  # noqa: E731
    for path in (
        None,
        "",
        "notes",
        "notes/",
        "tree",
        "tree/deep",
        "größe",
        "nothing",
        "notes/hello.txt",
        "empty.txt",
        "../",
        "tree/../notes",
        "/",
        ".",
    ):
        rec.call(f"list {path!r}", listed, path)

    def fetched(path):
        return pathlib.Path(c.download_artifacts(run.run_id, path, rec.folder)).read_bytes().decode("latin-1")

    for path in (
        "notes/hello.txt",
        "tree/deep/two.bin",
        "empty.txt",
        "a b+c%d&e=f#g'h(1).txt",
        "größe/数据.txt",
        "nothing.txt",
        "../outside.txt",
    ):
        rec.call(f"fetch {path!r}", fetched, path)
    rec.call(
        "fetch a folder",
        lambda: sorted(p.name for p in pathlib.Path(c.download_artifacts(run.run_id, "tree", rec.folder)).rglob("*")),
    )
    _raw(rec, exp, run)
    rec.rest("list raw", "GET", "/api/2.0/mlflow/artifacts/list", params={"run_id": run.run_id})
    rec.rest(
        "list raw by uuid", "GET", "/api/2.0/mlflow/artifacts/list", params={"run_uuid": run.run_id, "path": "tree"}
    )
    rec.rest("list raw without a run", "GET", "/api/2.0/mlflow/artifacts/list")
    rec.rest("list raw of nobody", "GET", "/api/2.0/mlflow/artifacts/list", params={"run_id": "f" * 32})
    rec.rest("the page fetches", "GET", "/get-artifact", params={"run_uuid": run.run_id, "path": "notes/hello.txt"})
    rec.rest("the page fetches nothing", "GET", "/get-artifact", params={"run_uuid": run.run_id, "path": "nothing.txt"})
    rec.rest("the page fetches without a path", "GET", "/get-artifact", params={"run_uuid": run.run_id})
    for path in OUT:
        rec.rest(f"list raw {path!r}", "GET", f"/api/2.0/mlflow/artifacts/list?run_id={run.run_id}&path={path}")
        rec.rest(f"the page fetches {path!r}", "GET", f"/get-artifact?run_uuid={run.run_id}&path={path}")
    for method, data in (("GET", None), ("PUT", b"evil"), ("DELETE", None)):
        for path in OUT:
            rec.rest(f"{method} {path!r}", method, f"{PROXY}/{path}", data=data)
    for path in OUT:
        rec.rest(f"proxy lists {path!r}", "GET", f"{PROXY}?path={path}")
    _models(rec, c, exp)


def _raw(rec, exp, run):
    at = f"{PROXY}/{exp}/{run.run_id}/artifacts"
    rec.rest("put", "PUT", f"{at}/raw/a.txt", data=b"raw bytes")
    rec.rest("get", "GET", f"{at}/raw/a.txt")
    rec.rest("get nothing", "GET", f"{at}/raw/nothing.txt")
    rec.rest("get a folder", "GET", f"{at}/raw")
    rec.rest("put onto a folder", "PUT", f"{at}/raw", data=b"x")
    rec.rest("put below a file", "PUT", f"{at}/raw/a.txt/b.txt", data=b"x")
    rec.rest("put nothing", "PUT", f"{at}/raw/zero.txt", data=b"")
    rec.rest("put at nowhere", "PUT", f"{PROXY}/", data=b"x")
    rec.rest("post", "POST", f"{at}/raw/a.txt", data=b"raw bytes")
    rec.rest("head", "HEAD", f"{at}/raw/a.txt")
    rec.rest("list by the proxy", "GET", PROXY, params={"path": f"{exp}/{run.run_id}/artifacts/tree"})
    rec.rest("list nothing by the proxy", "GET", PROXY, params={"path": f"{exp}/{run.run_id}/artifacts/nothing"})
    rec.rest("delete a file", "DELETE", f"{at}/raw/a.txt")
    rec.rest("delete a file twice", "DELETE", f"{at}/raw/a.txt")
    rec.rest("delete a folder", "DELETE", f"{at}/sub")
    rec.rest("list after", "GET", PROXY, params={"path": f"{exp}/{run.run_id}/artifacts"})
    rec.rest("multipart", "POST", f"/api/2.0/mlflow-artifacts/mpu/create/{exp}/x", json={"path": "a", "num_parts": 2})


def _models(rec, c, exp):
    model = c.create_logged_model(exp, name="with artifacts")
    (pathlib.Path(rec.folder) / "model.txt").write_text("weights")
    rec.call("log into a model", c.log_model_artifact, model.model_id, str(pathlib.Path(rec.folder) / "model.txt"))
    rec.call(
        "list a model", lambda: [(f.path, f.is_dir, f.file_size) for f in c.list_logged_model_artifacts(model.model_id)]
    )
    rec.rest("list a model raw", "GET", f"/api/2.0/mlflow/logged-models/{model.model_id}/artifacts/directories")
    rec.rest(
        "the page fetches of a model",
        "GET",
        f"/ajax-api/2.0/mlflow/logged-models/{model.model_id}/artifacts/files",
        params={"artifact_file_path": "model.txt"},
    )
    rec.rest(
        "the page climbs out of a model",
        "GET",
        f"/ajax-api/2.0/mlflow/logged-models/{model.model_id}/artifacts/files",
        params={"artifact_file_path": "../../x"},
    )
    version = c.create_registered_model("artifact model") and c.create_model_version(
        "artifact model", f"models:/{model.model_id}", model_id=model.model_id
    )
    del version
    rec.rest(
        "the page fetches of a version",
        "GET",
        "/model-versions/get-artifact",
        params={"name": "artifact model", "version": "1", "path": "model.txt"},
    )
    rec.rest(
        "the page climbs out of a version",
        "GET",
        "/model-versions/get-artifact",
        params={"name": "artifact model", "version": "1", "path": "../../x"},
    )
