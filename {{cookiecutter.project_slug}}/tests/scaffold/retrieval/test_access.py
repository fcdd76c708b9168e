"""Who may see what: rules, and searches that follow them without a leak."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal, Rule
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import access_of

from .conftest import Project

MATCHES = [
    ("**", "a.md", True),
    ("**", "a/b/c.md", True),
    ("*", "a.md", True),
    ("*", "a/b.md", False),
    ("a/*", "a/b.md", True),
    ("a/*", "a/b/c.md", False),
    ("a/**", "a/b/c.md", True),
    ("a/**", "ab/c.md", False),
    ("**/c.md", "c.md", True),
    ("**/c.md", "a/b/c.md", True),
    ("**/c.md", "a/xc.md", False),
    ("a/**/c.md", "a/c.md", True),
    ("a/b-*.md", "a/b-1.md", True),
    ("a/b-*.md", "a/B-1.md", False),
    ("a+[b].md", "a+[b].md", True),
    ("a.md", "axmd", False),
    ("a", "a/b.md", False),
]


@pytest.mark.parametrize(("path", "source", "matches"), MATCHES)
def test_a_path_matches(path: str, source: str, matches: bool) -> None:
    assert (access_of(source, [Rule(path=path, allow=["group:g"])]) is not None) == matches


def test_the_first_matching_rule_decides() -> None:
    rules = [Rule(path="hr/pay/**", allow=["group:hr"], deny=["user:ben"]), Rule(path="hr/**", allow=["group:all"])]
    assert access_of("hr/pay/a.md", rules) == access_of("hr/pay/b/c.md", rules)
    assert getattr(access_of("hr/pay/a.md", rules), "deny", None) == ("user:ben",)
    assert getattr(access_of("hr/a.md", rules), "allow", None) == ("group:all",)
    assert access_of("other.md", rules) is None


FOLDERS = ["", "hr/", "hr/pay/", "it/", "it/ops/", "x/y/z/"]
GROUPS = ["staff", "hr", "it", "ops"]
USERS = ["ann", "bob", "cem", "dee"]


def oracle_matches(pattern: list[str], source: list[str]) -> bool:
    """Globs by folder names, written independently of the code under test."""
    if not pattern:
        return not source
    if pattern[0] == "**":
        return not pattern[1:] or any(oracle_matches(pattern[1:], source[i:]) for i in range(len(source)))
    return bool(source) and pattern[0] in ("*", source[0]) and oracle_matches(pattern[1:], source[1:])


def oracle_sees(caller: Principal, source: str, rules: dict[str, list[str]], deny: dict[str, list[str]]) -> bool:
    for path, allowed in rules.items():
        if oracle_matches(path.split("/"), source.split("/")):
            names = {f"user:{caller.id}"} | {f"group:{group}" for group in caller.groups}
            return bool(names & set(allowed)) and not names & set(deny.get(path, []))
    return False


@pytest.mark.parametrize("seed", range(4))
def test_nobody_finds_what_they_may_not_see_and_everybody_what_they_may(documents: Project, seed: int) -> None:
    draw = random.Random(seed)
    names = [f"group:{group}" for group in GROUPS] + [f"user:{user}" for user in USERS]
    sources = {f"{draw.choice(FOLDERS)}d{n}.md": f"zebra{n}x" for n in range(40)}
    paths = [*draw.sample([*sources, *(f"{folder}{glob}" for folder in FOLDERS for glob in ("*", "**"))], 14), "**"]
    rules = {path: draw.sample(names, draw.randint(0, 3)) for path in paths[: draw.randint(8, 15)]}
    deny = {path: draw.sample(names, 1) for path in rules if draw.random() < 0.4}
    documents.allow(rules, deny)
    for source, word in sources.items():
        documents.write(source, f"Everyone writes about harbour dues. This one says {word}.")
    index = documents.index()
    index.sync()
    callers = [
        Principal(draw.choice([*USERS, "stranger"]), frozenset(draw.sample(GROUPS, draw.randint(0, 3))))
        for _ in range(14)
    ]
    for caller in [*callers, Principal("stranger"), Principal(""), Principal("group:staff")]:
        visible = {source for source in sources if oracle_sees(caller, source, rules, deny)}
        assert {passage.source for passage in index.search("harbour dues", caller, k=50)} == visible
        for source, word in sources.items():
            found = index.search(word, caller, k=50)
            assert {passage.source for passage in found} <= visible
            assert all(word not in passage.text for passage in found) or source in visible
            assert source not in visible or found[0].source == source


def test_hidden_documents_do_not_show_in_the_ranking_either(new_project: Callable[[str], Project]) -> None:
    """What a caller gets, signals included, is what an index without the hidden documents would give."""
    caller, draw = Principal("ann", frozenset({"staff"})), random.Random(7)
    vocabulary = [f"word{n}" for n in range(60)]
    everything, visible = new_project("everything"), new_project("visible")
    for project in (everything, visible):
        project.allow({"open/**": ["group:staff"], "secret/**": ["group:hr"]})
    for number in range(60):
        text = " ".join(draw.choices(vocabulary, k=30))
        everything.write(f"{'open' if number % 2 else 'secret'}/{number}.txt", text)
        if number % 2:
            visible.write(f"open/{number}.txt", text)
    one, other = everything.index(), visible.index()
    one.sync()
    other.sync()
    for _ in range(20):
        query = " ".join(draw.choices([*vocabulary, "unheard"], k=3))
        found, expected = one.search(query, caller, k=20), other.search(query, caller, k=20)
        assert [(p.source, p.score) for p in found] == [(p.source, p.score) for p in expected]
        assert [p.lexical for p in found] == pytest.approx([p.lexical for p in expected])
        assert [p.bm25 for p in found] == pytest.approx([p.bm25 for p in expected], rel=1e-4)
