"""Artifacts over HTTP: what goes up comes down, a piece or all of it, and no path leads anywhere else."""

import hashlib
import http.client
import os
import socket
import threading

import pytest

from noria.stores.blobs import FileBlobStore

ROOT = "/api/2.0/mlflow-artifacts/artifacts"
BAD = [
    "..", "../x", "a/../b", "a/..", "%2e%2e/x", "..%2fx", "%2e%2e%2fx", "%252e%252e/x", "%252e%252e%252fx", "%25252e%25252e/x", "/etc/passwd",
    "%2fetc%2fpasswd", "//etc/passwd", "C:/x", "c:%5c..%5cx", "..%5cx", "a%5c..%5cb", "a%00b", "a%2500b", "x%0ay", "a//b", "./x", "a/./b", "a/",
    "file:///etc/passwd", "a/%2e%2e/%2e%2e/b", "a" * 1501, ".", "%2e",
]  # fmt: skip
"""Paths that would lead elsewhere if they were a file's, in every way of writing them."""


def put(door, path, content):
    answer = door.http.put(f"{ROOT}/{path}", content=content)
    assert answer.status_code == 200, answer.text


def fetch(door, path, **headers):
    return door.http.get(f"{ROOT}/{path}", headers={name.replace("_", "-"): value for name, value in headers.items()})


