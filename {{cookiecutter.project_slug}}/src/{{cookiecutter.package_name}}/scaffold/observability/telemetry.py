"""Traces and metrics of one application, on providers of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, Status
from opentelemetry.util.genai.environment_variables import (
    OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT,
    OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK,
)
from opentelemetry.util.genai.types import ContentCapturingMode
from opentelemetry.util.genai.utils import get_content_capturing_mode
from opentelemetry.util.types import AttributeValue
from prometheus_client import CollectorRegistry, generate_latest

from ..config import Settings, nearest
from ..errors import ConfigurationError
from .names import METRICS

Redact = Callable[[str], str]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

CONTENT = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.prompt.variable",
    "gen_ai.retrieval.documents",
    "gen_ai.retrieval.query",
    "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
)
"""Attributes that hold what people and models wrote (OpenTelemetry GenAI conventions): never exported."""


def _withhold(_: str) -> str:
    return "[WITHHELD]"


class Telemetry:
    """Spans, counters and histograms.

    Nothing here touches OpenTelemetry's global providers, so that several applications live side by side in one
    process. The one exception is LangChain's instrumentation, which patches the library: the application that started
    last has it.
    """

    def __init__(self, tracers: TracerProvider, meters: MeterProvider, registry: CollectorRegistry) -> None:
        self._tracers, self._meters, self._registry = tracers, meters, registry
        self._tracer = tracers.get_tracer(__name__)
        self._page = threading.Lock()
        meter = meters.get_meter(__name__)
        self._write: dict[str, Callable[[float, Mapping[str, str]], None]] = {}
        for name, metric in METRICS.items():
            if metric.kind == "counter":
                self._write[name] = meter.create_counter(name, description=metric.text).add
            elif metric.kind == "gauge":
                self._write[name] = meter.create_gauge(name, description=metric.text).set
            else:
                self._write[name] = meter.create_histogram(
                    name, description=metric.text, explicit_bucket_boundaries_advisory=metric.buckets
                ).record
        self._instrumented: object | None = _instrument_langchain(tracers, meters)

    @classmethod
    def start(cls, settings: Settings, service: str, redact: Redact = _withhold) -> Telemetry:
        """Telemetry of ``service``; spans are exported where ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set, as OTLP over HTTP.

        Every text in an exported span passes ``redact``, exceptions included; without one, all text is withheld.
        Raises ``ConfigurationError`` where the environment asks for message content in telemetry.
        """
        _refuse_content()
        resource = Resource.create({SERVICE_NAME: service, "app.offline": settings.offline})
        tracers = TracerProvider(resource=resource)
        if any(os.environ.get(name) for name in ENDPOINTS):
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # only where it is used

            tracers.add_span_processor(BatchSpanProcessor(_Redacting(OTLPSpanExporter(), redact)))
        registry = CollectorRegistry()
        reader = PrometheusMetricReader(registry=registry, scope_info_enabled=False)
        return cls(tracers, MeterProvider([reader], resource=resource), registry)

    @contextmanager
    def span(self, name: str, **attributes: AttributeValue | None) -> Iterator[Span]:
        """A span around the block, child of the current one; attributes that are ``None`` are left out.

        Put in identifiers, counts and names. Text that a person or a model wrote does not belong into a span.
        """
        known = {key: value for key, value in attributes.items() if value is not None}
        with self._tracer.start_as_current_span(name, attributes=known) as span:
            yield span

    def count(self, name: str, value: float = 1, **labels: str) -> None:
        """Add ``value`` to a counter of ``names.METRICS``."""
        self._record("counter", name, value, labels)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Record ``value`` in a histogram, or set a gauge, of ``names.METRICS``."""
        self._record("histogram or gauge", name, value, labels)

    def metrics_page(self) -> bytes:
        """All metrics in Prometheus' text format (``text/plain; version=0.0.4``)."""
        with self._page:  # the reader hands its data over in a queue that two scrapes at once would mix up
            return generate_latest(self._registry)

    def shutdown(self) -> None:
        """Send what is waiting and stop; a second call does nothing."""
        if self._instrumented is None:
            return
        instrumentor = _langchain()
        if instrumentor._callback_handler is self._instrumented:
            instrumentor.uninstrument()
        self._instrumented = None
        self._tracers.shutdown()
        self._meters.shutdown()

    def _record(self, kinds: str, name: str, value: float, labels: Mapping[str, str]) -> None:
        metric = METRICS.get(name)
        if metric is None:
            raise ValueError(f"observability/names.py lists no metric {name!r}{nearest(name, METRICS)}.")
        if metric.kind not in kinds or labels.keys() - set(metric.labels):
            raise ValueError(f"{name} is a {metric.kind} with {metric.labels}, not a {kinds} with {tuple(labels)}.")
        self._write[name](value, labels)


def _refuse_content() -> None:
    """Refuse to start rather than to send messages along: turned on by one variable, nobody would notice."""
    captured = get_content_capturing_mode() is not ContentCapturingMode.NO_CONTENT
    hooked = bool(os.environ.get(OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK))
    if captured or hooked:
        name = (
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT
            if captured
            else OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK
        )
        raise ConfigurationError(f"{name} would send questions, documents and answers out as telemetry; unset it.")


def _langchain() -> Any:
    from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor  # takes most of a second

    return LangChainInstrumentor()  # type: ignore[no-untyped-call]  # the same object in the whole process


def _instrument_langchain(tracers: TracerProvider, meters: MeterProvider) -> object:
    """Patch LangChain to trace into these providers, instead of those of an application that started earlier."""
    instrumentor = _langchain()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
    instrumentor.instrument(
        tracer_provider=tracers,
        meter_provider=meters,
        logger_provider=NoOpLoggerProvider(),
        skip_dep_check=True,
    )
    return instrumentor._callback_handler


class _Redacting(SpanExporter):
    """Takes content out of spans and redacts every text that is left, before they leave the process."""

    def __init__(self, inner: SpanExporter, redact: Redact) -> None:
        self._inner, self._redact = inner, redact

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([self._clean(span) for span in spans])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def _clean(self, span: ReadableSpan) -> ReadableSpan:
        status = span.status
        return ReadableSpan(
            name=self._redact(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=[Event(self._redact(e.name), self._attributes(e.attributes), e.timestamp) for e in span.events],
            links=span.links,
            kind=span.kind,
            status=Status(status.status_code, self._redact(status.description) if status.description else None),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _attributes(self, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
        return {key: self._value(value) for key, value in (attributes or {}).items() if not key.startswith(CONTENT)}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redact(value)
        return [self._value(item) for item in value] if isinstance(value, (list, tuple)) else value
