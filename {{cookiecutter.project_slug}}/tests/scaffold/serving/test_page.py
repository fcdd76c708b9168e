from __future__ import annotations

import html
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import {{ cookiecutter.package_name }}.scaffold.serving as serving

PAGE = {Path(str(file)).name: file.read_text("utf-8") for file in (files(serving) / "page").iterdir()}


def test_the_page_is_part_of_the_package() -> None:
    assert PAGE.keys() == {
        "elements.js",
        "icon.svg",
        "index.html",
        "opinion.js",
        "page.css",
        "page.js",
        "passages.js",
        "texts.js",
    }


@pytest.mark.parametrize("name", PAGE)
def test_nothing_is_loaded_from_elsewhere_and_nothing_becomes_markup(name: str) -> None:
    text = PAGE[name].replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"https?://|//cdn|@import|url\(", text)
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|\son\w+=", text)
    assert not re.findall(r"style=|<style|<script>", text)


def test_every_file_that_is_referred_to_is_served(local: TestClient) -> None:
    found = re.findall(r'(?:src|href)="(page/[^"]+)"', PAGE["index.html"])
    imported = [f"page/{name}" for text in PAGE.values() for name in re.findall(r'from "\./([^"]+)"', text)]
    assert {"page/page.js", "page/page.css"} <= set(found)
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    for path in {*found, *imported}:
        response = local.get(f"/{path}")
        assert response.status_code == 200, path
        assert response.headers["content-type"].startswith(types[Path(path).suffix])


def test_the_page_says_the_same_in_both_languages() -> None:
    english, german = PAGE["texts.js"].split("\n  de: {")
    names = [set(re.findall(r"(?:^|[,{] |^ +)(\w+): \"", part, re.MULTILINE)) for part in (english, german)]
    assert names[0] == names[1]
    used = set(re.findall(r'text\("(\w+)"', "".join(PAGE.values())))
    used |= set(re.findall(r'data-text="(\w+)"', PAGE["index.html"]))
    assert len(used) > 20
    assert used <= names[0]


def test_title_and_examples_come_from_the_file_as_text(own: TestClient, project: Path) -> None:
    path = project / "config" / "service.yaml"
    title, example = '<b>"R&D"</b> SERVICE_SETTINGS', "</body><script>alert('1')</script>"
    path.write_text(json.dumps({"title": title, "examples": [example]}), "utf-8")
    text = own.get("/").text
    assert "<b>" not in text
    assert "<script>alert" not in text
    found = re.search(r'data-service="([^"]+)"', text)
    assert found
    shown = json.loads(html.unescape(found[1]))
    assert shown == {"examples": [example], "maxCharacters": 2000, "keyed": False}
