"""An answer renders to valid files, or is refused: by both engines, with the same sentence, leaving nothing behind."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from cookiecutter.prompt import prompt_for_config
from cookiecutter.utils import create_env_with_context
from copier._main import Worker  # the only way to ask copier's own environment
from engines import (
    CHOICES,
    QUESTIONS,
    SPEC,
    TREE,
    Answers,
    by_cookiecutter,
    by_copier,
    copy_template,
    differences,
    run,
    snapshot,
    template_files,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from questions import ROOT
from rendered import unparsable

LINE = "is a line\nand another"
REFUSED: list[tuple[str, int, str]] = [  # question, number of its rule, an answer that breaks it first
    ("project_name", 0, "n" * 61),
    ("project_name", 1, LINE),
    ("project_name", 1, "bell \x07"),
    ("project_name", 1, "right to left \u202e"),
    ("project_name", 2, "Name {{ 7 * 7 }}"),
    ("project_name", 3, " begins with a space"),
    ("project_name", 4, "---"),
    ("project_name", 4, ""),
    ("project_slug", 0, "s" * 41),
    ("project_slug", 1, "My Bot"),
    ("project_slug", 1, "a/b"),
    ("project_slug", 1, "../../elsewhere/x"),
    ("project_slug", 1, "."),
    ("project_slug", 1, ""),
    ("project_slug", 1, "-x"),
    ("project_slug", 1, "1e3"),
    ("project_slug", 1, "a--b"),
    ("project_slug", 2, "con"),
    ("project_slug", 2, "pytest"),
    ("package_name", 0, "p" * 41),
    ("package_name", 1, "my-package"),
    ("package_name", 1, "_x"),
    ("package_name", 2, "json"),
    ("package_name", 2, "class"),
    ("package_name", 2, "tests"),
    ("package_name", 2, "knowledge_assistant"),
    ("package_name", 2, "scaffold"),
    ("package_name", 2, "langchain_core"),
    ("description", 0, "d" * 201),
    ("description", 1, LINE),
    ("description", 2, "with {% if 1 %}a condition{% endif %}"),
    ("description", 2, "with {# a comment #} inside"),
    ("description", 3, "ends with a space "),
    ("description", 4, ""),
    ("owner_team", 0, "t" * 41),
    ("owner_team", 1, ""),
    ("owner_team", 1, "Platform Team"),
    ("owner_email", 0, "e" * 120 + "@example.com"),
    ("owner_email", 1, "someone"),
    ("owner_email", 1, "someone@localhost"),
    ("owner_email", 1, 'a"b@example.com'),
    ("repository_url", 0, "https://example.com/" + "r" * 200),
    ("repository_url", 1, "git@github.com:team/project"),
    ("repository_url", 1, "http://example.com/team/project"),
    ("repository_url", 1, "https://user:password@example.com/team/project"),
    ("repository_url", 1, 'https://example.com/"x'),
]
GOOD = {"project_slug": "good-bot", "package_name": "good_bot", "repository_url": "https://example.com/team/good-bot"}


def sentence(question: str, number: int, answer: str) -> str:
    """As an engine shows it: cookiecutter shows what braces became, unless the rule looks at what was typed."""
    return f"{question} {json.dumps(answer[:80], ensure_ascii=False)} {SPEC['_validators'][question][number]['say']}"


def refusal_by_cookiecutter(template: Path, into: Path, answers: Answers, said: Callable[[], Any]) -> str:
    into.mkdir()
    try:
        with pytest.raises((FailedHookException, KeyError)) as caught:
            by_cookiecutter(template, into, answers)
        assert list(into.iterdir()) == []
        return str(said().err) + (str(caught.value.args[0]) if isinstance(caught.value, KeyError) else "")
    finally:
        assert not (into.parent / "elsewhere").exists()


def refusal_by_copier(template: Path, to: Path, answers: Answers) -> str:
    with pytest.raises(ValueError, match=r"(Validation error|Invalid choice) for") as caught:
        by_copier(template, to, answers)
    assert not to.exists()
    return str(caught.value)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with only those files of the tree that read an answer: enough to see what an answer does."""

    def reads_an_answer(name: str) -> bool:
        if not name.startswith(TREE):
            return name.startswith(("cookiecutter.json", "copier.yml", "hooks/", "templates/"))
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return False
        kept_back = any(name.startswith(f"{TREE}/{row['path']}") for row in SPEC["_conditional_paths"])
        rest = text.replace("cookiecutter.package_name", "").replace("cookiecutter.project_slug", "")
        return kept_back or "cookiecutter" in rest

    only = [name for name in template_files() if reads_an_answer(name)]
    return copy_template(tmp_path_factory.mktemp("small") / "genai-template", only=only)


def test_every_rule_is_broken_by_an_example() -> None:
    rules = {(question, number) for question, rules in SPEC["_validators"].items() for number in range(len(rules))}
    assert rules == {(question, number) for question, number, _ in REFUSED}


