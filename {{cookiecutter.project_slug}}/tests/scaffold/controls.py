"""Every control, how to unplug it, and the tests that must then go red. ``make detach`` tries each.

One table, as long as there are controls: what is not in it is not tried.
"""

from __future__ import annotations

import base64
import json
import math
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import pytest
import qdrant_client
import qdrant_edge
import sqlalchemy

import {{ cookiecutter.package_name }} as package
from {{ cookiecutter.package_name }}.scaffold.errors import ScaffoldError, SourceError
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run
from {{ cookiecutter.package_name }}.scaffold.evaluation.relative import changes
from {{ cookiecutter.package_name }}.scaffold.governance.chain import Verification
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models import Governed
from {{ cookiecutter.package_name }}.scaffold.models.rates import Window
from {{ cookiecutter.package_name }}.scaffold.models.spending import tokens
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import Report
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import RetrievalFile

Replace = Callable[[Any], Any]
"""From the original to what stands in for it."""


@dataclass(frozen=True)
class Control:
    """A control of failure-mode ``failure``.

    ``unplug`` holds pairs of a name below the package, where the control is looked up when it is used, and what to put
    there instead. ``tests`` are files or node ids; at least one of them must fail by assertion once that is done.
    """

    name: str
    failure: str
    unplug: Sequence[tuple[str, Replace]]
    tests: Sequence[str]


DRILLS = "tests/scaffold/drills"
F02 = f"{DRILLS}/test_f02_prompt_change.py"
F03 = f"{DRILLS}/test_f03_vendor_outage.py"
F05 = f"{DRILLS}/test_f05_spending.py"
F06 = f"{DRILLS}/test_f06_another_embedding.py"
F08, F14, F15 = (
    f"{DRILLS}/test_f08_access.py",
    f"{DRILLS}/test_f14_personal_data.py",
    f"{DRILLS}/test_f15_audit_tampering.py",
)
AGAIN = f"{DRILLS}/test_f08_asked_again.py"
OLD_AND_NEW = f"{DRILLS}/test_f09_contradictions.py"
PACKING = "tests/scaffold/retrieval/test_packing.py"
CARD = f"{DRILLS}/test_f35_system_card.py"
DOOR = f"{DRILLS}/test_f14_model_door.py"
F10 = f"{DRILLS}/test_f10_sources.py"
CONNECTORS = "tests/scaffold/retrieval/connectors"
F09 = f"{DRILLS}/test_f09_bad_data.py"
F16 = f"{DRILLS}/test_f16_closed_service.py"
TOKENS = f"{DRILLS}/test_f16_tokens.py"
SERVING = "tests/scaffold/serving"
QUALITY = "tests/scaffold/retrieval/quality"
MODELS = "tests/scaffold/models"
STORES = "tests/scaffold/retrieval/stores"
SYNC = "tests/scaffold/retrieval/test_sync.py"
PROMPTS = "tests/scaffold/prompts/test_prompts.py"
LIVE = "tests/scaffold/test_live.py"
RETRIEVAL = "tests/scaffold/retrieval"
BASELINE = "tests/scaffold/evaluation/test_baseline.py"
WORSE = f"{DRILLS}/test_f11_worse_answers.py"
DEARER = f"{DRILLS}/test_f05_dearer_answers.py"
MEASURED = "tests/scaffold/evaluation/test_measure_margins.py"
F33 = f"{DRILLS}/test_f33_drift.py"
DRIFT = "tests/scaffold/observability/test_drift.py"
RECORDINGS = "tests/scaffold/evaluation/test_recordings.py"


def always(value: Any) -> Replace:
    """A stand-in that does not care what it replaces."""
    return lambda _: value


def anywhere(check: Callable[..., None]) -> Callable[..., None]:
    """``Policy.check_model`` as if the model computed in a region that the policy names."""
    return lambda policy, provider, model, _=None: check(policy, provider, model, *(policy.file.regions or [])[:1])


def attempt(call: Callable[[], Any], otherwise: Any) -> Any:
    """What ``call`` gives, or ``otherwise`` where it raises."""
    try:
        return call()
    except ScaffoldError:
        return otherwise


async def still_visible(*_: object) -> bool:
    """As if every right were for ever."""
    return True


ANYBODY = Principal("ceo", frozenset({"everyone", "board"}))
"""Somebody who may see more than others."""


def unchecked(contract: Any, values: Any, _: Any) -> Any:
    """A record, whatever it is."""
    return contract.model_construct(**{"text": "", **values, "id": str(values["id"]), "updated": None})


