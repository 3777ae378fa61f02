"""A Delta table in an S3 bucket (moto's server), read at a version and written to, found by AWS's own variables."""

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import boto3
import deltalake
import pyarrow as pa
import pytest

from noria.core.errors import Unavailable
from noria.data import operations as data
from noria.data.lake.opening import NoDeltaTable, NoVersion
from noria.data.model import Location
from noria.integrations.delta.writing import Mark, write_delta

SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module")
def bucket():
    # a process of its own: deltalake holds on to the interpreter while it waits for an answer
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = f"http://127.0.0.1:{int(server.stdout.readline())}"
    variables = {"AWS_ENDPOINT_URL": address, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
                 "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        boto3.client("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket="lake")
        yield patch
    server.communicate(timeout=30)


def table(*ids):
    return pa.table({
        "reading_id": list(ids), "station": ["oslo"] * len(ids), "at": pa.array(range(len(ids)), pa.timestamp("us")),
        "celsius": [1.5] * len(ids), "retries": [0] * len(ids),
    })  # fmt: skip


def test_a_table_in_a_bucket(ws, readings, bucket):
    place = "s3://lake/readings"
    deltalake.write_deltalake(place, table("a", "b"))
    deltalake.write_deltalake(place, table("c"), mode="overwrite")
    spec = replace(readings, location=Location(delta=place, version=0))
    taken = data.take_snapshot(ws, spec)
    assert (taken.rows, taken.delta.version, taken.delta.place) == (2, 0, place)
    deltalake.DeltaTable(place).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert data.take_snapshot(ws, spec).digest == taken.digest, "its files need not be read again"
    newest = replace(readings, location=Location(delta=place))
    assert data.take_snapshot(ws, newest).rows == 1
    with pytest.raises(NoVersion, match="has no version 99; there are: 0 to"):
        data.take_snapshot(ws, replace(readings, location=Location(delta=place, version=99)))
    with pytest.raises(NoDeltaTable):
        data.take_snapshot(ws, replace(readings, location=Location(delta="s3://lake/nothing")))


def test_writing_to_a_bucket_twice(bucket):
    @contextmanager
    def rows():
        yield table("a", "b").to_reader()

    done = [write_delta(rows, "s3://lake/written", Mark("s1", "rows"), "append") for _ in range(2)]
    assert [(one.version, one.new) for one in done] == [(0, True), (0, False)]
    assert deltalake.DeltaTable("s3://lake/written").count() == 2


def test_a_store_that_is_away(ws, readings, bucket):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        spec = replace(readings, location=Location(delta="s3://lake/readings"))
        with pytest.raises(Unavailable, match="cannot be opened"):
            data.take_snapshot(ws, spec)
