"""``config/sources.yaml``: every mistake is told with its line, before a source is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors import load_sources
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors.settings import Files

API = "kind: http-json, url: https://crm.example.com/api, fields: {id: a, text: b}"
SQL = "kind: sql, url_env: U, fields: {id: a, text: b}"


def load(root: Path, text: str) -> object:
    (root / "config").mkdir(exist_ok=True)
    (root / "config" / "sources.yaml").write_text(text, "utf-8")
    return load_sources(Settings(root=root, offline=True))


def test_without_a_file_the_folder_of_documents_is_the_source(tmp_path: Path) -> None:
    assert load_sources(Settings(root=tmp_path, offline=True)).sources == {"documents": Files(kind="files")}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("CRM: {kind: files}", "sources.CRM: a source's name is lower-case words joined by -"),
        ("a/b: {kind: files}", "a source's name is lower-case words"),
        ("crm: {kind: ftp}", "sources.crm: its kind must be one of files, http-json, sql, s3, custom"),
        ("crm: {folder: x}", "sources.crm: its kind must be one of files"),
        ("crm: {kind: [files]}", "sources.crm: its kind must be one of files"),
        ("crm: {kind: files, foldr: x}", "known: folder, fresh_within_hours, full_every_hours, kind (did you mean 'folder'?)"),
        ("crm: {API, pagng: x}", "did you mean 'paging'?"),
        ("crm: {API, auth: {kind: bearer, tokn_env: X} }", "known: kind, token_env (did you mean 'token_env'?)"),
        ("crm: {API, auth: {kind: digest} }", "its kind must be one of bearer, header, basic, oauth2"),
        ("crm: {API, auth: {kind: bearer, token_env: eyJ.s3cret} }", "must be the name of an environment variable, such as CRM_TOKEN, never the secret itself"),
        ("crm: {API, paging: {kind: pages} }", "its kind must be one of next-link, link-header, page, offset, cursor"),
        ("crm: {API, requests_per_second: 0}", "requests_per_second: input should be greater than 0, not 0"),
        ("crm: {API, contract: os.system}", "contract: must be package.module:Class"),
        ("crm: {kind: http-json, url: 'https://anna:s3cret@crm.example.com', fields: {id: a, text: b} }", "must not hold a name or password"),
        ("crm: {kind: http-json, url: https://crm.example.com, fields: {id: a} }", "fields: must say where text is"),
        ("crm: {kind: http-json, url: https://crm.example.com, fields: {id: a, text: b, allow: 'c?'} }", "allow must not be absent from a record"),
        ("crm: {kind: http-json, url: https://crm.example.com, fields: {id: a, text: b, deny: c} }", "deny needs allow beside it"),
        ("crm: {SQL, query: DELETE FROM a}", "query: must be a query that reads"),
        ("crm: {SQL, query: SELECT 1, since: a}", "changes, with :since in it, and since belong together"),
        ("crm: {SQL, query: SELECT 1, changes: SELECT 2, since: a}", "changes, with :since in it"),
        ("crm: {SQL, query: SELECT 1, changes: 'SELECT :since'}", "changes, with :since in it"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    line = line.replace("API", API).replace("SQL", SQL)
    with pytest.raises(ConfigurationError) as told:
        load(tmp_path, "sources:\n  documents: {kind: files}\n  " + line)
    assert "config/sources.yaml:3: sources." in str(told.value)
    assert said in str(told.value)
    assert "s3cret" not in str(told.value)


def test_a_name_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"sources.yaml:3: not valid YAML: the key 'crm' is written twice"):
        load(tmp_path, "sources:\n  crm: {kind: files}\n  crm: {kind: files}\n")
