"""Prompt files: found by name and locale, refused with file and reason, followed while running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, UsageError
from {{ cookiecutter.package_name }}.scaffold.prompts import Parameters, Prompts

GOOD = """\
name: greet
locale: en
version: "1"
description: Greets a person.
input: [person]
messages:
  - {role: user, content: "Hello {PERSON}"}
""".replace("{PERSON}", "{" + "{ person }" + "}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's prompts folder that holds one prompt."""
    folder = tmp_path / "config" / "prompts"
    folder.mkdir(parents=True)
    (folder / "greet.en.yaml").write_text(GOOD, "utf-8")
    return folder


def prompts(folder: Path) -> Prompts:
    return Prompts(Settings(root=folder.parent.parent))


def test_a_prompt_renders_and_names_the_bytes_that_it_came_from(folder: Path) -> None:
    prompt = prompts(folder).render("greet", "en", person="Ada")
    assert [message.content for message in prompt.messages] == ["Hello Ada"]
    assert prompt.label == "greet.en@1"
    assert prompt.metadata == {"prompt": "greet.en@1", "prompt_sha256": prompt.sha256}


def test_a_locale_without_a_file_falls_back_to_english(folder: Path) -> None:
    assert prompts(folder).render("greet", "fr", person="Ada").locale == "en"


def test_values_are_text_and_never_templates(folder: Path) -> None:
    hostile = "{" + "{ 7 * 7 }" + "}"
    assert prompts(folder).render("greet", "en", person=hostile).messages[0].content == f"Hello {hostile}"


def test_a_prompt_cannot_reach_python(folder: Path) -> None:
    reach = GOOD.replace("person }", "person.__class__.__mro__ }")
    (folder / "greet.en.yaml").write_text(reach, "utf-8")
    with pytest.raises(ConfigurationError, match="cannot be rendered"):
        prompts(folder).render("greet", "en", person="Ada")


@pytest.mark.parametrize("broken", ["person / 2 }", "1 / 0 ~ person }", "person.nothing.at.all }"])
def test_a_prompt_that_fails_while_it_renders_is_named(folder: Path, broken: str) -> None:
    (folder / "greet.en.yaml").write_text(GOOD.replace("person }", broken), "utf-8")
    with pytest.raises(ConfigurationError, match="Prompt 'greet' cannot be rendered"):
        prompts(folder).render("greet", "en", person="Ada")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            ("input: [person]", "input: [persn]"),
            r"greet\.en\.yaml:7: messages\.0\.content: uses 'person', which 'input' does not name \(did you mean 'persn'",
        ),
        (("input: [person]", "input: [person, mood]"), r"greet\.en\.yaml:5: input\.mood: 'mood' is not used by any"),
        (("person }", "person "), r"greet\.en\.yaml:7: messages\.0\.content: line 1 of the content: "),
        (("[person]", "person"), r":5: input: must hold fields"),
        (("[person]", "[7]"), r":5: input: must hold fields"),
        (("[person]", "{person: {type: strng}}"), r":5: input\.person\.type: .*'string', 'integer', .* not 'strng'"),
        (("[person]", "{person: {tpye: string}}"), r":5: input\.person\.tpye: .*did you mean 'type'"),
        (("[person]", "{person: {type: list, max_characters: 3}}"), r"\.max_characters: is for the type string"),
        (("[person]", "{person: {type: string, max_characters: -3}}"), r"\.max_characters: .*greater than 0, not -3"),
        (("[person]", "{person: {type: integer, default: x}}"), r"\.default: must be of the type integer, not str"),
        (("[person]", "{person: {type: integer, default: yes}}"), r"\.default: must be of the type integer, not bool"),
        (
            ("[person]", "{person: {type: string, max_characters: 3, default: Adam}}"),
            r"input\.person\.default: has 4 characters; at most 3",
        ),
        (
            ("input:", "parameters: {temprature: 0}\ninput:"),
            r":5: parameters\.temprature: there is no such field; known: context_tokens, .* \(did you mean 'temperature'",
        ),
        (("input:", "parameters: {max_tokens: -1}\ninput:"), r":5: parameters\.max_tokens: .*greater than 0, not -1"),
        (("input:", "parameters: 3\ninput:"), r":5: parameters: must hold fields"),
        (("input:", "role: ''\ninput:"), r":5: role: .*at least 1 character"),
        (("role: user", "role: robot"), r"greet\.en\.yaml:7: messages\.0\.role: .*'system', 'user' or 'assistant'"),
        (("version:", "verison:"), r"greet\.en\.yaml:\d: .*known: .*did you mean 'version'"),
        (("name: greet", "name: meet"), r"call it meet\.en\.yaml"),
        (("name: greet", "name: greet\nname: greet"), r":2: not valid YAML: the key 'name' is written twice"),
    ],
)
def test_a_mistake_is_refused_with_the_file_and_the_reason(folder: Path, change: tuple[str, str], says: str) -> None:
    assert change[0] in GOOD
    (folder / "greet.en.yaml").write_text(GOOD.replace(*change), "utf-8")
    with pytest.raises(ConfigurationError, match=says):
        prompts(folder)


