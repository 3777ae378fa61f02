"""Requests as OpenTelemetry spans, below the span that the caller names in `traceparent`.

Asked for by OpenTelemetry's own environment: `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) and the packages of
`noria[otel]`. Names and attributes are those of its semantic conventions for HTTP servers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from noria.core.errors import NoriaError
from noria.serving.model import Request, Response

Pending = Response | Awaitable[Response]
Begin = Callable[[Request], Pending]
_ASKED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LONGEST = 200


class NoTracing(NoriaError):
    """Spans were asked for, and what sends them is not installed."""

    code = "N6039"


class Tracing:
    """Makes a span of every request. `close` sends those that wait."""

    def __init__(self, provider: Any) -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("noria.serving")
        self._extract = TraceContextTextMapPropagator().extract
        self._server = SpanKind.SERVER

    def span(self, name: str, headers: Mapping[str, str], attributes: Mapping[str, str]) -> Span:
        """Begin a span below the one that the headers name."""
        return Span(
            self._tracer.start_span(name[:_LONGEST], self._extract(headers), self._server,
            {key: value[:_LONGEST] for key, value in attributes.items()})
        )  # fmt: skip

    def traced(self, begin: Begin) -> Begin:
        """The same, with a span around each request until its answer is there."""

        def one(request: Request) -> Pending:
            told = {"http.request.method": request.method, "url.path": request.path}
            span = self.span(f"{request.method} {request.path}", request.headers, told)
            response = begin(request)
            return _ended(span, response) if isinstance(response, Response) else _later(span, response)

        return one

    def close(self) -> None:
        """Send what waits, for some seconds at most."""
        self._provider.shutdown()


class Span:
    """A span that has begun."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def end(self, attributes: Mapping[str, int], *, failed: bool) -> None:
        """The answer is there; `failed` says that the server is to blame."""
        from opentelemetry.trace import StatusCode

        self._span.set_attributes(attributes)
        if failed:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def _ended(span: Span, response: Response) -> Response:
    span.end({"http.response.status_code": response.status}, failed=response.status >= 500)
    return response


async def _later(span: Span, response: Awaitable[Response]) -> Response:
    return _ended(span, await response)


def tracing(environment: Mapping[str, str]) -> Tracing | None:
    """What the environment asks for, None when it asks for nothing. Raises NoTracing."""
    if not any(environment.get(name) for name in _ASKED) or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise NoTracing("OpenTelemetry's exporter is not installed", hint="pip install 'noria[otel]'") from error
    name = environment.get("OTEL_SERVICE_NAME", "noria")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
