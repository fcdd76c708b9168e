"""Reports: metric, bound and failing cases, whatever signs a question holds; the same verdict in every format."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ModelUnavailable
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, markdown, render, run
from {{ cookiecutter.package_name }}.scaffold.evaluation.baseline import Kept
from {{ cookiecutter.package_name }}.scaffold.evaluation.record import (
    Paired,
    Shown,
    Verdict,
)
from {{ cookiecutter.package_name }}.scaffold.evaluation.report import headline, junit, page, text
from {{ cookiecutter.package_name }}.scaffold.evaluation.report.charts import histogram
from {{ cookiecutter.package_name }}.scaffold.evaluation.report.markdown import LIMIT, cell
from {{ cookiecutter.package_name }}.scaffold.evaluation.report.words import amount
from {{ cookiecutter.package_name }}.scaffold.page import clean

from tests.scaffold.evaluation.cases import UNREVIEWED, Scripted, answer, line, result, suite
from tests.scaffold.evaluation.runs import against, made

NASTY = "[red]what[/red] | is <b>this</b>? `x` [link](http://localhost)"
HOSTILE = (
    "</p></main><script>alert(1)</script><img src=//evil.test onerror=alert(1)>\x00\x1b[2J\ud800\u202e & \"' ]]> "
    "| **b** @everyone #1 www.evil.test https://evil.test"
)


@pytest.fixture
async def failed(application: Application, project: Path) -> Run:
    usecase = Scripted({NASTY: answer("90 EUR [1]\nor so"), "question down": ModelUnavailable("The model is down.")})
    lines = [line("nasty", question=NASTY), line("down"), line("good"), line("draft", review=UNREVIEWED)]
    thresholds = {"correctness": {"min": 0.5}, "refusal": {"min": 0.5}}
    return await run(dataclasses.replace(application, usecase=usecase), suite(project, lines, thresholds=thresholds))


def worsened(**changes: Any) -> Run:
    """A run in which ``hotel`` was right in the baseline and is wrong now."""
    wrong = result("hotel", correctness=0, question="Hotel?", answer="It is 99 EUR.", tags=["travel"], **changes)
    paired = Paired(n=20, before=1, after=0.95, low=-0.1, high=0, worse=["hotel"], better=[], p=0.5)
    return made(wrong, *(result(f"c{n}") for n in range(19)), against=against(correctness=paired))


def kept(id: str, answer: str, passage: str) -> Kept:  # noqa: A002 - the field's name
    cited = [Shown(source=passage, title=passage, passage=passage)]
    return Kept(id=id, sha256="0" * 64, answer=answer, refused=False, citations=cited, scores={}, measures={})


BEFORE = {"hotel": kept("hotel", "It is 150 EUR.", "Up to 150 EUR.")}


def terminal(made: Run) -> str:
    console = Console(soft_wrap=True, color_system=None)
    with console.capture() as capture:
        console.print(render(made))
    return capture.get()


def test_the_terminal_shows_metric_bound_and_failing_cases(failed: Run) -> None:
    shown = terminal(failed)
    for expected in (
        "✗  correctness          0.333 ",
        "0.061–0.792",
        "Not good enough: 1 of 2 demands is missed, 1 more is not sure.",
        "• Right answers (correctness): 33.3 % of 3 cases, 1 of which ended in an error; demanded: at least 50 %.",
        "• Too few cases to be sure of: Admits what it does not know (refusal).",
        NASTY,
        "expected  150 EUR",
        "got       90 EUR [1]",
        "because   wrong: missing: 150 EUR",
        "got       error: The model is down.",
        "1 of 3 cases passed; 1 ended in an error; 1 wait for review and were not asked (",
    ):
        assert expected in shown.replace("\N{NO-BREAK SPACE}", " "), expected
    assert "question good" not in shown


def test_the_terminal_obeys_no_sign_of_an_answer() -> None:
    shown = text(made(result("x", correctness=0, question=HOSTILE, answer=HOSTILE)))
    assert "evil.test" in shown
    assert not {"\x00", "\x1b", "\u202e", "\ud800"} & set(shown)


def test_the_summary_tells_of_repeats_what_was_taken_over_and_what_got_worse() -> None:
    twice = [result("a", attempt=1), result("a", attempt=2)]
    shown = text(made(*twice).model_copy(update={"repeat": 2, "resumed": 1}))
    assert (
        "2 of 2 answers passed; each of 1 cases was asked 2 times; 1 were taken over from a run that was cut" in shown
    )
    compared = text(worsened())
    assert "1 worse and 0 better than in before-1" in compared
    assert re.search(r"correctness +0\.950 .*−5\.0", compared)


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (40, "Good enough: the one demand is met."),
        (4, "Not good enough: 1 of 1 demand is missed."),
        (21, "Not sure yet: for 1 of 1 demand the evidence is not enough, which is no pass."),
    ],
)
def test_one_sentence_says_whether_it_is_good_enough_in_every_report(right: int, said: str) -> None:
    tried = made(*(result(f"c{n}", correctness=float(n < right)) for n in range(40)))
    assert headline(tried) == said
    assert said in page(tried)
    assert said in markdown(tried)
    assert tried.passed == ("Good" in said)


def test_the_markdown_keeps_its_table_and_runs_nothing(failed: Run) -> None:
    shown = markdown(failed)
    assert "### Evaluation `small`: failed" in shown
    (row,) = [each for each in shown.splitlines() if each.startswith("| nasty |")]
    assert row.replace("\\|", "").count("|") == 7
    assert "\\[link\\](http" in row
    assert "\\<b\\>" in row
    assert f"- dataset: `{failed.digests['dataset']}`" in shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a | b", "a \\| b"),
        ("<img src=x>", "\\<img src=x\\>"),
        ("![x](y) `z` **b** ~~s~~ $m$", "!\\[x\\](y) \\`z\\` \\*\\*b\\*\\* \\~\\~s\\~\\~ \\$m\\$"),
        ("two\nlines\tand\x07", "two lines and\ufffd"),
        ("@team #12", "@\u200bteam #\u200b12"),
        ("https://evil.test www.evil.test", "https:\u200b//evil.test www.\u200bevil.test"),
        ("write to eva@firma.de", "write to \\[EMAIL\\]"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_a_text_in_markdown_stays_a_text(given: str, shown: str) -> None:
    assert cell(given, 300) == shown


def test_the_markdown_names_what_got_worse_with_both_answers() -> None:
    shown = markdown(worsened(), BEFORE)
    assert "**1 case got worse than in the baseline `before-1`**" in shown
    assert "| hotel | Hotel? | 150 EUR | It is 150 EUR. | It is 99 EUR. |" in shown


def test_a_comment_is_never_too_long_and_says_where_the_rest_is() -> None:
    cases = [result(f"case-{n}", correctness=0, question="ü" * 2000, tags=[f"t{n}"]) for n in range(300)]
    wanted = {f"t{n}": {"correctness": {"min": 0.5}} for n in range(300)}
    shown = markdown(made(*cases, slices=wanted))
    assert 30_000 < len(shown.encode()) <= LIMIT
    assert "did not fit" in shown
    assert "Measured on" in shown


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile() -> Run:
    bad: dict[str, Any] = {
        "question": HOSTILE,
        "answer": HOSTILE,
        "fields": {HOSTILE: [HOSTILE]},
        "expected": HOSTILE,
        "tags": [HOSTILE],
        "caller": HOSTILE,
        "model": HOSTILE,
        "prompt": HOSTILE,
        "trace_id": HOSTILE,
        "citations": [{"source": HOSTILE, "title": HOSTILE, "passage": HOSTILE}],
        "scores": {"correctness": {"score": 0, "reason": HOSTILE}, HOSTILE: {"score": 0, "reason": HOSTILE}},
    }
    verdict = Verdict(metric=HOSTILE, slice=HOSTILE, outcome="missed", reason=HOSTILE)
    held = against(correctness=Paired(n=1, before=1, after=0, low=-1, high=0, worse=["x"], better=[], p=1))
    return made(result("x", **bad), result("y", error=HOSTILE, **bad), against=held, verdicts=(verdict,)).model_copy(
        update={"digests": {"models": HOSTILE}, "suite": "small", "id": "x"}
    )


def test_whatever_a_text_holds_the_page_runs_and_loads_nothing() -> None:
    said = {"x": kept("x", HOSTILE, HOSTILE)}
    html = page(hostile(), said)
    shown = Page(html)
    assert "evil.test" in shown.text
    assert not {"script", "img", "link", "iframe", "a", "base", "form", "object"} & set(shown.tags)
    assert not [name for _, name, _ in shown.attributes if name.startswith("on") or name in ("src", "href", "style")]
    (policy,) = [value for _, name, value in shown.attributes if name == "content" and "default-src" in value]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'", policy
    )
    assert not {"\x00", "\x1b", "\u202e", "\ud800"} & set(html)
    html.encode()


async def test_what_was_extracted_stands_beside_what_was_expected(application: Application, project: Path) -> None:
    extracted = answer("").model_copy(update={"fields": {"label": "urgent", "amount": 12.5, "paid": False}})
    usecase = Scripted({"question invoice": extracted})
    wanted = {"label": "normal", "fields": {"amount": 12, "paid": True}}
    found = await run(
        dataclasses.replace(application, usecase=usecase), suite(project, [line("invoice", expected=wanted)])
    )
    shown = Page(page(found, {"invoice": kept("invoice", "Paid.", "p").model_copy(update={"fields": {"paid": True}})}))
    for side in (
        "label: normal;\namount: 12;\npaid: true",
        "label: urgent;\namount: 12.5;\npaid: false",
        "Paid.\npaid: true",
    ):
        assert side in shown.text
    assert "| label: normal; amount: 12; paid: true | label: urgent; amount: 12.5; paid: false |" in markdown(found)


def test_the_page_tells_a_stranger_what_is_wrong_and_shows_both_answers() -> None:
    shown = Page(page(worsened(), BEFORE))
    for expected in (
        "Good enough",
        "95\N{NO-BREAK SPACE}%",
        "1 worse, 0 better",
        "worse than before",
        "It is 99 EUR.",
        "It is 150 EUR.",
        "Up to 150 EUR.",
        "Right answers",
        "before-1",
        "(−5.0)",
    ):
        assert expected in shown.text, expected
    drawn = [value for tag, name, value in shown.attributes if tag == "svg" and name == "aria-label"]
    labels = "; ".join(drawn).replace("\N{NO-BREAK SPACE}", " ")
    assert "95 %, between 76.4 % and 99.1 %; at least 50 % is demanded; the baseline had 100 %" in labels


def test_slices_are_listed_worst_first_with_what_is_demanded_of_them() -> None:
    cases = [result(f"a{n}", tags=["easy"]) for n in range(30)]
    cases += [result(f"b{n}", correctness=0, tags=["hard"]) for n in range(10)]
    tried = made(*cases, slices={"hard": {"correctness": {"min": 0.5}}})
    shown = Page(page(tried)).text
    weak = shown[shown.index("Where it is weak") :]
    assert weak.index("hard") < weak.index("easy")
    assert "correctness of hard is 0.000 over 10 cases" in weak
    assert "hard (0\N{NO-BREAK SPACE}%)" in shown[: shown.index("How good it is")]


def elements(made: Run) -> ET.Element:
    return ET.fromstring(junit(made))  # noqa: S314 - we wrote it


@pytest.mark.parametrize(
    "tried",
    [
        lambda: made(result()),
        lambda: made(result(), result("wrong", correctness=0, error="The model is down.")),
        lambda: made(*(result(f"c{n}", correctness=float(n > 1)) for n in range(40))),
        lambda: made(result(), slices={"nowhere": {"correctness": {"min": 0.5}}}),
        hostile,
        worsened,
    ],
)
def test_the_build_server_is_red_exactly_where_the_run_is(tried: Callable[[], Run]) -> None:
    made = tried()
    root = elements(made)
    red = int(root.get("failures", "")) + int(root.get("errors", ""))
    assert (red == 0) == made.passed
    assert red == len([*root.iter("failure"), *root.iter("error")])


CHILDREN = {
    "testsuites": (["testsuite"], {"name", "time", "tests", "failures", "errors", "disabled"}),
    "testsuite": (
        ["properties", "testcase", "system-out", "system-err"],
        {
            "name",
            "tests",
            "failures",
            "errors",
            "time",
            "disabled",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
        },
    ),
    "testcase": (
        ["skipped", "error", "failure", "system-out", "system-err"],
        {"name", "classname", "time", "assertions", "status"},
    ),
    "failure": ([], {"message", "type"}),
    "error": ([], {"message", "type"}),
    "system-out": ([], set()),
}
"""Elements and attributes of the schema of Jenkins' xUnit plug-in."""


