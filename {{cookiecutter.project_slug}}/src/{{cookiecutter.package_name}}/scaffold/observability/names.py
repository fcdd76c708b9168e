"""Every metric: the name that code uses, and the one on the Prometheus page, which dashboards and alert rules quote.

Labels carry names out of configuration and fixed words only: never a caller, a question or a document, which would be
personal data and one time series each.

Beside these, the page holds ``gen_ai_client_operation_duration_seconds`` and ``gen_ai_client_token_usage``, written by
OpenTelemetry's LangChain instrumentation; their names are in development there and may change with its version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """What a metric counts or measures: its name on the page, and all labels that it may carry."""

    page: str
    kind: Literal["counter", "histogram", "gauge"]
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

REQUESTS = "requests"
REQUEST_SECONDS = "request_seconds"
REFUSALS = "refusals"
CONFIDENCE = "confidence"
MODEL_CALLS = "model_calls"
MODEL_SECONDS = "model_seconds"
MODEL_RETRIES = "model_retries"
MODEL_FALLBACKS = "model_fallbacks"
TOKENS = "tokens"
PERSONAL_DATA = "personal_data"
RETRIEVAL_SECONDS = "retrieval_seconds"
PASSAGES = "passages"
INDEXED_DOCUMENTS = "indexed_documents"
LAST_SYNC = "last_sync"

_MODEL = ("role", "provider")

METRICS: dict[str, Metric] = {
    REQUESTS: Metric(
        "app_requests_total", "counter", "Questions, by outcome: answered, refused, error.", ("channel", "outcome")
    ),
    REQUEST_SECONDS: Metric(
        "app_request_duration_seconds", "histogram", "Time from question to answer.", ("channel",), SECONDS
    ),
    REFUSALS: Metric("app_refusals_total", "counter", "Questions not answered, by reason.", ("reason",)),
    CONFIDENCE: Metric("app_answer_confidence", "histogram", "Confidence of the answers that were given.", (), SHARES),
    MODEL_CALLS: Metric(
        "app_model_calls_total", "counter", "Calls to models, by outcome: answered, error.", (*_MODEL, "outcome")
    ),
    MODEL_SECONDS: Metric(
        "app_model_call_duration_seconds", "histogram", "Time of a call to a model, with its retries.", _MODEL, SECONDS
    ),
    MODEL_RETRIES: Metric("app_model_retries_total", "counter", "Attempts repeated after a failed one.", _MODEL),
    MODEL_FALLBACKS: Metric("app_model_fallbacks_total", "counter", "Calls that a fallback took over.", _MODEL),
    TOKENS: Metric("app_tokens_total", "counter", "Tokens, by direction: input, output.", (*_MODEL, "direction")),
    PERSONAL_DATA: Metric(
        "app_personal_data_total", "counter", "Personal data held back on the way to a model.", ("kind",)
    ),
    RETRIEVAL_SECONDS: Metric("app_retrieval_duration_seconds", "histogram", "Time of one search.", (), SECONDS),
    PASSAGES: Metric("app_passages_total", "counter", "Passages that searches returned."),
    INDEXED_DOCUMENTS: Metric("app_indexed_documents", "gauge", "Documents in the index."),
    LAST_SYNC: Metric("app_last_sync_timestamp_seconds", "gauge", "When the last sync ended, Unix time."),
}
