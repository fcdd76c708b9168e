"""A run as JUnit XML, which GitHub's and GitLab's reports, Jenkins and Azure read.

A failure here is a demand that is not met, or a case that such a demand counts: red here means red there. A case that
fails within what is demanded passes, with what was wrong in its output.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean
from xml.etree import ElementTree as ET

from ...page import clean
from ..record import CaseResult, Run, Verdict
from .findings import beyond_chance, changed
from .harm import failing_cases, told
from .words import got, title, unmet, where


def junit(run: Run) -> str:
    """One test suite for each metric that something is demanded of, one test of it for each slice; one for the cases.

    The schema is that of Jenkins' xUnit plug-in, which the readers above agree on.
    """
    counted: dict[str, list[tuple[Verdict, CaseResult]]] = {}
    for verdict in unmet(run):
        for case in failing_cases(run, verdict):
            counted.setdefault(case.id, []).append((verdict, case))
    metrics = list(dict.fromkeys(verdict.metric for verdict in run.verdicts))
    suites = [
        _suite(run, title(name), [_demand(run, each) for each in run.verdicts if each.metric == name])
        for name in metrics
    ]
    by_id: dict[str, list[CaseResult]] = {}
    for result in run.cases:
        by_id.setdefault(result.id, []).append(result)
    suites.append(_suite(run, "Cases", [_case(run, cases, counted.get(each, [])) for each, cases in by_id.items()]))
    root = ET.Element(
        "testsuites", {"name": f"evaluation {run.suite}", "time": f"{run.seconds:.3f}", **_counts(suites)}
    )
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(run: Run, name: str, tests: list[ET.Element]) -> ET.Element:
    known = {
        "name": clean(name),
        "tests": str(len(tests)),
        "failures": str(sum(test.find("failure") is not None for test in tests)),
        "errors": str(sum(test.find("error") is not None for test in tests)),
        "time": f"{sum(float(test.get('time', '0')) for test in tests):.3f}",
        "timestamp": run.started_at.strftime("%Y-%m-%dT%H:%M:%S"),
    }
    suite = ET.Element("testsuite", known)
    suite.extend(tests)
    return suite


def _counts(suites: list[ET.Element]) -> dict[str, str]:
    return {kind: str(sum(int(suite.get(kind, "0")) for suite in suites)) for kind in ("tests", "failures", "errors")}


def _demand(run: Run, verdict: Verdict) -> ET.Element:
    name = f"{title(verdict.metric)}: {where(verdict.slice) if verdict.slice else 'all cases'}"
    name += ", beyond chance" if beyond_chance(run, verdict) else ", against the baseline" if verdict.baseline else ""
    test = _test(run, verdict.metric, name, 0)
    if verdict.passed:
        _add(test, "system-out", verdict.reason)
    else:
        said = "\n".join(filter(None, [verdict.reason, changed(run)]))
        _add(test, "failure", said, message=verdict.reason, type=verdict.outcome)
    return test


def _case(run: Run, cases: list[CaseResult], counted: list[tuple[Verdict, CaseResult]]) -> ET.Element:
    seconds = fmean(case.measures.get("latency", 0) for case in cases)
    test = _test(run, "cases", f"{cases[0].id}: {cases[0].question}", seconds)
    if counted:
        _, case = counted[0]
        found = told(run, case) or [(each.metric, one.scores[each.metric].reason) for each, one in counted]
        reasons = dict.fromkeys(f"{title(name)}: {reason}" for name, reason in found)
        message = case.error or "; ".join(reasons)
        _add(test, "error" if case.error else "failure", _lines(case, reasons), message=message, type="case")
    elif failed := [case for case in cases if not case.passed]:
        reasons = dict.fromkeys(f"{title(name)}: {reason}" for name, reason in told(run, failed[0]))
        _add(test, "system-out", f"fails within what is demanded\n{_lines(failed[0], reasons)}")
    return test


def _lines(case: CaseResult, reasons: Iterable[str]) -> str:
    return "\n".join([f"asked by: {case.caller}", f"expected: {case.expected}", f"got: {got(case)}", *reasons])


def _test(run: Run, group: str, name: str, seconds: float) -> ET.Element:
    return ET.Element(
        "testcase", classname=clean(f"evaluation.{run.suite}.{group}"), name=clean(name), time=f"{seconds:.3f}"
    )


def _add(test: ET.Element, kind: str, text: str, **attributes: str) -> None:
    found = ET.SubElement(test, kind, {name: clean(value) for name, value in attributes.items()})
    found.text = clean(text)