def test_unknown_names_and_wrong_variables_are_refused(folder: Path) -> None:
    loaded = prompts(folder)
    with pytest.raises(ConfigurationError, match=r"no prompt 'great' .*did you mean 'greet'"):
        loaded.render("great", "en", person="Ada")
    with pytest.raises(ConfigurationError, match="takes person, but was given mood"):
        loaded.render("greet", "en", mood="good")


def test_a_locale_that_has_no_english_counterpart_is_refused(folder: Path) -> None:
    (folder / "greet.en.yaml").rename(folder / "greet.de.yaml")
    (folder / "greet.de.yaml").write_text(GOOD.replace("locale: en", "locale: de"), "utf-8")
    with pytest.raises(ConfigurationError, match=r"no greet\.en\.yaml"):
        prompts(folder)


TYPED = """\
name: greet
locale: en
version: "1"
description: Greets a person.
role: answer
parameters: {temperature: 0}
input:
  person: {type: string, description: Who, max_characters: 5}
  age: {type: integer, default: 7}
  height: {type: number, default: 1.5}
  known: {type: boolean, default: false}
  friends: {type: list, default: [Bo]}
  other: {default: null}
messages:
  - {role: user, content: "{TEXT}"}
""".replace(
    "{TEXT}",
    " ".join("{" + "{ " + name + " }" + "}" for name in ["person", "age", "height", "known", "friends", "other"]),
)


def test_a_prompt_carries_its_role_and_parameters_and_its_variables_have_defaults(folder: Path) -> None:
    (folder / "greet.en.yaml").write_text(TYPED, "utf-8")
    prompt = prompts(folder).render("greet", "en", person="Ada")
    assert prompt.messages[0].content == "Ada 7 1.5 False ['Bo'] None"
    assert (prompt.role, prompt.parameters) == ("answer", Parameters(temperature=0))


def test_a_prompt_that_says_nothing_is_for_the_role_of_its_name(folder: Path) -> None:
    prompt = prompts(folder).render("greet", "en", person="Ada")
    assert (prompt.role, prompt.parameters) == ("greet", Parameters())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "takes age .optional., friends .optional.,.* person, but was given nothing"),
        ({"person": "Ada", "mood": "good"}, "but was given mood, person"),
        ({"person": 3}, "Prompt 'greet': person must be of the type string, not int"),
        ({"person": None}, "person must be of the type string, not NoneType"),
        ({"person": "Ada", "age": "7"}, "age must be of the type integer, not str"),
        ({"person": "Ada", "age": 7.5}, "age must be of the type integer, not float"),
        ({"person": "Ada", "age": True}, "age must be of the type integer, not bool"),
        ({"person": "Ada", "height": True}, "height must be of the type number, not bool"),
        ({"person": "Ada", "known": 1}, "known must be of the type boolean, not int"),
        ({"person": "Ada", "friends": "Bo"}, "friends must be of the type list, not str"),
    ],
)
def test_a_variable_of_another_type_is_refused(folder: Path, given: dict[str, Any], says: str) -> None:
    (folder / "greet.en.yaml").write_text(TYPED, "utf-8")
    with pytest.raises(ConfigurationError, match=says):
        prompts(folder).render("greet", "en", **given)


