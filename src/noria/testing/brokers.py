"""Real message brokers of one's own, for as long as a `with` lasts; librdkafka's mock cluster speaks Kafka.

Each listens on free ports of this machine, with a folder of its own.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from noria.config.environment import environment
from noria.core.clock import monotonic, sleep
from noria.testing.server_process import free_port

_PATIENCE_S = 60.0
_RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class _Broker:
    """A program in a folder, up when its port answers."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="broker"))
        self.port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Serve; returns when connections are accepted. Raises RuntimeError with the end of its log."""
        raise NotImplementedError

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it; SIGKILL is what a machine that fails does."""
        for process in reversed(self._processes):
            process.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                process.kill()
                process.wait()
        self._processes.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: Sequence[str], **more: str) -> None:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**environment(), **more})
        self._processes.append(process)

    def _await(self, greeting: bytes = b"") -> None:
        end = monotonic() + _PATIENCE_S
        while not _answers(self.port, greeting):
            if self._processes[-1].poll() is not None or monotonic() > end:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            sleep(0.05)


class NatsServer(_Broker):
    """nats-server with JetStream."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        program = _program("nats-server")
        self._run([program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder / "store")])
        self._await()


class RabbitServer(_Broker):
    """rabbitmq-server with an Erlang port mapper of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._mapper, self._distribution = free_port(), free_port()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}"

    def start(self) -> None:
        if not _RABBIT.exists():
            raise FileNotFoundError("the tests need RabbitMQ and never do without: apt install rabbitmq-server")
        mapper = {"ERL_EPMD_PORT": str(self._mapper), "ERL_EPMD_ADDRESS": "127.0.0.1"}
        self._run([_program("epmd"), "-port", str(self._mapper), "-address", "127.0.0.1"], **mapper)
        folder = str(self.folder)
        self._run(
            [str(_RABBIT)],
            HOME=folder,
            RABBITMQ_NODENAME=f"noria{self.port}@localhost",
            RABBITMQ_NODE_IP_ADDRESS="127.0.0.1",
            RABBITMQ_NODE_PORT=str(self.port),
            RABBITMQ_DIST_PORT=str(self._distribution),
            RABBITMQ_MNESIA_BASE=folder,
            RABBITMQ_LOG_BASE=folder,
            RABBITMQ_ENABLED_PLUGINS_FILE=f"{folder}/plugins",
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
            **mapper,
        )
        self._await(b"AMQP\x00\x00\x09\x01")


class KafkaMock:
    """librdkafka's mock cluster inside this process: one broker that speaks the protocol and keeps groups' offsets."""

    def __init__(self, partitions: int = 2) -> None:
        from confluent_kafka import Producer

        options = {"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "topic.metadata.refresh.interval.ms": 500}
        self.producer = Producer(options)
        (broker,) = self.producer.list_topics(timeout=10).brokers.values()
        self.address = f"127.0.0.1:{broker.port}"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"kafka://{self.address}"

    def __enter__(self) -> KafkaMock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.producer.flush(5)
        del self.producer


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"the tests need {name} and never do without: apt install it")
    return found


def _answers(port: int, greeting: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            if greeting:
                connection.sendall(greeting)
                return bool(connection.recv(1))
            return True
    except OSError:
        return False
