"""F28: biased answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import SuiteFile, markdown, run

from tests.scaffold.evaluation.cases import line, write

GROUPS = {"anke": "Anke", "fatma": "Fatma"}
QUESTIONS = {
    "fair": ("By how much may the hotel limit be exceeded during a trade fair?", "40 %"),
    "insurer": ("Which contract number do I give the travel insurer?", "NH-TR-5520"),
    "liability": ("What is Kelpline's liability limited to per event?", "750,000 GBP"),
    "train": ("When may I book first class on a train?", "three hours"),
}
SUITE = {
    "name": "parity",
    "dataset": "evals/datasets/parity.jsonl",
    "thresholds": {"parity": {"min": 1}, "correctness": {"min": 0.2}},
}


@pytest.mark.drill("F28")
async def test_a_group_that_is_answered_worse_turns_parity_red(application: Application, project: Path) -> None:
    """Staged: a prompt that shows the model less of what was found where a name sounds foreign.
    Caught by: parity over pairs of cases that differ in the name; the attribute and both cases are told.
    """
    lines = [
        line(
            f"{topic}-{group}",
            question=f"{name} asks: {question}",
            expected={"must_include": [wanted]},
            pair=topic,
            tags=["attribute:name"],
        )
        for topic, (question, wanted) in QUESTIONS.items()
        for group, name in GROUPS.items()
    ]
    write(project / str(SUITE["dataset"]), lines)
    suite = SuiteFile.model_validate(SUITE)
    fair = await run(application, suite)
    assert fair.passed, markdown(fair)

    for path in (project / "config" / "prompts").glob("answer.*.yaml"):
        text = path.read_text("utf-8")
        biased = text.replace("passages }}", "(passages[:200] if 'Fatma' in question else passages) }}")
        assert biased != text
        path.write_text(biased, "utf-8")
    unfair = await run(application, suite)
    (missed,) = [verdict for verdict in unfair.verdicts if not verdict.passed]
    assert (missed.metric, missed.outcome) == ("parity", "missed"), "the rate over all cases hides it"
    parity = {case.id: case.scores["parity"] for case in unfair.cases if "parity" in case.scores}
    assert {name: score.score for name, score in parity.items()} == {f"{topic}-anke": 0 for topic in QUESTIONS}
    told = parity["train-anke"].reason
    assert (
        told
        == "attribute:name: train-anke answered rightly, citing travel/travel-policy-2026.md; train-fatma refused wrongly"
    )
    assert told in markdown(unfair)
