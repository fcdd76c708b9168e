"""Every metric, named as on the Prometheus page, which dashboards and alert rules quote.

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
    """What a metric counts or measures; ``labels`` are all that it may carry."""

    kind: Literal["counter", "histogram", "gauge"]
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

REQUESTS = "app_requests_total"
REQUEST_SECONDS = "app_request_duration_seconds"
MODEL_CALLS = "app_model_calls_total"
MODEL_SECONDS = "app_model_call_duration_seconds"
MODEL_WAITS = "app_model_wait_duration_seconds"
CALLS_WAITING = "app_model_calls_waiting"
BUDGET_USED = "app_model_budget_used_ratio"
RETRIES = "app_model_retries_total"
FALLBACKS = "app_model_fallbacks_total"
TOKENS = "app_tokens_total"
MODEL_COST = "app_model_cost_usd_total"
PERSONAL_DATA = "app_personal_data_total"
RETRIEVAL_SECONDS = "app_retrieval_duration_seconds"
PASSAGES = "app_passages_total"
RERANKS = "app_reranks_total"
INDEXED_DOCUMENTS = "app_indexed_documents"
LIVE_INDEX = "app_live_index"
SOURCE_AGE = "app_source_age_seconds"
SOURCE_OBJECTIVE = "app_source_objective_seconds"
CANARY_PASSED = "app_canary_passed"
CANARY_AGE = "app_canary_age_seconds"
FEEDBACK = "app_feedback_total"
DRIFT_ENOUGH = "app_drift_answers_enough"
DRIFT_PSI = "app_drift_psi"
DRIFT_SEVERITY = "app_drift_severity"
CONFIG_RELOADS = "app_config_reloads_total"
CONFIG_REFUSED = "app_config_refused"

_MODEL = ("role", "provider")

METRICS: dict[str, Metric] = {
    REQUESTS: Metric("counter", "Questions, by outcome: answered, refused, error.", ("channel", "outcome")),
    REQUEST_SECONDS: Metric("histogram", "Time from question to answer.", ("channel",), SECONDS),
    MODEL_CALLS: Metric(
        "counter",
        "Calls to models, by outcome: answered, failed, abandoned; nothing sent: cached, replayed, denied, stopped, "
        "limited, throttled.",
        (*_MODEL, "outcome"),
    ),
    MODEL_SECONDS: Metric("histogram", "Time of a call to a model, with retries and fallbacks.", _MODEL, SECONDS),
    MODEL_WAITS: Metric(
        "histogram", "Time that calls waited, by reason: concurrent, rate.", ("role", "reason"), SECONDS
    ),
    CALLS_WAITING: Metric("gauge", "Calls that wait in this process for another of their role to end.", ("role",)),
    BUDGET_USED: Metric("gauge", "Share of a budget that is spent or reserved; not of callers' budgets.", ("setting",)),
    RETRIES: Metric("counter", "Calls put to the same model again.", _MODEL),
    FALLBACKS: Metric("counter", "Calls put to the next model; provider is the one that failed.", _MODEL),
    TOKENS: Metric("counter", "Tokens, by direction: input, output.", (*_MODEL, "direction")),
    MODEL_COST: Metric("counter", "Cost of settled calls to models in US dollars, as far as it is known.", _MODEL),
    PERSONAL_DATA: Metric("counter", "Personal data held back on the way to a model.", ("kind",)),
    RETRIEVAL_SECONDS: Metric("histogram", "Time of one search.", (), SECONDS),
    PASSAGES: Metric("counter", "Passages that searches returned."),
    RERANKS: Metric("counter", "Searches with a reranker, by outcome: reranked, failed.", ("outcome",)),
    INDEXED_DOCUMENTS: Metric("gauge", "Documents in the index."),
    LIVE_INDEX: Metric("gauge", "Number of the index that answers; it changes with a cutover or a rollback."),
    SOURCE_AGE: Metric(
        "gauge", "Age of a source's oldest change that is not in the index; +Inf: unknown.", ("source",)
    ),
    SOURCE_OBJECTIVE: Metric("gauge", "Age that config/sources.yaml allows.", ("source",)),
    CANARY_PASSED: Metric("gauge", "1 where the newest canary passed, 0 where it did not."),
    CANARY_AGE: Metric("gauge", "Time since the newest canary began."),
    FEEDBACK: Metric("counter", "What people said of answers, by verdict: up, down, corrected.", ("verdict",)),
    DRIFT_ENOUGH: Metric("gauge", "1 where enough answers are there to tell drift, in both windows; else 0."),
    DRIFT_PSI: Metric("gauge", "PSI of a feature of the answers, less its bias; 0 where unclear.", ("feature",)),
    DRIFT_SEVERITY: Metric("gauge", "Drift of a feature: 0 none, 1 minor, 2 major; -1 unclear.", ("feature",)),
    CONFIG_RELOADS: Metric("counter", "Changes of a followed file, by outcome: loaded, refused.", ("file", "outcome")),
    CONFIG_REFUSED: Metric("gauge", "1 while a followed file's newest version is refused, and not in use.", ("file",)),
}
