"""Every control, how to unplug it, and the tests that must then go red. ``make detach`` tries each."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

import {{ cookiecutter.package_name }} as package

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

CONTROLS = (
    Control(
        name="evaluation-threshold",
        failure="F11",
        unplug=[("scaffold.evaluation.runner.judge", lambda _: lambda metrics, thresholds: [])],
        tests=[f"{DRILLS}/test_f11_worse_answers.py::test_a_worse_prompt_misses_a_threshold_and_the_cases_are_named"],
    ),
    Control(
        name="minimum-cases",
        failure="F12",
        unplug=[
            (
                "scaffold.readiness.checks.shortcomings",
                lambda original: (
                    lambda run, required, *rest: original(run, required.model_copy(update={"min_cases": 1}), *rest)
                ),
            )
        ],
        tests=[f"{DRILLS}/test_f12_too_few_cases.py"],
    ),
    Control(
        name="owner",
        failure="F18",
        unplug=[("scaffold.readiness.checks.placeholders", lambda _: lambda ownership: [])],
        tests=[f"{DRILLS}/test_f18_no_owner.py"],
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
                "scaffold.evaluation.record._proven",
                lambda _: (
                    lambda row, data: pkgutil.resolve_name(
                        f"{package.__name__}.scaffold.evaluation:Run"
                    ).model_validate_json(data)
                ),
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
