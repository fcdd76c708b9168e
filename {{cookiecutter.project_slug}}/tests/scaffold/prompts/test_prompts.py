"""Prompt files: found by name and locale, refused with file and reason, followed while running."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.prompts import Prompts

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
        (("input: [person]", "input: []"), "uses? 'person', which 'input' does not name"),
        (("input: [person]", "input: [person, mood]"), "'mood' is not used by any message"),
        (("person }", "person "), "line 1 of the content"),
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
