"""What the system card says, section by section, as Markdown."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

from ..evaluation.graders import MEASURES, RATES
from ..evaluation.record import CaseResult, Metric, Run
from ..evaluation.report.markdown import cell, literal, table
from ..evaluation.report.slices import Slice, sliced
from ..evaluation.report.words import TITLES, amount, demanded, difference, faults, got, title, where
from ..governance.intended_use import IntendedUseFile
from ..governance.ownership import Contact, OwnershipFile
from ..retrieval.quality import KINDS, Report
from ..usecase import UseCase, name_of

EXAMPLES = 3
"""Cases shown of each kind of failure."""

FEW = 10
"""Below so many cases a slice is named as one that little is known of."""

CELL = 200


@dataclass(frozen=True)
class Facts:
    """What the card is written from."""

    run: Run
    intended: IntendedUseFile
    unwritten: list[str]
    owner: OwnershipFile
    usecase: UseCase
    models: Mapping[str, str]
    data: Report | None
    no_data: str
    personal_data: str


def text(facts: Facts) -> str:
    """The card without its digests."""
    sections = {
        f"# System card: {literal(name_of(facts.usecase))}": _start(facts),
        "## Details": _details(facts),
        "## Intended use": _intended(facts),
        "## Factors": _factors(facts.run),
        "## Metrics": _metrics(facts.run),
        "## Evaluation data": _cases(facts.run),
        "## Documents that it answers from": _documents(facts),
        "## Quantitative analyses": _results(facts.run),
        "## Ethical considerations": _ethics(facts),
        "## Limits and known failures": _limits(facts.run),
        "## Measured on": "\n".join(f"- {part} `{digest}`" for part, digest in facts.run.digests.items()),
    }
    return "\n".join(f"{heading}\n\n{body}\n" for heading, body in sections.items())


def _start(facts: Facts) -> str:
    run = facts.run
    passed = sum(case.passed for case in run.cases)
    compared = "" if run.against else ", but was compared with no baseline"
    return (
        f"{literal(facts.intended.purpose)}\n\n"
        f"On {run.started_at:%Y-%m-%d} it answered {passed} of {len(run.cases)} test questions rightly in every "
        f"respect ({amount('', passed / len(run.cases))}), and met every demand that was made of it{compared}. What it "
        "cannot do is under [limits](#limits-and-known-failures).\n\n"
        "Written by `make card` from records; changes by hand turn `make card-check` red."
    )


def _details(facts: Facts) -> str:
    about = (inspect.getdoc(type(facts.usecase)) or "").partition("\n\n")[0]
    owner = facts.owner

    def contact(label: str, found: Contact | None) -> list[str]:
        return [f"{label}: {literal(found.name)}, {literal(found.email)}"] if found else []

    return _list(
        f"What it is: {literal(about) or 'not described'}",
        *contact("Owner", owner.service_owner),
        *contact("Decides when the owner does not answer", owner.escalation),
        *contact("Owner of the purpose", owner.business_owner),
        *([f"Source: {literal(owner.repository)}"] if owner.repository else []),
        f"Models: {', '.join(f'{literal(label)} ({role})' for role, label in facts.models.items())}",
        f"Prompts: {', '.join(sorted({literal(case.prompt) for case in facts.run.cases if case.prompt})) or 'none'}",
        f"Evaluation: {facts.run.id}" + ", of recorded answers" * (facts.run.calls == "replayed"),
    )


def _intended(facts: Facts) -> str:
    intended = facts.intended
    flags = [f"**Still to be written** in governance/intended_use.yaml: {', '.join(facts.unwritten)}.\n"]
    parts = {"Users": intended.users, "Uses": intended.uses, "Out of scope": intended.out_of_scope}
    listed = [f"**{heading}**\n\n{_list(*(literal(each) for each in values))}\n" for heading, values in parts.items()]
    return "\n".join([*(flags if facts.unwritten else []), *listed, f"**Oversight:** {literal(intended.oversight)}"])


def _factors(run: Run) -> str:
    slices = {label: sum(label in case.labels for case in run.cases if case.attempt == 1) for label in run.slices}
    kinds: dict[str, list[str]] = {}
    for label, n in slices.items():
        kind, _, name = label.partition(":")
        kinds.setdefault(kind if name else "", []).append(f"{cell(name or label)} ({n})")
    titles = {"": "Topics and kinds of questions", "caller": "Who asks", "locale": "Language"}
    lines = [
        f"{titles.get(kind) or cell(kind).capitalize()}: {', '.join(kinds[kind])}"
        for kind in sorted(kinds, key=lambda kind: (kind not in titles, kind))
    ]
    return f"Results are measured apart, with the number of cases, for:\n\n{_list(*lines)}"


def _metrics(run: Run) -> str:
    return _list(
        *(
            f"**{title(name)}** (`{name}`): {TITLES[name][1] if name in TITLES else 'a grader of this project.'}"
            for name in run.metrics
        )
    )


def _cases(run: Run) -> str:
    times = f", each asked {run.repeat} times" if run.repeat > 1 else ""
    waiting = f"{len(run.unreviewed)} more wait for review and did not count"
    return f"{run.asked} cases of `{run.dataset}` that a person reviewed{times}; {waiting}."


def _documents(facts: Facts) -> str:
    if facts.data is None:
        return f"**Not known:** {facts.no_data}"
    lines = []
    for source in facts.data.sources:
        kinds = ", ".join(f"{KINDS[kind].title.lower()}: {count}" for kind, count in source.kinds.items()) or "none"
        age = ""
        if source.freshness:
            oldest = source.freshness.oldest_hours
            known = "nobody knows how far behind" if oldest is None else f"{oldest:.1f} h behind"
            age = f"; {known}, at most {source.freshness.objective_hours:g} h wanted"
        lines.append(
            f"{literal(source.origin)}: {source.documents} documents, {source.score:g} of 100; defects: {kinds}{age}"
        )
    checked = f"Checked on {facts.data.checked_at:%Y-%m-%d}; 100 of 100 is a source without a defect."
    return f"{_list(*lines)}\n\n{checked}"


def _results(run: Run) -> str:
    scores = [(name, metric) for name, metric in run.metrics.items() if name not in MEASURES]
    compared = ["than the baseline, in points"] if run.against else []
    rows = [
        (
            title(name),
            amount(name, metric.mean),
            f"{amount(name, metric.low)} to {amount(name, metric.high)}",
            str(metric.n),
            demanded(run.thresholds[name], name, run.against is not None) if name in run.thresholds else "–",
            *([difference(run, name)] if compared else []),
        )
        for name, metric in scores
    ]
    heads = ("what", "measured", "95 % interval", "cases", "demanded", *compared)
    worst = [_row(each) for each in sliced(run)]
    return "\n\n".join(
        [
            table(heads, rows),
            "### By slice, worst first",
            table(("slice", "cases that pass", "95 % interval", "cases"), worst),
            "### Refusals",
            _refusals(run),
            "### Time and cost",
            measures(run),
        ]
    )


def _row(each: Slice) -> tuple[str, str, str, str]:
    low, high = (amount("", value) for value in (each.low, each.high))
    return where(each.label), amount("", each.mean), f"{low} to {high}", str(each.n)


def _refusals(run: Run) -> str:
    lines = []
    if refusal := run.metrics.get("refusal"):
        lines.append(f"Of {refusal.n} questions that it must not or cannot answer it refused {_count(refusal)}.")
    if answered := run.metrics.get("answered"):
        lines.append(f"Of {answered.n} questions that it could answer it refused {_count(answered, of_rest=True)}.")
    return _list(*lines) if lines else "Not measured: no case asks for it."


def _count(metric: Metric, of_rest: bool = False) -> str:
    share = 1 - metric.mean if of_rest else metric.mean
    return f"{round(share * metric.n)} ({amount('', share)})"


def measures(run: Run) -> str:
    """What time and cost came to."""
    lines = [
        f"{title(name)}: {amount(name, metric.mean)} on average, half within {amount(name, metric.p50)}, 19 of 20 "
        f"within {amount(name, metric.p95)}"
        for name in MEASURES
        if (metric := run.metrics.get(name)) and metric.p50 is not None and metric.p95 is not None
    ]
    costs = [case.measures["cost"] for case in run.cases if "cost" in case.measures]
    passed = sum(case.passed for case in run.cases)
    if len(costs) < len(run.cases):
        lines.append("Cost: unknown, since a model has no price")
    elif passed:
        lines.append(f"Cost of an answer that passes, those that fail included: {amount('cost', sum(costs) / passed)}")
    return _list(*lines) if lines else "Not measured."


def _ethics(facts: Facts) -> str:
    run = facts.run
    lines = [
        f"Personal data on its way to a model: {facts.personal_data}, as far as recognisers find it; names and postal "
        "addresses they do not find."
    ]
    if access := run.metrics.get("access"):
        lines.append(f"Nothing reached a caller who may not see it in {_count(access)} of {access.n} cases.")
    pairs = {case.pair for case in run.cases if case.pair}
    if pairs:
        lines.append(f"{len(pairs)} groups of cases differ only in what must not matter, such as a name or an origin.")
    else:
        lines.append("**Not measured:** whether answers differ by a name or an origin; no case has a counterpart.")
    lines.append(f"A person stays responsible: {literal(facts.intended.oversight)}")
    return _list(*lines)


def _limits(run: Run) -> str:
    found = sliced(run)
    lines = [
        f"Weak where the question is **{cell(where(each.label))}**: {amount('', each.mean)} of {each.n} cases pass."
        for each in found
        if each.stands == "bad"
    ]
    if few := [cell(where(each.label)) for each in found if each.n < FEW]:
        lines.append(f"Little is known, with fewer than {FEW} cases each, of: {', '.join(few)}.")
    languages = sorted({case.locale for case in run.cases})
    lines.append(f"Measured in {', '.join(map(literal, languages))} only; other languages are unknown.")
    kinds: dict[str, dict[str, CaseResult]] = {}
    for case in run.cases:
        for name, _ in faults(case):
            kinds.setdefault(name, {}).setdefault(case.id, case)
    parts = [_list(*lines)]
    for name in sorted(kinds, key=lambda name: (-len(kinds[name]), list(RATES).index(name))):
        cases = list(kinds[name].values())
        total = run.metrics[name].n
        parts.append(f"### Not “{title(name)}”: {len(cases)} of {total} cases")
        shown = [tuple(cell(each, CELL) for each in (case.question, case.expected, got(case))) for case in cases]
        parts.append(_examples(shown[:EXAMPLES]))
    return "\n\n".join(parts)


def _examples(shown: list[tuple[str, ...]]) -> str:
    return _list(*(f"{question} → expected: {expected} → got: {found}" for question, expected, found in shown))


def _list(*lines: str) -> str:
    return "\n".join(f"- {line}" for line in lines)
