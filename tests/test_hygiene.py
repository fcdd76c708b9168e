"""What must never be in the repository, and what must always be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from engines import QUESTIONS, SPEC, TREE, git, template_files
from questions import ROOT, load, questions, stale

HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "python-hosted".replace("-", ""), "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("registry", "yarnpkg", "com"),
        ("conda", "anaconda", "org"),
    )
]


def texts(below: str = "") -> list[tuple[str, str]]:
    found = []
    for name in template_files():
        if name.startswith(below):
            try:
                found.append((name, (ROOT / name).read_text(encoding="utf-8")))
            except UnicodeDecodeError:
                continue
    return found


def test_no_file_names_the_host_of_a_registry() -> None:
    assert [(name, host) for name, text in texts() for host in HOSTS if host in text] == []


def test_no_lock_file_of_another_tool_is_shipped() -> None:
    locks = {"uv.lock", "package-lock.json", "poetry.lock", "yarn.lock", "pdm.lock"}
    assert [name for name in template_files() if Path(name).name in locks] == []


def test_constraints_are_names_and_versions_only() -> None:
    for name, text in texts():
        if Path(name).name == "constraints.txt":
            lines = [line.partition("#")[0].strip() for line in text.splitlines()]
            wrong = [line for line in lines if line and not re.fullmatch(r"[A-Za-z0-9._-]+==[^\s;@]+( *;.*)?", line)]
            assert wrong == [], name


def test_python_in_the_tree_asks_for_the_package_name_only() -> None:
    """So that an editor, and a reader, can read it: everything else that depends on an answer is configuration."""
    wrong = []
    for name, text in texts(TREE):
        if name.endswith((".py", ".pyi")):
            rest = re.sub(r"\{\{ ?cookiecutter\.package_name ?\}\}", "", text)
            wrong += [f"{name}: {line.strip()}" for line in rest.splitlines() if re.search(r"\{[{%#]", line)]
    assert wrong == []


def test_the_tree_uses_what_both_engines_know() -> None:
    """Filters, tags and globals of one engine only; `replace`, `default` and the like are Jinja's own."""
    only_one = (
        r"\|\s*(slugify|jsonify|to_nice_yaml|to_yaml|to_json|to_nice_json|regex_\w+|combine|strftime|ans_\w+|hash)\b"
        r"|\{%-?\s*(now|yield)\b|random_ascii_string|uuid4\(|pathjoin\("
    )
    wrong = []
    for name, text in [*texts(TREE), *texts("templates/")]:
        for place in re.findall(r"\{[{%].*?[%}]\}", re.sub(r"(?s)\{% raw %\}.*?\{% endraw %\}", "", text)):
            if re.search(only_one, place):
                wrong.append(f"{name}: {place}")
    assert wrong == []


def test_nothing_in_the_tree_is_hidden_from_git() -> None:
    """The tree has a .gitignore for the generated project, and git obeys it here too."""
    ignored = git(ROOT, "ls-files", "--others", "--ignored", "--exclude-standard", "--", TREE).splitlines()
    caches = r"__pycache__|\.py[co]\b|_cache/|\.egg-info|\.hypothesis/"
    assert [name for name in ignored if not re.search(caches, name)] == []


def test_files_that_follow_from_the_questions_are_current() -> None:
    assert [str(path.relative_to(ROOT)) for path in stale()] == []


def test_the_questions_are_described_in_one_place() -> None:
    spec = load()
    assert questions(spec) == QUESTIONS
    assert list(spec["__prompts__"]) == QUESTIONS
    for question in QUESTIONS:
        if isinstance(spec[question], list):
            assert set(spec["__prompts__"][question]) == {"__prompt__", *spec[question]}
        else:
            assert question in spec["_validators"]


def test_copier_needs_no_trust_and_never_will() -> None:
    """`_tasks`, migrations or extensions in one release would demand `--trust` of every later update."""
    text = (ROOT / "copier.yml").read_text(encoding="utf-8")
    assert not re.search(r"(?m)^_(tasks|migrations|jinja_extensions)\b", text)


@pytest.mark.parametrize("table", ["_owned", "_arrivals"])
def test_paths_of_the_user_are_in_the_tree(table: str) -> None:
    names = template_files()
    for path in SPEC[table]:
        below = f"{TREE}/" + path.replace("{{ cookiecutter.package_name }}", "{{cookiecutter.package_name}}")
        assert any(name == below or name.startswith(f"{below}/") for name in names), path


def test_conditional_paths_are_in_the_tree() -> None:
    names = template_files()
    for row in SPEC["_conditional_paths"]:
        assert any(name.startswith(f"{TREE}/{row['path']}") for name in names), row["path"]


def test_no_test_lets_an_engine_overwrite() -> None:
    """It would hide what an engine does wrong."""
    flag = "overwrite" + "_if_exists"
    assert [name for name, text in texts("tests/") if flag in text] == []


def test_hooks_use_the_standard_library_only() -> None:
    allowed = {"json", "os", "re", "shutil", "subprocess", "sys", "pathlib", "typing"}
    for name, text in texts("hooks/"):
        assert set(re.findall(r"(?m)^(?:from|import) (\w+)", text)) <= allowed, name