def raw(door, method, path, body=b"", headers=None):
    """A request whose path is sent just as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize("size", [0, 1, 1000, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 3_000_001])
def test_what_goes_up_comes_down(door, size):
    content = os.urandom(size)
    put(door, "0/r/artifacts/a.bin", content)
    answer = fetch(door, "0/r/artifacts/a.bin")
    assert answer.content == content
    assert answer.headers["content-length"] == str(size)
    assert answer.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'


def test_what_goes_up_in_chunks_of_unknown_length_comes_down(door):
    put(door, "0/r/artifacts/a.bin", iter([b"abc", b"", b"d" * 100_000]))
    assert fetch(door, "0/r/artifacts/a.bin").content == b"abc" + b"d" * 100_000


@pytest.mark.parametrize(
    "name", ["a b+c%25d&e=f.txt", "größe/数.txt", "a..b", "...", "~", "x;y", "50%25.txt", "a'b\"c", "-", "con"]
)
def test_every_name_that_can_be_one_is_kept(door, name):
    path = "0/r/artifacts/" + name.replace("%25", "%")
    put(door, f"0/r/artifacts/{name}", b"1")
    assert fetch(door, f"0/r/artifacts/{name}").content == b"1"
    folder = path.rpartition("/")[0]
    listed = door.http.get(ROOT, params={"path": folder}).json()["files"]
    assert listed == [{"path": path.rpartition("/")[2], "is_dir": False, "file_size": 1}]


def test_a_file_is_replaced(door):
    put(door, "0/r/artifacts/a", b"old")
    put(door, "0/r/artifacts/a", b"new")
    assert fetch(door, "0/r/artifacts/a").content == b"new"


@pytest.mark.parametrize(("asked", "status", "content", "told"), [
    ("bytes=0-3", 206, b"0123", "bytes 0-3/10"), ("bytes=4-", 206, b"456789", "bytes 4-9/10"), ("bytes=-3", 206, b"789", "bytes 7-9/10"),
    ("bytes=8-99", 206, b"89", "bytes 8-9/10"), ("bytes=0-9", 200, b"0123456789", None), ("bytes=-99", 200, b"0123456789", None),
    ("bytes=10-", 416, b"", "bytes */10"), ("bytes=-0", 416, b"", "bytes */10"), ("bytes=5-2", 200, b"0123456789", None),
    ("bytes=0-1,3-4", 200, b"0123456789", None), ("lines=1-2", 200, b"0123456789", None), ("bytes=-", 200, b"0123456789", None),
    ("bytes=99999999999999999999-", 200, b"0123456789", None), ("bytes=a-b", 200, b"0123456789", None),
])  # fmt: skip
def test_a_range_of_a_file(door, asked, status, content, told):
    put(door, "0/r/artifacts/a", b"0123456789")
    answer = fetch(door, "0/r/artifacts/a", range=asked)
    assert (answer.status_code, answer.content, answer.headers.get("content-range")) == (status, content, told)


def test_what_is_known_is_not_sent_again(door):
    put(door, "0/r/artifacts/a", b"0123456789")
    etag = fetch(door, "0/r/artifacts/a").headers["etag"]
    answer = fetch(door, "0/r/artifacts/a", if_none_match=etag)
    assert (answer.status_code, answer.content) == (304, b"")
    put(door, "0/r/artifacts/a", b"other")
    assert fetch(door, "0/r/artifacts/a", if_none_match=etag).content == b"other"
    assert fetch(door, "0/r/artifacts/a", range="bytes=0-1", if_range=etag).content == b"other"


def test_head_tells_of_a_file_and_sends_none(door):
    put(door, "0/r/artifacts/a", b"0123456789")
    answer = door.http.head(f"{ROOT}/0/r/artifacts/a")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "10", b"")


@pytest.mark.parametrize(("name", "kind"), [("a.html", "text/plain; charset=utf-8"), ("a.svg", "text/plain; charset=utf-8"),
                                            ("a.xml", "text/plain; charset=utf-8"), ("a.js", "text/plain; charset=utf-8"),
                                            ("a.png", "image/png"), ("MLmodel", "text/plain; charset=utf-8"),
                                            ("a.json", "application/json"), ("a.bin", "application/octet-stream")])  # fmt: skip
def test_a_browser_never_runs_what_somebody_uploaded(door, name, kind):
    put(door, f"0/r/artifacts/{name}", b"<script>alert(1)</script>")
    headers = fetch(door, f"0/r/artifacts/{name}").headers
    assert headers["content-type"] == kind
    assert headers["content-disposition"].startswith("attachment; ")
    assert headers["x-content-type-options"] == "nosniff"


def test_a_name_cannot_add_a_header(door):
    put(door, '0/r/artifacts/a"%3b filename=b', b"1")
    told = fetch(door, '0/r/artifacts/a"%3b filename=b').headers["content-disposition"]
    assert told == "attachment; filename=\"a__ filename_b\"; filename*=UTF-8''a%22%3B%20filename%3Db"


def around(folder):
    """What is in a folder, and beside it. Further up other tests write at the same time."""
    return {*folder.rglob("*"), *folder.parent.glob("*")}


@pytest.mark.parametrize("path", BAD)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_path_leads_elsewhere(door, tmp_path, method, path):
    before = around(tmp_path)
    status, body = raw(door, method, f"{ROOT}/{path}", b"evil" if method == "PUT" else b"")
    assert status in (400, 404), body
    assert b"error_code" in body
    assert [one for one in around(tmp_path) - before if one.name != "incoming"] == []
    assert door.http.get(ROOT).json() == {}


@pytest.mark.parametrize("path", ["..", "../..", "/", "/etc", "a/../..", "%2e%2e", "..%2f", "a\\b", "a\0"])
def test_no_folder_leads_elsewhere(door, path):
    run = door.new_run()
    answers = [
        door.http.get(ROOT, params={"path": path}), door.http.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run, "path": path}),
        door.http.get("/get-artifact", params={"run_id": run, "path": path}),
    ]  # fmt: skip
    assert [(one.status_code, one.json()["message"]) for one in answers] == [(400, "Invalid path")] * 3


def test_folders_of_a_run_are_listed(door):
    run = door.new_run()
    for path in ("a.txt", "model/MLmodel", "model/data/x", "empty"):
        put(door, f"0/{run}/artifacts/{path}", b"" if path == "empty" else b"12")
    told = door.get("artifacts/list", run_id=run)
    assert told == {
        "root_uri": f"mlflow-artifacts:/0/{run}/artifacts",
        "files": [
            {"path": "a.txt", "is_dir": False, "file_size": 2},
            {"path": "empty", "is_dir": False},
            {"path": "model", "is_dir": True},
        ],
    }
    for folder in ("model", "model/"):
        below = door.get("artifacts/list", run_id=run, path=folder)["files"]
        assert below == [
            {"path": "model/MLmodel", "is_dir": False, "file_size": 2},
            {"path": "model/data", "is_dir": True},
        ]
    assert "files" not in door.get("artifacts/list", run_id=run, path="nothere")
    assert door.get("artifacts/list", run_uuid=run) == told
    by_name = door.http.get(ROOT, params={"path": f"0/{run}/artifacts/model"}).json()["files"]
    assert [one["path"] for one in by_name] == ["MLmodel", "data"]


def test_artifacts_that_lie_elsewhere_are_not_listed_or_read_here(door):
    key = door.post("experiments/create", name="local", artifact_location="/etc")["experiment_id"]
    run = door.post("runs/create", experiment_id=key)["run"]["info"]["run_id"]
    for answer in (door.http.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run}),
                   door.http.get("/get-artifact", params={"run_id": run, "path": "passwd"})):  # fmt: skip
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert "not kept by this server" in answer.json()["message"]


def test_files_and_folders_are_deleted_and_again(door):
    for path in ("a", "b/c", "b/d"):
        put(door, f"0/r/artifacts/{path}", b"1")
    for _ in range(2):
        assert door.http.delete(f"{ROOT}/0/r/artifacts/b").json() == {}
    assert [one["path"] for one in door.http.get(ROOT, params={"path": "0/r/artifacts"}).json()["files"]] == ["a"]
    assert fetch(door, "0/r/artifacts/b/c").status_code == 404


def test_a_file_that_is_not_there_and_a_folder_are_no_files(door):
    put(door, "0/r/artifacts/a", b"1")
    for path in ("0/r/artifacts/nothere", "0/r/artifacts", "0"):
        answer = fetch(door, path)
        assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert door.http.put(f"{ROOT}/0/r/artifacts", content=b"1").status_code == 400
    assert door.http.put(f"{ROOT}/0/r/artifacts/a/b", content=b"1").status_code == 400
    assert fetch(door, "0/r/artifacts/a").content == b"1"


def test_the_pages_doors_lead_to_the_same_files(door):
    run = door.new_run()
    model = door.post("logged-models", experiment_id="0", name="m")["model"]["info"]["model_id"]
    put(door, f"0/{run}/artifacts/model/MLmodel", b"of the run")
    put(door, f"0/models/{model}/artifacts/MLmodel", b"of the model")
    door.post("registered-models/create", name="m")
    door.post("model-versions/create", name="m", source=f"runs:/{run}/model", run_id=run)
    door.post("model-versions/create", name="m", source=f"mlflow-artifacts:/0/{run}/artifacts/model", run_id=run)
    door.post("model-versions/create", name="m", source=f"models:/{model}", model_id=model)

    def page(path, /, **query):
        return door.http.get(path, params=query).content

    assert page("/get-artifact", run_uuid=run, path="model/MLmodel") == b"of the run"
    assert page("/model-versions/get-artifact", name="m", version="2", path="MLmodel") == b"of the run"
    assert page("/model-versions/get-artifact", name="m", version="3", path="MLmodel") == b"of the model"
    assert (
        page(f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files", artifact_file_path="MLmodel")
        == b"of the model"
    )


def test_what_the_pages_doors_need(door):
    run = door.new_run()
    for path, query in (("/get-artifact", {"path": "a"}), ("/get-artifact", {"run_id": run}), ("/model-versions/get-artifact", {"path": "a"}),
                        ("/ajax-api/2.0/mlflow/logged-models/m/artifacts/files", {})):  # fmt: skip
        assert door.http.get(path, params=query).status_code == 400
    assert door.http.get("/get-artifact", params={"run_id": "nothere", "path": "a"}).status_code == 404
    assert door.http.post("/get-artifact", params={"run_id": run, "path": "a"}).status_code == 405


def test_an_upload_that_breaks_off_leaves_nothing(door, tmp_path):
    with socket.create_connection(("127.0.0.1", door.port)) as connection:
        connection.sendall(
            f"PUT {ROOT}/0/r/artifacts/a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n".encode()
            + b"x" * 500_000
        )
    put(door, "0/r/artifacts/b", b"1")  # by now the other one has ended
    assert fetch(door, "0/r/artifacts/a").status_code == 404
    assert door.http.get(ROOT, params={"path": "0/r/artifacts"}).json()["files"] == [
        {"path": "b", "is_dir": False, "file_size": 1}
    ]


def test_a_full_disk_in_the_middle_of_an_upload_leaves_nothing(door, tmp_path, monkeypatch):
    put(door, "0/r/artifacts/a", b"before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileBlobStore, "put_file", full)
    status, body = raw(door, "PUT", f"{ROOT}/0/r/artifacts/a", os.urandom(600_000))
    assert status >= 500
    assert b"error_code" in body
    monkeypatch.undo()
    assert fetch(door, "0/r/artifacts/a").content == b"before"
    assert [one for one in tmp_path.rglob("incoming/*") if one.is_file()] == []


def test_many_at_once(door):
    contents = [os.urandom(400_000 + number) for number in range(8)]

    def both(number):
        put(door, f"0/r/artifacts/{number}", contents[number])
        assert fetch(door, f"0/r/artifacts/{number}").content == contents[number]
        done.append(number)

    done: list[int] = []
    threads = [threading.Thread(target=both, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(8))
