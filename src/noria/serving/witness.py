"""Who is told of every answer: the access log and OpenTelemetry, for HTTP and gRPC alike."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from noria.config.environment import environment
from noria.core.clock import Clock
from noria.serving.access import AccessLog
from noria.serving.tracing import Tracing, tracing


@dataclass(frozen=True)
class Witness:
    """`access` writes a line for each answer, `spans` makes a span of it; None where nobody asked for that."""

    access: AccessLog | None = None
    spans: Tracing | None = None

    def __bool__(self) -> bool:
        return self.access is not None or self.spans is not None

    def close(self) -> None:
        """Send the spans that wait."""
        if self.spans is not None:
            self.spans.close()


UNSEEN = Witness()


def open_witness(clock: Clock, *, access_log: bool) -> Witness:
    """Lines to standard output with `access_log`; spans when OpenTelemetry's environment asks. Raises NoTracing."""
    return Witness(AccessLog(clock, sys.stdout) if access_log else None, tracing(environment()))