def test_the_xml_holds_what_the_schema_knows_and_its_counts_are_right() -> None:
    root = elements(hostile())
    for element in root.iter():
        children, attributes = CHILDREN[element.tag]
        assert {child.tag for child in element} <= set(children)
        assert set(element.attrib) <= attributes
        if element.tag == "testsuite":
            assert element.get("tests") == str(len(element))
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.get("timestamp", ""))
        if element.tag == "testcase":
            assert element.get("name")
            assert element.get("classname", "").startswith("evaluation.small.")


def test_a_failure_names_the_reason_and_a_case_that_is_within_the_demand_passes() -> None:
    missed = elements(made(result("x", correctness=0, scores={"correctness": {"score": 0, "reason": "no 150 EUR"}})))
    suites = {suite.get("name"): suite for suite in missed}
    (demand,) = suites["Right answers"].iter("failure")
    assert "at least 0.5 is demanded" in demand.get("message", "")
    (case,) = suites["Cases"].iter("failure")
    assert case.get("message") == "Right answers: no 150 EUR"
    within = elements(made(*(result(f"c{n}", correctness=float(n > 0)) for n in range(40))))
    assert not list(within.iter("failure"))
    assert "fails within what is demanded" in "".join(out.text or "" for out in within.iter("system-out"))


