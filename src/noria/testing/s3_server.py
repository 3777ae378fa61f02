"""An S3 server on this machine: moto's, over HTTP, with a bucket; it counts the requests it gets."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any, Self

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_REGION": "us-east-1"}
"""What a client needs in its environment."""


class S3Server(logging.Handler):
    """Use it as a context; `url(path)` is an address for it, `requests` what was asked, as METHOD PATH."""

    def __init__(self, bucket: str = "team") -> None:
        super().__init__()
        self.bucket = bucket
        self.requests: list[str] = []
        self._server: Any = None

    def __enter__(self) -> Self:
        import boto3
        from moto.server import ThreadedMotoServer

        log = logging.getLogger("werkzeug")  # it writes a line for every request
        log.addHandler(self)
        log.setLevel(logging.INFO)
        log.propagate = False
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests", "region_name": "us-east-1"}
        self.client: Any = boto3.client("s3", endpoint_url=self.endpoint, **keys)
        self.client.create_bucket(Bucket=self.bucket)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger("werkzeug").removeHandler(self)
        self._server.stop()

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    def url(self, path: str) -> str:
        """The address of a remote in the bucket."""
        return f"s3://{self.bucket}/{path}?endpoint={self.endpoint}"

    def emit(self, record: logging.LogRecord) -> None:
        """Count a request."""
        asked = str(record.args[0] if isinstance(record.args, tuple) and record.args else record.getMessage())
        if " HTTP/" in asked:
            self.requests.append(asked)