@pytest.mark.parametrize(("question", "number", "answer"), REFUSED)
def test_a_bad_answer_is_refused_by_both_engines_with_the_same_sentence(
    question: str, number: int, answer: str, small: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = {**GOOD, question: answer}
    said = sentence(question, number, answer)
    by_hook = refusal_by_cookiecutter(small, tmp_path / "cookiecutter", answers, capfd.readouterr)
    assert said in by_hook or (answer == LINE and said in by_hook.replace("\r", ""))
    assert refusal_by_copier(small, tmp_path / "copier", answers).endswith(f": {said}")


@pytest.mark.parametrize("conflict", SPEC["_conflicts"], ids=lambda row: "-".join(row["when"]))
def test_conflicting_answers_are_refused_by_both_engines_with_the_same_sentence(
    conflict: dict[str, Any], small: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = {key: values[0] for key, values in conflict["when"].items()}
    asked = [key for key in QUESTIONS if key in answers]
    said = " with ".join(f'{key} "{answers[key]}"' for key in asked) + f": {conflict['say']}"
    assert said in refusal_by_cookiecutter(small, tmp_path / "cookiecutter", answers, capfd.readouterr)
    assert refusal_by_copier(small, tmp_path / "copier", answers).endswith(said)


@pytest.mark.parametrize("question", CHOICES)
def test_a_choice_that_is_not_offered_is_refused_by_both_engines(question: str, small: Path, tmp_path: Path) -> None:
    """The engines refuse it before any rule of ours could: their sentences name the question and the choices."""
    with pytest.raises(ValueError, match=f"other provided for choice variable {question}, but the choices are"):
        by_cookiecutter(small, tmp_path, {question: "other"})
    assert list(tmp_path.iterdir()) == []
    assert f"Invalid choice for '{question}': 'other' is not in" in refusal_by_copier(
        small, tmp_path / "copier", {question: "other"}
    )


def test_commands_exit_non_zero_and_leave_nothing_behind(released: Path, tmp_path: Path) -> None:
    said = sentence("owner_team", 1, "Platform Team")
    commands: list[list[str | Path]] = [
        ["cookiecutter", "--no-input", released, "owner_team=Platform Team"],
        ["copier", "copy", "--defaults", "--data", "owner_team=Platform Team", released, "acme-assistant"],
    ]
    for command in commands:
        done = run(*command, cwd=tmp_path, check=False)
        assert done.returncode != 0
        assert said in done.stdout
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme Assistant", "acme-assistant"),
        ("Müller & Söhne's Bot", "mueller-soehnes-bot"),
        ("Café Paris", "cafe-paris"),
        ("3M helper", "project-3m-helper"),
        ("知識助手", "my-assistant"),
        ("no", "no"),
        ("x" * 60, "x" * 40),
        ("a" * 39 + " b", "a" * 39),
    ],
)
def test_the_slug_follows_from_the_name_in_both_engines(name: str, slug: str, small: Path, tmp_path: Path) -> None:
    one = by_cookiecutter(small, tmp_path, {"project_name": name})
    other = by_copier(small, tmp_path / "copier" / slug, {"project_name": name})
    assert one.name == slug
    assert differences(snapshot(one), snapshot(other)) == []


HOSTILE = [
    "no",
    "1e3",
    "null",
    "-",
    "- x",
    "# x",
    "x: y",
    "'x' \"y\" \\z \\n \\u0041",
    "emoji 🎉 and Ünïcödé",
    "<b>&amp;</b>",
    "%s {x} $HOME `id` $(id)",
    "}} %} #}",
    "\u00a0x\u3000y",
    '"""',
    "'''",
    "*bold* [link](x) | table",
    "2024-01-01",
    "@x",
    "!x",
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=70) | st.sampled_from(HOSTILE)


def rules_in_cookiecutter() -> Callable[[str, str], str | None]:
    """The hook's own function `refusal`, for one answer."""
    source = (ROOT / "hooks" / "pre_gen_project.py").read_text(encoding="utf-8")
    context = {"cookiecutter": prompt_for_config({"cookiecutter": json.loads(json.dumps(SPEC))}, no_input=True)}
    module: dict[str, Any] = {"__name__": "hook"}
    exec(create_env_with_context(context).from_string(source).render(**context), module)
    refusal = SimpleNamespace(**module).refusal

    def ask(question: str, answer: str) -> str | None:
        module["CONTEXT"][question] = answer
        said: str | None = refusal(question)
        return said

    return ask


def rules_in_copier() -> Callable[[str, str], str | None]:
    """The validators of `copier.yml`, rendered by copier's own environment, for one answer."""
    with Worker(src_path=str(ROOT)) as worker:
        validators = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
        environment = worker.jinja_env

    def ask(question: str, answer: str) -> str | None:
        return environment.from_string(validators[question]["validator"]).render({question: answer}).strip() or None

    return ask


