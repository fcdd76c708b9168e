"""What the pages show is there, and what they tell people to type works.

A page asks for this with a comment of its own before a fenced block:

    <!-- tree -->   the block is a tree of files, indented by two spaces or drawn with lines; each line is a path,
                    then anything; `<package>` stands for the name of the package. Every path must exist, and every
                    folder of the top level must be shown, but for hidden ones. In a page of the tree it is a project
                    with the default answers; elsewhere `<!-- tree project -->` or `<!-- tree template -->` says which.
    <!-- run -->    the block is `console` (only lines that begin with "$ " are typed) or `bash`. The blocks of one
                    page run in order in one shell, in a fresh copy of this repository. Addresses of this template
                    lead to the copy. Pages of the tree are run by the project's own tests.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from engines import TOOLS, TREE, commit, copy_template, run, template_files
from questions import MARKS, ROOT, between_marks, load, options_table

ADDRESS = r"https://github\.com/[\w.-]+/genai-template(?:\.git)?"


def pages() -> list[str]:
    return [name for name in template_files() if name.endswith(".md") and not name.startswith("build/")]


def blocks(page: str, mark: str) -> list[tuple[str, str]]:
    """Language and text of every fenced block that follows the mark."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"(?ms)^<!-- {mark} -->\s*^```(\w*)\n(.*?)^```", text)


def having(mark: str) -> list[str]:
    return [page for page in pages() if blocks(page, mark)]


def paths_of_tree(text: str) -> list[str]:
    """The paths that a drawn or indented tree shows, parents included in each."""
    found: list[str] = []
    parents: list[tuple[int, str]] = []
    for line in text.splitlines():
        drawn = re.match(r"[\s│├└─|`+-]*", line)
        entry = line[drawn.end() if drawn else 0 :].split(" ")[0].strip()
        if not entry or entry in {"...", "…", "."}:
            continue
        depth = drawn.end() if drawn else 0
        while parents and parents[-1][0] >= depth:
            parents.pop()
        path = "/".join([*(name.rstrip("/") for _, name in parents), entry.rstrip("/")])
        parents.append((depth, entry))
        found.append(path)
    return found


def wrong_in_tree(text: str, files: list[str]) -> list[str]:
    shown = paths_of_tree(text)
    root = {path for path in shown if "/" not in path}
    if len(root) == 1 and not any(name.split("/")[0] in root for name in files):  # the tree names its root
        prefix = root.pop() + "/"
        shown = [path.removeprefix(prefix) for path in shown if path.startswith(prefix)]
    folders = {name.split("/")[0] for name in files if "/" in name and not name.startswith((".", "{{"))}
    shown_folders = {path.split("/")[0] for path in shown}
    known = set(files) | {
        "/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)
    }
    wrong = [f"not there: {path}" for path in shown if path not in known]
    return wrong + [f"not shown: {name}" for name in sorted(folders - shown_folders)]


def test_a_tree_is_read_however_it_is_drawn() -> None:
    files = ["README.md", "LICENSE", ".github/x.yml", "src/app/main.py"]
    assert wrong_in_tree("README.md  what\nsrc/\n  app/  code\n    main.py\n", files) == []
    assert wrong_in_tree("project/\n├── README.md  what\n└── src/\n    └── app/\n", files) == []
    assert wrong_in_tree("src/app/  code\n  main.py\n", files) == []
    assert wrong_in_tree("README.md\nlib/\n", files) == ["not there: lib", "not shown: src"]


@pytest.mark.parametrize(
    ("page", "mark"), [(page, mark) for mark in ("tree", "tree project", "tree template") for page in having(mark)]
)
def test_trees_show_what_is_there(page: str, mark: str, default: Path) -> None:
    files = template_files()
    if mark == "tree project" or page.startswith(TREE):
        files = [path.relative_to(default).as_posix() for path in default.rglob("*") if path.is_file()]
    for _, text in blocks(page, mark):
        named = re.sub(r"<package>|\{\{ ?cookiecutter\.package_name ?\}\}", "acme_assistant", text)
        assert wrong_in_tree(named, files) == []


@pytest.mark.parametrize("page", [page for page in pages() if MARKS[0] in (ROOT / page).read_text(encoding="utf-8")])
def test_tables_of_options_follow_the_questions(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert between_marks(text, options_table(load())) == text


def typed(language: str, text: str) -> str:
    if language == "console":
        return "\n".join(line[2:] for line in text.splitlines() if line.startswith("$ "))
    return text


@pytest.mark.long
@pytest.mark.project
@pytest.mark.parametrize("page", [page for page in having("run") if not page.startswith(TREE)])
def test_commands_of_a_page_work(page: str, tmp_path: Path) -> None:
    template = copy_template(tmp_path / "genai-template")
    commit(template, "as it is", "v1000.0.0")
    (template / ".venv").symlink_to(TOOLS.parent)
    addresses = sorted({address for name in pages() for address in re.findall(ADDRESS, (ROOT / name).read_text())})
    redirect = {"GIT_CONFIG_COUNT": str(len(addresses))}
    for number, address in enumerate(addresses):
        redirect |= {f"GIT_CONFIG_KEY_{number}": f"url.{template}.insteadOf", f"GIT_CONFIG_VALUE_{number}": address}
    script = "\n".join(typed(language, text) for language, text in blocks(page, "run"))
    run("bash", "-euo", "pipefail", "-c", script, cwd=template, environment=redirect)


def internal_links(page: str) -> list[str]:
    text = re.sub(r"(?ms)^```.*?^```", "", (ROOT / page).read_text(encoding="utf-8"))
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:|#|\{\{", link)]


@pytest.mark.parametrize("page", [page for page in pages() if internal_links(page)])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    broken = [
        link for link in internal_links(page) if not ((ROOT / page).parent / link.partition("#")[0]).resolve().exists()
    ]
    assert broken == []


def test_a_page_shows_how_a_server_of_ones_own_is_configured(default: Path) -> None:
    # That it can be loaded is a test of the project's: tests/scaffold/operations/test_documents.py.
    page = (default / "docs" / "onboarding.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?ms)^```yaml\nmodels:\n(.*?)^```", page)
    assert "provider: openai-compatible" in block
    assert "base_url: http" in block


def test_the_page_of_reasons_claims_what_has_a_drill() -> None:
    text = (ROOT / "docs" / "why.md").read_text(encoding="utf-8")
    covered, begun, missing = (re.findall(r"(?m)^\| (F\d\d) \|", part) for part in text.split("\n## ")[1:4])
    drills = {path.name[5:8].upper() for path in (ROOT / TREE / "tests/scaffold/drills").glob("test_f??_*.py")}
    assert sorted(covered + begun + missing) == [f"F{number:02}" for number in range(1, 39)]
    assert set(covered) <= drills <= set(covered) | set(begun)
