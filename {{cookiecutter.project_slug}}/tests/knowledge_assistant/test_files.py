"""Your files: every one loads, and every case asks about documents that are there."""

from __future__ import annotations

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_cases, load_suite
from {{ cookiecutter.package_name }}.scaffold.readiness import load_stage


def test_your_cases_name_documents_and_callers_that_exist(application: Application) -> None:
    root = application.settings.root
    suite = load_suite(application.settings, load_stage(application.settings, "poc").evaluation.suite)
    cases = load_cases(root / suite.dataset)
    assert [case.id for case in cases if case.caller not in application.index.directory.callers] == []
    assert [
        (case.id, source)
        for case in cases
        for source in case.expected.sources
        if not (root / "data" / "documents" / source).is_file()
    ] == []


def test_every_role_of_your_models_works_offline(application: Application) -> None:
    assert {role: application.models.unusable(role) for role in application.models.roles} == dict.fromkeys(
        application.models.roles
    )