async def test_a_run_that_passed_says_so_and_names_no_case(application: Application, project: Path) -> None:
    made = await run(dataclasses.replace(application, usecase=Scripted()), suite(project, [line()]))
    assert "Good enough: the one demand is met." in terminal(made)
    assert "question hotel" not in terminal(made) + markdown(made)
    assert "passed" in markdown(made).splitlines()[0]


@pytest.mark.parametrize(
    ("values", "end", "bars"),
    [([1.0, 1.0, 2.0], 2.0, 2), ([0.1] * 99 + [60], 0.2, 2), ([0.0, 0.0, 5.0], 5.0, 2), ([0.5], 0.5, 1)],
)
def test_a_value_that_is_far_out_does_not_flatten_the_histogram(values: list[float], end: float, bars: int) -> None:
    drawn, most = histogram("said", values)
    assert most == end
    assert drawn.count('class="bar"') == bars


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        ("correctness", 0.448, "44.8 %"),
        ("correctness", 1, "100 %"),
        ("latency", 0.313, "313 ms"),
        ("latency", 1.26, "1.3 s"),
        ("cost", 0, "USD 0"),
        ("cost", 0.00123, "USD 0.0012"),
        ("cost", 3.5, "USD 3.50"),
        ("input_tokens", 1234, "1,234 tokens"),
    ],
)
def test_numbers_have_their_units(metric: str, value: float, said: str) -> None:
    assert amount(metric, value) == said.replace(" %", "\N{NO-BREAK SPACE}%")


def test_clean_keeps_every_script_and_drops_what_is_no_text() -> None:
    assert clean("Größe 価格 السعر 😀\n") == "Größe 価格 السعر 😀\n"
    assert clean("a\x00\x1b\x85\u202e\ufffe") == "a" + "\ufffd" * 5
