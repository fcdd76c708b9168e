"""What the pages of this project point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from {{ cookiecutter.package_name }}.scaffold.config import parse_yaml
from {{ cookiecutter.package_name }}.scaffold.models import ModelsFile

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "src/{{ cookiecutter.package_name }}"
PAGES = [ROOT / "README.md", ROOT / "AGENTS.md"]
PAGES += sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("operations/**/*.md")])
WRITTEN_LATER = (
    "var/",
    "evals/runs",
    "evals/baselines",
    "evals/judges",
    "evals/recordings",
    "evals/canary.json",
    "governance/system_card.md",
    "backup.tar.gz",
    ".venv",
    ".env",
)
"""What only a running project has."""

ACROSS_LINES = re.MULTILINE | re.DOTALL

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=ACROSS_LINES)


def links(page: Path) -> list[str]:
    """Where the page leads within the project."""
    return [to for to in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if not re.match(r"[a-z]+:", to)]


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{target} leads nowhere"
        if anchor and "notes" not in found.parts:  # a team's notes have the headings that the team gave them
            headings = re.findall(r"^#+ (.+)$", found.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_whoever_starts_at_the_readme_finds_every_page() -> None:
    found, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page not in found and page.suffix == ".md" and page.is_file():
            found.add(page)
            todo += [(page.parent / target.partition("#")[0]).resolve() for target in links(page)]
            if page.name == "README.md" and page.parent != ROOT:  # a folder's own page stands above a list of the rest
                todo += sorted(page.parent.glob("*.md"))
    lost = [page.relative_to(ROOT).as_posix() for page in PAGES if page not in found and page.name != "AGENTS.md"]
    assert lost == [], "no link leads there from README.md, over whatever pages"


def test_models_that_pages_show_can_be_written_into_the_file_as_they_stand() -> None:
    ours = yaml.safe_load((ROOT / "config/models.yaml").read_text("utf-8"))
    shown = [
        block
        for page in PAGES
        for block in re.findall(r"^```yaml\n(models:\n.*?)^```", page.read_text("utf-8"), ACROSS_LINES)
    ]
    for block in shown:
        theirs = yaml.safe_load(block)
        both = {part: ours[part] | theirs.get(part, {}) for part in ("models", "roles")}
        file = parse_yaml(yaml.safe_dump(both), ModelsFile, ROOT / "config/models.yaml")
        assert set(theirs["models"]) <= set(file.models)


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:md|yaml|yml|toml|py))`", prose(page)):
        if not name.startswith(WRITTEN_LATER):
            places = (ROOT, page.parent, SOURCE, SOURCE / "scaffold")
            assert any((place / name).exists() for place in places), f"{name} does not exist"


def test_every_section_of_the_runbook_leads_to_the_notes_of_the_team() -> None:
    sections = (ROOT / "operations/runbook.md").read_text("utf-8").split("\n## ")[1:]
    for section in sections:
        heading = section.splitlines()[0]
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        assert f"](notes/README.md#{anchor})" in section, heading