@pytest.fixture(scope="module")
def rules() -> tuple[Callable[[str, str], str | None], Callable[[str, str], str | None]]:
    return rules_in_cookiecutter(), rules_in_copier()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.sampled_from(sorted(SPEC["_validators"])), answer=TEXT)
def test_the_rules_of_both_engines_agree_on_any_text(
    question: str, answer: str, rules: tuple[Callable[[str, str], str | None], Callable[[str, str], str | None]]
) -> None:
    in_cookiecutter, in_copier = rules
    assert in_cookiecutter(question, answer) == in_copier(question, answer)


def shown(path: Path) -> list[str]:
    """What a reader sees of the first line of each paragraph and heading; markup that is not text is named."""
    blocks = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    lines = [
        list(takewhile(lambda part: part.type != "softbreak", each.children or ())) for each in blocks if each.children
    ]
    return ["".join(part.content if part.type == "text" else f"({part.type})" for part in line) for line in lines]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(name=TEXT, description=TEXT)
@example(name="no", description="1e3")
@example(name="🎉 'Ünïcödé' \"x\" \\ bot", description="'''\"\"\" \\u0041 \\ 🎉 <&> $(id) `id` %s {x} }} #")
@example(name="Ada's <R&D> Bot", description='Answers people\'s questions, in "quotes" and with <tags> & ampersands')
@example(name="<b>&amp;</b> C #", description="*bold* _x_ [link](x) &amp; ~~no~~ `x` ![](x) \\* <!-- x")
@example(name="1. x", description="1. x")
@example(name="+ x", description="> x")
@example(name="- x", description="# not a comment: really")
@example(name="x: y", description="|")
def test_free_text_makes_valid_files_or_is_refused(
    name: str,
    description: str,
    small: Path,
    tmp_path_factory: pytest.TempPathFactory,
    rules: tuple[Callable[[str, str], str | None], Callable[[str, str], str | None]],
) -> None:
    answers = {**GOOD, "project_name": name, "description": description}
    folder = tmp_path_factory.mktemp("text")
    if any(rules[1](question, answers[question]) for question in ("project_name", "description")):
        with pytest.raises(Exception):  # noqa: B017 - whatever cookiecutter makes of braces on its way to the hook
            by_cookiecutter(small, folder, answers)
        assert list(folder.iterdir()) == []
        refusal_by_copier(small, folder / "copier", answers)
        return
    one = by_cookiecutter(small, folder, answers)
    other = by_copier(small, folder / "copier", answers)
    assert differences(snapshot(one), snapshot(other)) == []
    assert unparsable(one) == []
    recorded = yaml.safe_load((one / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (recorded["project_name"], recorded["description"]) == (name, description)
    project = tomllib.loads((one / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["description"] == description
    read = {
        file: yaml.safe_load((one / file).read_text(encoding="utf-8"))
        for file in ("governance/intended_use.yaml", "config/service.yaml")
    }
    assert [each[key] for each, key in zip(read.values(), ("purpose", "title"), strict=True)] == [description, name]
    assert shown(one / "README.md")[:2] == [name, description]
    assert shown(one / "operations" / "runbook.md")[0] == f"Runbook of {name}"


def test_what_was_typed_stays_readable(small: Path, tmp_path: Path) -> None:
    name, description = "Ada's <R&D> Bot", 'Answers people\'s "questions" with <tags> & 🎉.'
    project = by_cookiecutter(small, tmp_path, {**GOOD, "project_name": name, "description": description})
    for file, line in {
        "governance/intended_use.yaml": 'purpose: "Answers people\'s \\"questions\\" with <tags> & 🎉."',
        "config/service.yaml": 'title: "Ada\'s <R&D> Bot"',
        "README.md": "# Ada's \\<R&D> Bot",
    }.items():
        assert line in (project / file).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("word", ["no", "on", "yes", "null", "true", "off", "y"])
def test_words_that_yaml_would_take_for_something_else_stay_words(word: str, small: Path, tmp_path: Path) -> None:
    """Wherever a file of the tree holds the team's name, it holds it as text."""
    answers = {"owner_team": word, "project_slug": word, "package_name": f"{word}_x"}
    project = by_cookiecutter(small, tmp_path, answers)
    assert project.name == word
    assert unparsable(project) == []

    def values(node: Any) -> list[Any]:
        if isinstance(node, dict):
            return [found for value in node.values() for found in values(value)]
        return [found for value in node for found in values(value)] if isinstance(node, list) else [node]

    plain = by_cookiecutter(small, tmp_path / "plain", {**answers, "owner_team": "marker-team"})
    for path in plain.rglob("*.y*ml"):
        expected = values(list(yaml.safe_load_all(path.read_text(encoding="utf-8"))))
        found = values(list(yaml.safe_load_all((project / path.relative_to(plain)).read_text(encoding="utf-8"))))
        assert found == [value.replace("marker-team", word) if isinstance(value, str) else value for value in expected]
