"""Spans and metrics say what happened and never what was said."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client.parser import text_string_to_metric_families

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry, names, trace_id

from tests.scaffold.observability.collector import Collector

Start = Callable[..., Telemetry]


class Model(FakeListChatModel):
    """A chat model that names itself, as the instrumentation demands."""

    model_name: str = "parrot"

    def _get_ls_params(self, stop: list[str] | None = None, **_: Any) -> Any:
        return {"ls_provider": "acme", "ls_model_name": self.model_name, "ls_model_type": "chat"}


class TestMetrics:
    def test_every_metric_stands_on_the_page_under_its_name_with_its_labels(self, start: Start) -> None:
        telemetry = start()
        for name, metric in names.METRICS.items():
            write = telemetry.count if metric.kind == "counter" else telemetry.observe
            write(name, 2, **{label: f"a {label}" for label in metric.labels})
        page = telemetry.metrics_page().decode()
        families = {family.name: family for family in text_string_to_metric_families(page)}
        for name, metric in names.METRICS.items():
            family = families[name.removesuffix("_total")]
            assert (family.type, family.documentation) == (metric.kind, metric.text)
            samples = {
                "counter": (name, 2.0),
                "gauge": (name, 2.0),
                "histogram": (f"{name}_sum", 2.0),
            }
            labels = {label: f"a {label}" for label in metric.labels}
            assert (*samples[metric.kind], labels) in [(s.name, s.value, s.labels) for s in family.samples]

    def test_names_are_constants_of_the_module(self) -> None:
        assert {value for name, value in vars(names).items() if isinstance(value, str) and name.isupper()} == set(
            names.METRICS
        )

    def test_counters_add_and_gauges_take_the_last_value(self, start: Start) -> None:
        telemetry = start()
        telemetry.count(names.PASSAGES)
        telemetry.count(names.PASSAGES, 4)
        telemetry.observe(names.INDEXED_DOCUMENTS, 4)
        telemetry.observe(names.INDEXED_DOCUMENTS, 3)
        page = telemetry.metrics_page().decode()
        assert "\napp_passages_total 5.0\n" in page and "\napp_indexed_documents 3.0\n" in page

    @pytest.mark.parametrize(
        ("write", "problem"),
        [
            (lambda t: t.count("app_request_total"), "did you mean 'app_requests_total'"),
            (lambda t: t.count(names.REQUEST_SECONDS), "is a histogram"),
            (lambda t: t.observe(names.PASSAGES, 1), "is a counter"),
            (lambda t: t.count(names.REQUESTS, caller="jonas"), "not a counter with \\('caller',\\)"),
        ],
    )
    def test_a_name_or_label_that_no_dashboard_knows_is_a_mistake(
        self, start: Start, write: Callable[[Telemetry], None], problem: str
    ) -> None:
        with pytest.raises(ValueError, match=problem):
            write(start())

    def test_two_applications_in_one_process_count_apart(self, start: Start) -> None:
        one, two = start("one"), start("two")
        one.count(names.PASSAGES, 1)
        two.count(names.PASSAGES, 2)
        assert b"app_passages_total 1.0" in one.metrics_page()
        assert b"app_passages_total 2.0" in two.metrics_page()
        assert not isinstance(trace.get_tracer_provider(), TracerProvider)
        assert not isinstance(metrics.get_meter_provider(), MeterProvider)

    def test_scrapes_at_once_each_get_a_whole_page(self, start: Start) -> None:
        telemetry = start()
        telemetry.count(names.PASSAGES)
        pages: list[bytes] = []
        threads = [threading.Thread(target=lambda: pages.append(telemetry.metrics_page())) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [page.count(b"\napp_passages_total ") for page in pages] == [1] * 16


class TestSpans:
    def test_go_to_the_collector_by_otlp_with_service_and_trace(self, start: Start, collector: Collector) -> None:
        telemetry = start("acme")
        with telemetry.span("answer", channel="api", nothing=None, passages=3), telemetry.span("retrieval"):
            trace = trace_id()
        telemetry.shutdown()
        assert [path for path, _ in collector.requests] == ["/v1/traces"]
        assert sorted(collector.names) == ["answer", "retrieval"]
        spans = collector.requests[0][1].resource_spans[0].scope_spans[0].spans
        assert {span.trace_id.hex() for span in spans} == {trace}
        assert "nothing" not in collector.text and 'string_value: "acme"' in collector.text

    def test_stay_at_home_without_an_endpoint(
        self, start: Start, collector: Collector, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
        telemetry = start()
        with telemetry.span("answer"):
            assert len(trace_id()) == 32
        telemetry.shutdown()
        assert collector.requests == []

    def test_carry_no_personal_data_in_attributes_names_events_or_errors(
        self, start: Start, collector: Collector
    ) -> None:
        telemetry = start()
        attributes: dict[str, Any] = {"who": "jane@acme.test", "all": ["+49 40 66969 123"]}
        with pytest.raises(RuntimeError), telemetry.span("to jane@acme.test", **attributes) as span:
            span.add_event("mail from jane@acme.test", {"to": "jane@acme.test"})
            raise RuntimeError("jane@acme.test called from 040 66969 123")
        telemetry.shutdown()
        assert "jane" not in collector.text and "66969" not in collector.text
        assert "to [EMAIL]" in collector.names and "RuntimeError" in collector.text

    def test_withhold_all_text_where_nobody_gave_a_redactor(self, start: Start, collector: Collector) -> None:
        telemetry = start(redactor=None)
        with telemetry.span("answer", note="Jane Doe", count=7):
            pass
        telemetry.shutdown()
        assert "Jane" not in collector.text and "[WITHHELD]" in collector.text and "int_value: 7" in collector.text

    def test_of_models_name_the_model_and_hold_no_content(self, start: Start, collector: Collector) -> None:
        telemetry = start()
        with telemetry.span("answer"):
            Model(responses=["the secret answer"]).invoke("the secret question")
        telemetry.shutdown()
        assert "chat parrot" in collector.names
        assert "secret" not in collector.text

    def test_lose_content_that_something_else_put_in(self, start: Start, collector: Collector) -> None:
        telemetry = start()
        contents = {
            "gen_ai.input.messages": "the secret",
            "gen_ai.prompt.variable.question": "the secret",
            "kept": "this",
        }
        with telemetry.span("answer", **contents):
            pass
        telemetry.shutdown()
        assert "secret" not in collector.text and "this" in collector.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_AND_EVENT"),
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "event_only"),
        ("OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK", "upload"),
    ],
)
def test_content_in_telemetry_is_refused_at_the_start(
    start: Start, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{name} would send questions"):
        start()


class TestLangChain:
    def test_is_traced_by_the_application_that_started_last(self, start: Start) -> None:
        one, two = start("one"), start("two")
        Model(responses=["x"]).invoke("x")
        assert b"gen_ai_client_operation_duration_seconds_count" not in one.metrics_page()
        assert b"gen_ai_client_operation_duration_seconds_count" in two.metrics_page()
        one.shutdown()
        Model(responses=["x"]).invoke("x")
        assert b'gen_ai_request_model="parrot"} 2.0' in two.metrics_page()

    def test_is_left_as_it_was_however_often_telemetry_comes_and_goes(self, start: Start) -> None:
        def patched() -> bool:
            return hasattr(FakeListChatModel._generate_with_cache, "__wrapped__")

        assert not patched()
        for _ in range(3):
            telemetry = start()
            assert patched()
            telemetry.shutdown()
            telemetry.shutdown()
            assert not patched()