def quiet(pages: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """A listing that takes it for the end where it breaks off."""

    def until_it_breaks(*given: Any) -> Iterator[Any]:
        with suppress(SourceError):
            yield from pages(*given)

    return until_it_breaks


def textbook_psi(
    statistic: Callable[..., tuple[float, float]], counts: Any, before: int, now: int
) -> tuple[float, float]:
    """The PSI with its bias in it, and certain from 0.1 on."""
    psi = statistic(counts, before, now)[0] + (len(counts) - 1) * (1 / before + 1 / now)
    return psi, 0.0 if psi > 0.1 else 1.0


def unproven(application: Any, row: Any, _: str) -> Run:
    """A record as it stands, or an empty one in the place of one that is gone."""
    path = application.settings.root / row.record
    if path.exists():
        return Run.model_validate_json(path.read_bytes())
    return Run.model_construct(cases=[], verdicts=[], thresholds={})


def limited(**limits: float) -> Replace:
    """Processes that read documents with these limits, whatever the settings say."""

    def workers(original: Callable[[RetrievalFile], Any]) -> Callable[[RetrievalFile], Any]:
        return lambda settings: original(
            settings.model_copy(update={"limits": settings.limits.model_copy(update=limits)})
        )

    return workers


def demanding(**changes: Any) -> Replace:
    """``readiness.checks.shortcomings`` of a stage whose evaluation demands less."""
    return lambda original: lambda run, required, *rest: original(run, required.model_copy(update=changes), *rest)


def all_lost(_: object) -> Callable[..., None]:
    """A process that ends takes all that it was given with it."""

    def bury(workers: Any, worker: Any, batch: Any) -> None:
        workers._end(worker)
        batch.results += [workers._lost(item, "is lost") for item in batch.items[len(batch.results) :]]

    return bury


BARE = always(Governed.passage)
"""A model control that only delegates."""


CONTROLS = (
    Control(
        "role-follows-file",
        "F01",
        [("scaffold.live.LastGood.look", always(lambda _: ()))],
        [f"{DRILLS}/test_f01_provider_change.py"],
    ),
    Control(
        "prompt-follows-file",
        "F02",
        [("scaffold.live.LastGood.look", always(lambda _: ()))],
        [f"{DRILLS}/test_f02_prompt_change.py"],
    ),
    Control(
        "config-as-a-whole",
        "F02",
        [("scaffold.live.Live._read", lambda original: lambda live, stamps: (original(live, stamps)[0], {}))],
        [F02, LIVE],
    ),
    Control("config-read-whole", "F02", [("scaffold.live.Live._same", always(lambda *_: True))], [LIVE]),
    Control(
        "request-keeps-its-version", "F02", [("scaffold.live.Live.pinned", always(lambda _: nullcontext()))], [F02]
    ),
    Control("limits-stand-apart", "F02", [("scaffold.live.Live.apart", always(lambda live: live))], [F02]),
    Control("refused-config-shown", "F02", [("scaffold.application._tell", always(lambda *_: None))], [F02]),
    Control("prompt-fits-models", "F02", [("scaffold.application._fit", always(lambda *_: None))], [PROMPTS]),
    Control("prompt-input", "F02", [("scaffold.prompts.variables._wrong", always(lambda *_: None))], [PROMPTS]),
    Control(
        "prompt-parameters",
        "F02",
        [("scaffold.models.settings.ModelEntry.with_parameters", always(lambda entry, _: entry))],
        [F02],
    ),
    Control(
        "clear-model-errors", "F03", [("scaffold.models.faults.Translated.passage", BARE)], [f"{MODELS}/test_faults.py"]
    ),
    Control(
        "broken-stream",
        "F03",
        [("scaffold.models.faults._Watched._check", always(lambda _: None))],
        [f"{MODELS}/test_faults.py"],
    ),
    Control(
        "canary",
        "F04",
        [("scaffold.evaluation.canary.mcnemar", always(lambda *_: 1.0))],
        [f"{DRILLS}/test_f04_silent_change.py"],
    ),
    Control(
        "canary-same-configuration",
        "F04",
        [("scaffold.evaluation.canary.differences", always(lambda *_: []))],
        [f"{DRILLS}/test_f04_silent_change.py"],
    ),
    Control(
        "answers-written",
        "F33",
        [("scaffold.answers.Answers.put", always(lambda *_, **__: None))],
        ["tests/scaffold/test_answers.py"],
    ),
    Control(
        "drift-bias-corrected",
        "F33",
        [("scaffold.observability.drift.statistic", lambda original: lambda *given: textbook_psi(original, *given))],
        [DRIFT],
    ),
    Control(
        "drift-corrected-over-features",
        "F33",
        [("scaffold.observability.drift.level", always(lambda one, _: one))],
        [DRIFT],
    ),
    Control(
        "drift-least-answers",
        "F33",
        [("scaffold.evaluation.drift.compare", lambda original: lambda a, b, _, *rules: original(a, b, 1, *rules))],
        [F33],
    ),
    Control("drift-without-measuring", "F33", [("scaffold.evaluation.drift.EVALUATION", always("nobody"))], [F33]),
    Control("drift-published", "F33", [("scaffold.evaluation.drift.Watch.publish", always(lambda _: None))], [F33]),
    Control(
        "spec-proves-records",
        "F33",
        [("scaffold.evaluation.history.proven", always(unproven))],
        ["tests/scaffold/evaluation/test_spec.py"],
    ),
    Control(
        "structured-output-fits",
        "F03",
        [("scaffold.models.governed.Shaped", always(lambda chain, whole: chain))],
        [f"{MODELS}/test_shape.py"],
    ),
    Control(
        "replay-same-models-and-prompts",
        "F11",
        [("scaffold.models.recording.Player.prove", always(lambda *_: None))],
        [RECORDINGS],
    ),
    Control(
        "replay-same-request",
        "F11",
        [("scaffold.models.taped.request_digest", always(lambda entry, *_: entry.info.sha256))],
        [f"{MODELS}/test_taped.py::test_what_differs_in_anything_is_another_request"],
    ),
    Control("recording-whole", "F11", [("scaffold.models.recording._whole", always(lambda *_: True))], [RECORDINGS]),
    Control(
        "recording-answered",
        "F11",
        [("scaffold.models.recording.Recorder.asked", always(lambda *_: None))],
        [f"{MODELS}/test_taped.py::test_a_refusal_of_the_request_comes_again_and_weather_is_not_recorded"],
    ),
    Control(
        "replayed-run-is-whole",
        "F11",
        [("scaffold.evaluation.runner.missing", always(lambda _: ""))],
        [f"{RECORDINGS}::test_what_is_not_recorded_ends_a_run_whatever_the_use_case_makes_of_it"],
    ),
    Control(
        "live-evidence",
        "F11",
        [("scaffold.readiness.checks._replayed", always(lambda _: False))],
        ["tests/scaffold/readiness/test_checks.py"],
    ),
    Control(
        "recording-hides-personal-data",
        "F14",
        [("scaffold.models.taped.redact", always(lambda text: text))],
        [f"{MODELS}/test_taped.py::test_what_a_model_made_up_of_a_person_is_not_recorded"],
    ),
    Control("budget", "F05", [("scaffold.models.ledger.Ledger._hold", always(lambda *_: None))], [F05]),
    Control("kill-switch", "F05", [("scaffold.models.switch.Switched.passage", BARE)], [F05]),
    Control(
        "reservation-before-call",
        "F05",
        [("scaffold.models.budget.most", always(lambda *_: tokens(0, 0)))],
        [f"{MODELS}/test_budget.py"],
    ),
    Control(
        "deadline",
        "F03",
        [("scaffold.models.request.Request.left", always(lambda _: math.inf))],
        [f"{MODELS}/test_deadline.py::test_a_request_ends_with_its_deadline"],
    ),
    Control(
        "timeout",
        "F03",
        [("scaffold.models.deadline.Timed._limit", always(lambda *_: 600.0))],
        [f"{MODELS}/test_deadline.py::test_a_request_ends_with_its_deadline"],
    ),
    Control(
        "retry",
        "F03",
        [("scaffold.models.retry.Retrying._worth", always(lambda *_: False))],
        [F03, f"{MODELS}/test_retry.py"],
    ),
    Control(
        "circuit-breaker",
        "F03",
        [("scaffold.models.breaker.Breaker.passage", BARE)],
        [F03, f"{MODELS}/test_breaker.py"],
    ),
    Control(
        "fallback",
        "F03",
        [("scaffold.models.fallback.Fallback._standing_by", always(lambda *_: []))],
        [F03, f"{MODELS}/test_fallback.py"],
    ),
    Control(
        "shown-is-not-repeated",
        "F03",
        [("scaffold.models.repeated._shows", always(lambda _: False))],
        [f"{MODELS}/test_resilience.py::test_a_fault_has_its_outcome[openai-cut off-streamed]"],
    ),
    Control(
        "rate-limit",
        "F03",
        [("scaffold.models.rated.Rated.passage", BARE)],
        [f"{F03}::test_a_role_at_its_rate_waits_or_is_refused"],
    ),
    Control(
        "rate-counted",
        "F03",
        [("scaffold.models.rates.InState.change", always(lambda _, role, decide: decide(Window())[1]))],
        [f"{MODELS}/test_rates.py::test_two_hundred_callers_at_once_stay_within_the_rate"],
    ),
    Control(
        "concurrency",
        "F03",
        [("scaffold.models.queued.Queued.passage", BARE)],
        [f"{F03}::test_a_slow_vendor_does_not_pile_up_calls"],
    ),
    Control(
        "embedding-retry",
        "F03",
        [("scaffold.models.retry.Retrying._worth", always(lambda *_: False))],
        [f"{MODELS}/test_embedded.py::test_a_fault_has_its_outcome"],
    ),
    Control(
        "embedding-whole",
        "F03",
        [("scaffold.models.embedded.Vectors._check", always(lambda *_: None))],
        [f"{MODELS}/test_embedded.py::test_a_fault_has_its_outcome"],
    ),
    Control(
        "attempts-on-record",
        "F15",
        [("scaffold.models.request.Attempted.passage", BARE)],
        [F03],
    ),
    Control(
        "comparison-before-cutover",
        "F06",
        [("scaffold.reindex._compared", always(lambda *_: None))],
        [f"{F06}::test_an_embedding_that_finds_less_is_not_cut_over_to"],
    ),
    Control(
        "estimate-against-budget",
        "F06",
        [("scaffold.models.foreseen._refusal", always(lambda *_: ""))],
        [f"{F06}::test_what_the_budget_has_no_room_for_is_not_begun"],
    ),
    Control(
        "rollback-holds-to-now",
        "F06",
        [
            ("scaffold.reindex._hold_to_now", always(lambda *_: None)),
            ("scaffold.reindex._catch_up", always(lambda *_: None)),
        ],
        [f"{F06}::test_the_previous_index_comes_back_with_the_rights_of_today"],
    ),
    Control(
        "reindex-resumes",
        "F06",
        [("scaffold.retrieval.versions.Versions.kept", always(lambda *_: None))],
        [f"{F06}::test_a_build_that_was_killed_goes_on_where_it_was"],
    ),
    Control(
        "superseded-index-not-asked",
        "F06",
        [("scaffold.retrieval.index.Index._superseded", always(lambda *_: False))],
        ["tests/scaffold/test_reindex.py::test_an_index_that_another_process_put_away_is_not_asked"],
    ),
    Control(
        "one-sync-at-a-time",
        "F07",
        [("scaffold.retrieval.leases.Leases.take", always(lambda *_: None))],
        ["tests/scaffold/retrieval/test_leases.py"],
    ),
    Control(
        "service-syncs-for-others",
        "F07",
        [("scaffold.retrieval.upkeep.Desk._have", always(lambda _: False))],
        ["tests/scaffold/retrieval/test_upkeep.py::test_a_command_has_the_service_do_it_and_ends_as_if_it_had"],
    ),
    Control(
        "requests-once",
        "F07",
        [("scaffold.retrieval.upkeep._follow", lambda original: lambda *given: original(*given) and None)],
        ["tests/scaffold/retrieval/test_upkeep.py::test_a_command_has_the_service_do_it_and_ends_as_if_it_had"],
    ),
    Control(
        "index-reconciliation",
        "F07",
        [("scaffold.retrieval.sync.Sync._reconcile", always(lambda _: None))],
        [f"{SYNC}::test_either_half_of_the_state_may_be_lost"],
    ),
    Control(
        "freshness",
        "F07",
        [("scaffold.retrieval.freshness.Freshness.good", always(property(lambda _: True)))],
        [f"{DRILLS}/test_f07_stale_documents.py"],
    ),
    Control(
        "file-stamps",
        "F07",
        [("scaffold.retrieval.connectors.files.FileTree._stamp", always(lambda *_: "unchanged"))],
        ["tests/scaffold/retrieval/connectors/test_stamps.py::test_what_changed_is_found_however_it_was_done"],
    ),
    Control(
        "file-stamps-checked",
        "F07",
        [("scaffold.retrieval.sync.Sync._due", always(lambda *_: False))],
        ["tests/scaffold/retrieval/connectors/test_stamps.py::test_from_time_to_time_the_bytes_are_read_all_the_same"],
    ),
    Control(
        "incremental-sync",
        "F07",
        [("scaffold.retrieval.sync.Sync._read_in", always(lambda _: None))],
        [f"{DRILLS}/test_f07_stale_documents.py"],
    ),
    Control(
        "access-filter",
        "F08",
        [("scaffold.retrieval.stores.edge._seen_by", always(lambda _: qdrant_edge.Filter()))],
        [F08],
    ),
    Control(
        "access-filter-qdrant",
        "F08",
        [("scaffold.retrieval.stores.qdrant._seen_by", always(lambda _: qdrant_client.models.Filter()))],
        [f"{STORES}/test_conformance.py::test_a_passage_is_seen_by_whom_its_lists_let_see_it"],
    ),
    Control(
        "access-filter-pgvector",
        "F08",
        [("scaffold.retrieval.stores.postgres._seen_by", always(lambda *_: sqlalchemy.true()))],
        [f"{STORES}/test_conformance.py::test_a_passage_is_seen_by_whom_its_lists_let_see_it"],
    ),
    Control(
        "closed-without-a-caller",
        "F08",
        [
            (
                "scaffold.retrieval.stores.port.view_of",
                lambda original: lambda caller, *where: original(caller or Principal("x", frozenset({"hr"})), *where),
            )
        ],
        [f"{STORES}/test_conformance.py::test_without_a_caller_nothing_is_returned"],
    ),
    Control(
        "iterative-scan",
        "F08",
        [("scaffold.retrieval.stores.postgres.SCAN", lambda scan: {**scan, "hnsw.iterative_scan": "off"})],
        [f"{STORES}/test_postgres.py::test_a_narrow_filter_still_finds_enough_through_the_index"],
    ),
    Control(
        "whole-snapshots",
        "F06",
        [("scaffold.retrieval.stores.snapshots._digests", always(lambda _: {}))],
        [f"{STORES}/test_conformance.py::test_a_damaged_snapshot_is_refused_and_nothing_is_written"],
    ),
    Control(
        "rights-asked-again",
        "F08",
        [("knowledge_assistant.assistant.KnowledgeAssistant._still_visible", always(still_visible))],
        [AGAIN, "tests/knowledge_assistant/test_assistant.py"],
    ),
    Control(
        "follow-up-rights",
        "F08",
        [
            (
                "scaffold.retrieval.index.Index.visible",
                lambda original: lambda index, ids, caller: original(index, ids, ANYBODY),
            )
        ],
        [AGAIN],
    ),
    Control(
        "tool-for-its-caller",
        "F08",
        [
            (
                "scaffold.retrieval.retriever.CallerRetriever._get_relevant_documents",
                lambda original: (
                    lambda bound, query, **given: original(bound.model_copy(update={"caller": ANYBODY}), query, **given)
                ),
            )
        ],
        [AGAIN],
    ),
    Control(
        "newest-first",
        "F09",
        [("scaffold.retrieval.packing._newest_first", always(lambda passages, _: list(range(len(passages)))))],
        [OLD_AND_NEW, PACKING],
    ),
    Control(
        "contradictions-said",
        "F09",
        [("scaffold.retrieval.packing._notes", always(lambda _: ()))],
        [OLD_AND_NEW, PACKING],
    ),
    Control(
        "context-budget",
        "F05",
        [("scaffold.retrieval.packing._tokens", always(lambda _: 0))],
        [PACKING],
    ),
    Control(
        "response-cache",
        "F05",
        [("scaffold.models.cached.Cached.key", always(lambda *_: None))],
        [f"{MODELS}/test_cached.py"],
    ),
    Control(
        "response-cache-groups",
        "F08",
        [("scaffold.models.cached.rights_of", always(lambda _: []))],
        [f"{DRILLS}/test_f08_cache.py", f"{MODELS}/test_cached_groups.py"],
    ),
    Control(
        "closed-by-default",
        "F08",
        [
            (
                "scaffold.retrieval.rights.effective",
                lambda original: lambda *given: original(*given) or Access(("group:everyone",)),
            )
        ],
        [F08],
    ),
    Control(
        "revocation-first",
        "F08",
        [("scaffold.retrieval.rights.Rights.hold", always(lambda _: []))],
        [f"{SYNC}::test_a_source_that_goes_away_costs_nothing_but_its_own_changes"],
    ),
    Control(
        "revocation-meanwhile",
        "F08",
        [("scaffold.retrieval.sync.Sync._follow_rules", always(lambda _: None))],
        [f"{SYNC}::test_a_right_taken_away_while_a_sync_goes_on_does_not_wait_for_its_end"],
    ),
    Control(
        "revocation",
        "F08",
        [("scaffold.retrieval.stores.edge.EdgeVectorStore.restrict", always(lambda *_: None))],
        [F08],
    ),
    Control(
        "source-contract",
        "F10",
        [("scaffold.retrieval.connectors.records.check", always(unchecked))],
        [f"{F10}::test_a_source_that_breaks_its_contract_stops_nothing"],
    ),
    Control(
        "quarantine",
        "F10",
        [("scaffold.retrieval.sync.set_aside", always(lambda *_: None))],
        [f"{F10}::test_after_a_contract_was_mended_what_was_set_aside_is_indexed"],
    ),
    Control(
        "broken-rights-shut-out",
        "F08",
        [("scaffold.retrieval.connectors.records.Records._access", always(lambda *_: Access(("group:staff",))))],
        [f"{CONNECTORS}/test_quarantine.py::test_a_broken_record_takes_rights_away_and_gives_none"],
    ),
    Control(
        "source-retry",
        "F10",
        [("scaffold.retrieval.connectors.pacing._again", always(lambda _: False))],
        [f"{F10}::test_a_source_that_limits_the_rate_is_waited_for"],
    ),
    Control(
        "source-rate",
        "F10",
        [("scaffold.retrieval.connectors.pacing.Paced._in_turn", always(lambda _, once: once()))],
        [f"{CONNECTORS}/test_http.py::test_a_source_is_asked_no_more_often_than_it_allows"],
    ),
    Control(
        "credentials-to-one-host",
        "F10",
        [("scaffold.retrieval.connectors.web.Web._same_host", always(lambda *_: None))],
        [f"{F10}::test_credentials_stay_with_their_source"],
    ),
    Control(
        "whole-listing",
        "F10",
        [("scaffold.retrieval.connectors.http.JsonApi._pages", quiet)],
        [f"{F10}::test_a_source_that_goes_away_in_the_middle_loses_nothing"],
    ),
    Control(
        "database-read-only",
        "F10",
        [("scaffold.retrieval.connectors.sql._read_only", always(lambda _: None))],
        [f"{CONNECTORS}/test_sql.py::test_nothing_is_written_whatever_the_query_says"],
    ),
    Control(
        "data-rules",
        "F09",
        [("scaffold.retrieval.quality.check.Rules.__call__", always(lambda *_: iter(())))],
        [F09],
    ),
    Control("data-compared", "F09", [("scaffold.retrieval.quality.check.compare", always(lambda *_: []))], [F09]),
    Control(
        "data-no-false-names",
        "F09",
        [("scaffold.retrieval.quality.duplicates.jaccard", always(lambda *_: 1.0))],
        [f"{QUALITY}/test_duplicates.py"],
    ),
    Control("data-limits", "F09", [("scaffold.readiness.data.judge", always(lambda *_: []))], [F09]),
    Control("data-as-indexed", "F09", [("scaffold.readiness.data.digests", always(lambda _: {}))], [F09]),
    Control(
        "data-untouched-record",
        "F09",
        [("scaffold.readiness.data._proven", always(lambda data, _: Report.model_validate_json(data)))],
        [F09],
    ),
    Control(
        "data-report-redaction",
        "F14",
        [("scaffold.retrieval.quality.numbers.redact", always(str))],
        [f"{QUALITY}/test_numbers.py"],
    ),
    Control(
        name="matrix-non-inferiority",
        failure="F31",
        unplug=[("scaffold.evaluation.matrix._doubts", always(lambda *_: iter(())))],
        tests=["tests/scaffold/evaluation/test_matrix.py", f"{DRILLS}/test_f31_another_model.py"],
    ),
    Control(
        name="matrix-taken-over-as-is",
        failure="F31",
        unplug=[("scaffold.evaluation.underway.key_of", always(lambda suite, *_: suite.name))],
        tests=["tests/scaffold/evaluation/test_matrix.py"],
    ),
    Control(
        name="judge-proven",
        failure="F13",
        unplug=[("scaffold.evaluation.runner.proven", always(lambda *_: []))],
        tests=["tests/scaffold/evaluation/test_judge.py"],
    ),
    Control(
        name="judge-bias",
        failure="F13",
        unplug=[("scaffold.evaluation.agreement.pad", always(lambda label: label.answer))],
        tests=["tests/scaffold/evaluation/test_judge.py"],
    ),
    Control(
        name="judge-bias-bound",
        failure="F13",
        unplug=[("scaffold.evaluation.agreement.wilson", always(lambda some, n, _: (some / n, some / n)))],
        tests=["tests/scaffold/evaluation/test_judge.py"],
    ),
    Control(
        name="judge-asked-anew",
        failure="F13",
        unplug=[
            (
                "scaffold.evaluation.judging.Judge.judge",
                lambda original: lambda judge, submitted, again=0, fresh=False: original(judge, submitted, again),
            )
        ],
        tests=["tests/scaffold/evaluation/test_judge.py"],
    ),
    Control(
        name="baseline-untouched",
        failure="F11",
        unplug=[("scaffold.evaluation.baseline.Baseline.proof", always(property(lambda baseline: baseline.sha256)))],
        tests=["tests/scaffold/evaluation/test_baseline.py"],
    ),
    Control(
        name="judge-order",
        failure="F13",
        unplug=[("scaffold.evaluation.agreement.turn", always(lambda label: label.submitted))],
        tests=["tests/scaffold/evaluation/test_judge.py"],
    ),
    Control(
        name="quantile-bound",
        failure="F11",
        unplug=[("scaffold.evaluation.metrics.quantile_bounds", always(lambda values: (max(values), max(values))))],
        tests=["tests/scaffold/evaluation/test_record.py"],
    ),
    Control(
        name="cost-unknown",
        failure="F05",
        unplug=[("scaffold.evaluation.metrics.unknown", always(lambda _: {}))],
        tests=["tests/scaffold/evaluation/test_measure_margins.py", "tests/scaffold/evaluation/test_known_cost.py"],
    ),
    Control(
        name="evaluation-threshold",
        failure="F11",
        unplug=[("scaffold.evaluation.runner.judge_scores", always(lambda *_: []))],
        tests=[f"{DRILLS}/test_f11_worse_answers.py::test_a_worse_prompt_misses_a_threshold_and_the_cases_are_named"],
    ),
    Control(
        "parity",
        "F28",
        [("scaffold.evaluation.runner.with_parity", always(list))],
        [f"{DRILLS}/test_f28_bias.py"],
    ),
    Control(
        "groundedness",
        "F13",
        [("scaffold.evaluation.graders.grounded.supported", always(lambda *_: True))],
        [f"{DRILLS}/test_f13_invention.py::test_an_invention_that_gets_through_turns_the_evaluation_red"],
    ),
    Control(
        "personal-data-in-answers",
        "F14",
        [("scaffold.evaluation.graders.leaks.find", always(lambda _: []))],
        ["tests/scaffold/evaluation/test_grader_safety.py"],
    ),
    Control(
        "failed-grader",
        "F11",
        [("scaffold.evaluation.metrics.failures", always(lambda _: {}))],
        ["tests/scaffold/evaluation/test_custom_graders.py"],
    ),
    Control(
        "hanging-grader",
        "F11",
        [("scaffold.evaluation.graders.custom.wait", lambda original: lambda asked, _: original(asked))],
        ["tests/scaffold/evaluation/test_custom_graders.py::test_a_grader_that_hangs_has_failed_and_the_run_ends"],
    ),
    Control(
        "graders-of-the-project-only",
        "F11",
        [("scaffold.evaluation.graders.custom.PACKAGE", always("os"))],
        ["tests/scaffold/evaluation/test_custom_graders.py"],
    ),
    Control(
        name="slice-thresholds",
        failure="F27",
        unplug=[
            (
                "scaffold.evaluation.runner.judge_scores",
                lambda original: lambda cases, suite: original(cases, suite.model_copy(update={"slices": {}})),
            )
        ],
        tests=[f"{DRILLS}/test_f27_locale.py"],
    ),
    Control(
        name="baseline-margin",
        failure="F11",
        unplug=[
            (
                "scaffold.evaluation.margins._hold",
                always(lambda *_: ("passed", "")),
            )
        ],
        tests=[f"{BASELINE}::test_a_margin_is_decided_by_the_bound", WORSE],
    ),
    Control(
        name="measure-margin",
        failure="F05",
        unplug=[("scaffold.evaluation.baseline.changes", always(lambda old, _, *rest: changes(old, old, *rest)))],
        tests=[DEARER],
    ),
    Control(
        name="measure-bound",
        failure="F05",
        unplug=[
            (
                "scaffold.evaluation.relative.ratio_bounds",
                always(lambda before, after: (sum(after) / max(sum(before), 1e-9) - 1,) * 2),
            )
        ],
        tests=[f"{MEASURED}::test_a_share_of_the_baselines_mean_is_decided_by_the_bound"],
    ),
    Control(
        name="times-that-compare",
        failure="F05",
        unplug=[("scaffold.evaluation.baseline.incomparable", always(lambda *_: ""))],
        tests=[f"{MEASURED}::test_times_are_compared_on_the_same_machine_only_and_never_replayed_ones"],
    ),
    Control(
        name="baseline-of-scores",
        failure="F12",
        unplug=[("scaffold.readiness.checks.MEASURES", always(()))],
        tests=[f"{DRILLS}/test_f12_too_few_cases.py"],
    ),
    Control(
        name="baseline-bound",
        failure="F11",
        unplug=[
            (
                "scaffold.evaluation.margins.paired_bounds",
                lambda _: lambda values: (sum(values) / len(values), sum(values) / len(values)),
            )
        ],
        tests=[f"{BASELINE}::test_a_margin_is_decided_by_the_bound"],
    ),
    Control(
        name="baseline-pairs",
        failure="F11",
        unplug=[("scaffold.evaluation.baseline._same", always(lambda kept, case: kept is not None))],
        tests=[f"{BASELINE}::test_rewritten_new_and_dropped_cases_are_left_out_and_counted"],
    ),
    Control(
        name="baseline-of-these-cases",
        failure="F11",
        unplug=[("scaffold.evaluation.baseline.check", always(lambda *_: None))],
        tests=[f"{BASELINE}::test_a_baseline_of_something_else_is_refused"],
    ),
    Control(
        name="slices-corrected",
        failure="F12",
        unplug=[("scaffold.evaluation.margins.holm", lambda _: lambda values: [value <= 0.05 for value in values])],
        tests=[
            f"{BASELINE}::test_one_slice_of_many_that_had_bad_luck_is_not_named",
            f"{MEASURED}::test_one_slice_of_many_that_was_dear_by_chance_is_not_named",
        ],
    ),
    Control(
        name="slices-compared",
        failure="F12",
        unplug=[("scaffold.evaluation.margins.holm", lambda _: lambda values: [False] * len(values))],
        tests=[
            f"{BASELINE}::test_a_slice_that_lost_beyond_chance_is_named_though_the_whole_holds",
            f"{MEASURED}::test_a_slice_that_became_dearer_beyond_chance_is_named_and_one_that_grew_a_little_is_not",
        ],
    ),
    Control(
        name="one-run-at-a-time",
        failure="F12",
        unplug=[("scaffold.evaluation.journal._alone", always(lambda path, _: path.open("a+b")))],
        tests=["tests/scaffold/evaluation/test_resuming.py::test_one_run_of_the_same_at_a_time"],
    ),
    Control(
        name="minimum-cases-per-slice",
        failure="F12",
        unplug=[("scaffold.readiness.checks.shortcomings", demanding(min_cases_per_slice={}))],
        tests=[f"{DRILLS}/test_f12_too_few_cases.py"],
    ),
    Control(
        name="baseline-required",
        failure="F12",
        unplug=[("scaffold.readiness.checks.shortcomings", demanding(baseline="optional"))],
        tests=[f"{DRILLS}/test_f12_too_few_cases.py"],
    ),
    Control(
        name="empty-slice",
        failure="F12",
        unplug=[("scaffold.evaluation.runner._no_empty_slice", always(lambda *_: None))],
        tests=[f"{BASELINE}::test_a_slice_that_no_case_has_is_named_before_anything_is_asked"],
    ),
    Control(
        name="minimum-cases",
        failure="F12",
        unplug=[("scaffold.readiness.checks.shortcomings", demanding(min_cases=1))],
        tests=[f"{DRILLS}/test_f12_too_few_cases.py"],
    ),
    Control(
        name="owner",
        failure="F18",
        unplug=[("scaffold.readiness.checks.placeholders", lambda _: lambda ownership: [])],
        tests=[f"{DRILLS}/test_f18_no_owner.py"],
    ),
    Control(
        name="stale-card",
        failure="F35",
        unplug=[("scaffold.readiness.card.PARTS", lambda _: ())],
        tests=[CARD],
    ),
    Control(
        name="card-by-hand",
        failure="F35",
        unplug=[("scaffold.readiness.card._untouched", always(lambda _: True))],
        tests=[f"{CARD}::test_a_card_that_is_touched_up_or_gone_turns_the_check_red"],
    ),
    Control(
        name="card-of-a-passed-run",
        failure="F35",
        unplug=[
            (
                "scaffold.readiness.card.newest",
                lambda original: lambda *given: original(*given).model_copy(update={"verdicts": []}),
            )
        ],
        tests=[f"{CARD}::test_a_newer_run_that_failed_leaves_no_card_standing"],
    ),
    Control(
        name="intended-use",
        failure="F35",
        unplug=[("scaffold.readiness.card.unwritten", always(lambda _: []))],
        tests=[f"{CARD}::test_what_nobody_wrote_down_turns_the_check_red"],
    ),
    Control(
        name="report-texts",
        failure="F29",
        unplug=[("scaffold.evaluation.report.cases.escape", always(str))],
        tests=["tests/scaffold/evaluation/test_report.py"],
    ),
    Control(
        name="stale-evidence",
        failure="F23",
        unplug=[("scaffold.readiness.checks.COMPARED", lambda _: ())],
        tests=[f"{DRILLS}/test_f23_stale_evidence.py::test_evidence_from_another_state_turns_the_gate_red"],
    ),
    Control(
        name="untouched-record",
        failure="F23",
        unplug=[
            (
                "scaffold.evaluation.store._proven",
                always(lambda _, data: Run.model_validate_json(data)),
            )
        ],
        tests=[f"{DRILLS}/test_f23_stale_evidence.py::test_evidence_that_is_missing_touched_or_old_turns_the_gate_red"],
    ),
    Control(
        name="gate-fails-closed",
        failure="F23",
        unplug=[
            (
                "scaffold.readiness.gate._run",
                lambda original: lambda *check: original(*check).model_copy(update={"passed": True}),
            )
        ],
        tests=[
            "tests/scaffold/readiness/test_gate.py::test_a_check_that_raises_has_failed_and_the_others_are_still_made"
        ],
    ),
    Control(
        "grounding",
        "F13",
        [("scaffold.guardrails.grounding._supports", always(lambda *_: True))],
        ["tests/scaffold/guardrails/test_grounding.py"],
    ),
    Control(
        "ungrounded-answer-refused",
        "F13",
        [("knowledge_assistant.assistant.support", always(lambda *_: 1.0))],
        ["tests/knowledge_assistant/test_assistant.py"],
    ),
    Control(
        "pseudonyms",
        "F14",
        [("scaffold.models.personal_data.Pseudonyms.hide", always(lambda _, text: text))],
        [F14, DOOR],
    ),
    Control("recognisers", "F14", [("scaffold.guardrails.personal_data.find", always(lambda *_, **__: []))], [F14]),
    Control(
        "log-redaction",
        "F14",
        [("scaffold.observability.logs._Json", lambda original: lambda service, _: original(service, str))],
        [F14],
    ),
    Control(
        "span-redaction",
        "F14",
        [("scaffold.observability.telemetry._Redacting", always(lambda inner, _: inner))],
        [F14],
    ),
    Control(
        "audit-redaction", "F14", [("scaffold.governance.audit.AuditLog._clean", always(lambda _, value: value))], [F14]
    ),
    Control(
        "content-capture-off",
        "F14",
        [("scaffold.observability.telemetry._refuse_content", always(lambda: None))],
        [F14],
    ),
    Control("personal-data-to-model", "F14", [("scaffold.models.personal_data.PersonalData.passage", BARE)], [DOOR]),
    Control(
        "personal-data-restored",
        "F14",
        [("scaffold.models.personal_data.Restoring.piece", always(lambda _, chunk: chunk))],
        [DOOR],
    ),
    Control("personal-data-embedding", "F14", [("scaffold.models.embedded.redact", always(lambda text: text))], [DOOR]),
    Control(
        "unsearchable-content",
        "F14",
        [("scaffold.models.personal_data.OPAQUE", always(frozenset()))],
        [f"{MODELS}/test_personal_data.py"],
    ),
    Control(
        "provider-allow-list", "F14", [("scaffold.models.policed.Policed.passage", BARE)], [f"{MODELS}/test_audited.py"]
    ),
    Control(
        "no-way-round",
        "F14",
        [("scaffold.models.governed.Governed._through_here", always(lambda _, runnable: runnable))],
        [f"{MODELS}/test_governed.py"],
    ),
    Control(
        "audit-chain", "F15", [("scaffold.governance.audit.check", always(lambda *_: Verification(True, 0, "")))], [F15]
    ),
    Control(
        "audit-key", "F15", [("scaffold.governance.audit.AuditLog._key", always(lambda *_, **__: b"k" * 64))], [F15]
    ),
    Control(
        "model-call-audit", "F15", [("scaffold.models.audited.Audited.passage", BARE)], [f"{MODELS}/test_audited.py"]
    ),
    Control(
        "answer-audit",
        "F26",
        [("scaffold.application.Application._record", always(lambda *_, **__: None))],
        [f"{DRILLS}/test_f26_traceable_answer.py"],
    ),
    Control(
        "caller-key",
        "F16",
        [
            (
                "scaffold.serving.api.identify",
                always(lambda door, presented, claimed, client: door.directory().get(claimed or "anna")),
            )
        ],
        [F16],
    ),
    Control(
        "token-signature",
        "F16",
        [
            (
                "scaffold.serving.tokens.Tokens.claims",
                always(lambda _, token: json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))),
            )
        ],
        [TOKENS],
    ),
    Control(
        "groups-known-for-certain",
        "F16",
        [
            (
                "scaffold.governance.groups.Asked._ask",
                lambda original: lambda groups, caller: attempt(lambda: original(groups, caller), frozenset()),
            )
        ],
        [TOKENS, "tests/scaffold/governance/test_groups.py"],
    ),
    Control(
        "token-without-groups",
        "F16",
        [("scaffold.governance.groups._names", lambda original: lambda value: original(value) or frozenset())],
        [TOKENS, "tests/scaffold/governance/test_groups.py"],
    ),
    Control("metrics-key", "F16", [("scaffold.serving.api.holder", always(lambda *_: None))], [F16]),
    Control("loopback-bind", "F16", [("scaffold.serving.server.is_loopback", always(lambda _: True))], [F16]),
    Control(
        "host-and-origin", "F16", [("scaffold.serving.boundary.Boundary._refusal", always(lambda *_: None))], [F16]
    ),
    Control(
        "keys-at-start", "F16", [("scaffold.serving.api.read_keys", always(lambda *_: {}))], [f"{SERVING}/test_api.py"]
    ),
    Control(
        "browser-headers",
        "F16",
        [("scaffold.serving.boundary.SECURITY_HEADERS", always({}))],
        [f"{SERVING}/test_boundary.py"],
    ),
    Control(
        "allowed-regions",
        "F17",
        [("scaffold.governance.policy.Policy.check_model", anywhere)],
        ["tests/scaffold/governance/test_policy.py"],
    ),
    Control(
        "areas-of-profiles",
        "F17",
        [("scaffold.models.settings.area", always(lambda *_: None))],
        [f"{MODELS}/test_clouds.py"],
    ),
    Control(
        "policy-at-load",
        "F17",
        [("scaffold.models.settings._forbidden", always(lambda *_: None))],
        [f"{MODELS}/test_policed.py"],
    ),
    Control(
        "allowed-providers",
        "F17",
        [("scaffold.governance.policy.Policy.check_model", always(lambda *_: None))],
        ["tests/scaffold/governance/test_policy.py"],
    ),
    Control(
        "owner-words",
        "F18",
        [("scaffold.governance.ownership._problem", always(lambda *_: None))],
        ["tests/scaffold/governance/test_ownership.py"],
    ),
    Control("model-metrics", "F19", [("scaffold.models.metered.Metered.passage", BARE)], [f"{MODELS}/test_audited.py"]),
    Control(
        "document-size",
        "F09",
        [("scaffold.retrieval.documents._check_size", always(lambda *_: None))],
        [f"{RETRIEVAL}/test_bad_input.py"],
    ),
    Control(
        "unpacked-size",
        "F09",
        [("scaffold.retrieval.formats.docx._check_expansion", always(lambda *_: None))],
        [f"{RETRIEVAL}/test_bad_input.py"],
    ),
    Control(
        "risky-documents-apart",
        "F09",
        [("scaffold.retrieval.processing.harmless", always(lambda _: True))],
        [f"{RETRIEVAL}/test_processing.py"],
    ),
    Control(
        "document-time",
        "F09",
        [("scaffold.retrieval.processing._workers", limited(seconds=3600))],
        [f"{RETRIEVAL}/test_processing.py"],
    ),
    Control(
        "document-memory",
        "F09",
        [("scaffold.retrieval.processing._workers", limited(memory_megabytes=100_000))],
        [f"{RETRIEVAL}/test_processing.py"],
    ),
    Control(
        "worker-death",
        "F09",
        [("scaffold.retrieval.workers.Workers._bury", all_lost)],
        [f"{RETRIEVAL}/test_processing.py"],
    ),
    Control(
        "document-paths",
        "F09",
        [("scaffold.retrieval.documents._check_place", always(lambda *_: None))],
        [f"{RETRIEVAL}/test_bad_input.py"],
    ),
    Control(
        "unreviewed-cases",
        "F12",
        [("scaffold.evaluation.runner.reviewed", always(lambda cases: list(cases)))],
        ["tests/scaffold/evaluation/test_review.py"],
    ),
    Control(
        "leakage",
        "F11",
        [("scaffold.evaluation.runner.unfair", always(lambda *_: []))],
        ["tests/scaffold/evaluation/test_case_check.py", f"{DRILLS}/test_f11_leaked_cases.py"],
    ),
    Control(
        "leakage-at-the-gate",
        "F11",
        [("scaffold.readiness.checks.unfair", always(lambda *_: []))],
        [f"{DRILLS}/test_f11_leaked_cases.py"],
    ),
    Control(
        "feedback-ownership",
        "F11",
        [("scaffold.evaluation.cases.feedback.check_given_to", always(lambda *_: None))],
        ["tests/scaffold/evaluation/test_feedback.py"],
    ),
    Control(
        "held-answers",
        "F11",
        [("scaffold.evaluation.cases.held.check_withheld", always(lambda *_: None))],
        ["tests/scaffold/evaluation/test_held.py"],
    ),
    Control(
        "review-page-door",
        "F16",
        [("scaffold.serving.review.check_reader", always(lambda *_: None))],
        [f"{SERVING}/test_review.py"],
    ),
    Control(
        "fence",
        "F29",
        [("scaffold.guardrails.fencing._harmless", always(str))],
        ["tests/scaffold/guardrails/test_fencing.py"],
    ),
)


def unplug(name: str, controls: Sequence[Control] = CONTROLS) -> None:
    """Replace what makes up the control of that name, in this process, for good.

    Raises ``pytest.UsageError`` for an unknown control, and where the registry names what is no longer there.
    """
    named = {control.name: control for control in controls}
    if name not in named:
        raise pytest.UsageError(f"There is no control {name!r}; known: {', '.join(named)}.")
    for target, replace in named[name].unplug:
        owner, _, attribute = f"{package.__name__}.{target}".rpartition(".")
        try:
            holder = pkgutil.resolve_name(owner)
            original = getattr(holder, attribute)
        except (ImportError, AttributeError) as error:
            raise pytest.UsageError(
                f"Control {name!r}: there is no {target} ({error}); mend tests/scaffold/controls.py."
            ) from None
        setattr(holder, attribute, replace(original))
