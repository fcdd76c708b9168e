"""F31: a use case fails today and is never tried again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.scaffold.candidates import CASES, SUITE, as_ever, knowing, staged


@pytest.mark.drill("F31")
def test_a_new_model_is_tried_on_what_failed_and_ranked(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Staged: a use case that no model could do is in the backlog; a vendor brings out a model that can.
    Caught by: the matrix, which asks all of them the same, ranks them and says who may take whose place.
    """
    hard = {**SUITE, "name": "hard", "thresholds": {"correctness": {"min": 0.5}}}
    (project / "evals" / "suites" / "hard.yaml").write_text(yaml.safe_dump(hard), "utf-8")
    backlog = [{"suite": "hard", "why": "nobody knew the town", "since": "2026-05-01"}]
    with staged(project, monkeypatch) as tried:
        rows = tried(as_ever, backlog=backlog)
        assert not rows["gateway"].fit
        assert rows["gateway"].backlog["hard"]
        rows = tried(knowing, {"model": "loopback-2"}, backlog=backlog)
    assert next(iter(rows)) == "gateway"
    assert (rows["gateway"].verdict, rows["gateway"].backlog["hard"]) == ("may take its place", "")
    assert len(rows["gateway"].solves) == CASES