def test_a_text_that_is_too_long_is_the_askers_mistake(folder: Path) -> None:
    (folder / "greet.en.yaml").write_text(TYPED, "utf-8")
    with pytest.raises(UsageError, match="person has 6 characters; at most 5 are allowed"):
        prompts(folder).render("greet", "en", person="Adalyn", height=2, friends=("Bo",), known=True, other=object())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("role: answer", "role: anser"), r"greet\.de\.yaml:5: role: is 'anser', but 'answer' in .*greet\.en\.yaml; a"),
        (
            ("max_characters: 5", "max_characters: 6"),
            r"greet\.de\.yaml:8: input\.person: is not .* in .*greet\.en\.yaml",
        ),
        (("type: integer", "type: number"), r"greet\.de\.yaml:9: input\.age: is not what it is in .*greet\.en\.yaml"),
        (("default: 7", "default: 8"), r"greet\.de\.yaml:9: input\.age: "),
        (("{default: null}", "{}"), r"greet\.de\.yaml:13: input\.other: "),
        (("  known: {type: boolean, default: false}\n", ""), r"input\.known: |uses 'known'"),
    ],
)
def test_locales_that_disagree_are_refused_with_both_files(folder: Path, change: tuple[str, str], says: str) -> None:
    assert change[0] in TYPED
    (folder / "greet.en.yaml").write_text(TYPED, "utf-8")
    (folder / "greet.de.yaml").write_text(TYPED.replace("locale: en", "locale: de").replace(*change), "utf-8")
    with pytest.raises(ConfigurationError, match=says):
        prompts(folder)


@pytest.mark.parametrize(
    ("line", "expected"),
    [("", 0), ("parameters: {temperature: 1}\n", 1), ("parameters: {}\n", None)],
)
def test_a_locale_has_the_parameters_of_english_unless_it_says_its_own(
    folder: Path, line: str, expected: float | None
) -> None:
    german = TYPED.replace("locale: en", "locale: de").replace("Who", "Wer").replace("role: answer\n", "")
    (folder / "greet.en.yaml").write_text(TYPED, "utf-8")
    (folder / "greet.de.yaml").write_text(german.replace("parameters: {temperature: 0}\n", line), "utf-8")
    prompt = prompts(folder).render("greet", "de", person="Ada")
    assert (prompt.locale, prompt.role, prompt.parameters.temperature) == ("de", "answer", expected)


MISFITS = [
    (
        "role: answer",
        "role: anser",
        ":6: role: there is no role 'anser' in config/models.yaml (did you mean 'answer'?)",
    ),
    ("role: answer", "role: embed", ":6: role: 'embed' is an embedding in config/models.yaml"),
    (
        "max_tokens: 4096",
        "context_tokens: 9",
        ":8: parameters.context_tokens: does not exist for the provider openai (did you mean 'max_tokens'?); known: "
        "temperature, top_p, max_tokens, seed; the role 'answer' of config/models.yaml asks it",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "said"), MISFITS)
def test_a_prompt_that_no_model_fits_is_refused_by_file_line_and_field(
    project: Path, right: str, wrong: str, said: str
) -> None:
    models = project / "config" / "models.yaml"
    fallback = "gpt: {provider: openai, model: m}\nroles:\n  answer: {use: extractive, fallback: [gpt], deadline: 90}"
    changed = models.read_text("utf-8").replace("roles:\n  answer: extractive", f"  {fallback}")
    models.write_text(changed, "utf-8")
    with build(Settings(root=project, offline=True)) as application:
        for path in project.glob("config/prompts/*.yaml"):
            path.write_text(path.read_text("utf-8").replace(right, wrong), "utf-8")
        assert application.prompts.render("answer", "en", question="?", passages="").role == "answer"
        assert f"answer.en.yaml{said}" in str(application.prompts.error)
    with pytest.raises(ConfigurationError) as caught:
        build(Settings(root=project, offline=True))
    assert f"answer.en.yaml{said}" in str(caught.value)
    assert ("answer.de.yaml" in str(caught.value)) == right.startswith("role")  # which has its parameters from English
