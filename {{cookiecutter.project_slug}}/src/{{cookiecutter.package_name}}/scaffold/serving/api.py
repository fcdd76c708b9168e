"""The API, and the page that asks it."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from ..application import Application
from ..errors import ModelUnavailable, ScaffoldError, UsageError
from ..evaluation import publish
from ..evaluation.cases import Given, keep
from ..evaluation.drift import Watch
from ..governance.groups import open_groups
from ..governance.principal import Directory
from ..usecase import Answer
from .boundary import Boundary, problem
from .callers import Door, holder, identify, read_keys
from .settings import ServiceFile, follow
from .tokens import Tokens

BYTES_PER_CHARACTER = 12  # a character outside the basic plane, written as two \uXXXX escapes (RFC 8259, section 7)
BYTES_AROUND_QUESTION = 2000
BYTES_OF_FEEDBACK = 200_000
FEEDBACK = "/api/feedback"
PAGE = Path(__file__).parent / "page"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

Key = Annotated[
    HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False, description="A key or a token."))
]


class Question(BaseModel):
    """What is asked, and by whom."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(description="The question, in a sentence.")
    caller: str | None = Field(default=None, description="Who asks, from data/access.yaml; only while no keys are set.")

    @field_validator("question")
    @classmethod
    def _characters(cls, question: str) -> str:
        try:
            question.encode()  # JSON can hold half a surrogate pair, which no text can (RFC 8259, section 8.2)
        except UnicodeEncodeError:
            raise ValueError("half of a surrogate pair is not a character") from None
        return question


class Said(Given):
    """What somebody says of an answer that they got."""

    caller: str | None = Field(default=None, description="Who says it; only while no keys are set.")


FIELDS: dict[str, type[BaseModel]] = {FEEDBACK: Said}


class KnownCaller(BaseModel):
    """Somebody who can be asked as while no keys are set."""

    id: str
    name: str
    groups: list[str]


class ProblemDetail(BaseModel):
    """What went wrong, in one sentence."""

    type: str
    message: str
    trace_id: str | None = Field(default=None, description="Where the log and the audit tell more; from status 500 on.")


class Problem(BaseModel):
    """Every answer that is not one."""

    error: ProblemDetail


def create_api(application: Application) -> FastAPI:
    """The service on ``application``. Raises ``ConfigurationError`` for a wrong config/service.yaml or APP_API_KEYS."""
    service = follow(application.settings, application.live)
    door, watch = _door(application, service.get()), Watch(application)
    api = FastAPI(
        title=service.get().title,
        docs_url=None,  # the stock pages load their scripts from a content delivery network
        redoc_url=None,
        # The boundary traces; FastAPI's own telemetry would export the text of exceptions, which nobody has redacted.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        responses={status: {"model": Problem} for status in (400, 401, 403, 413, 422, 429, 500, 502, 503)},
    )
    api.add_middleware(
        Boundary,
        telemetry=application.telemetry,
        local=not door.closed,
        limit=lambda path: (
            BYTES_OF_FEEDBACK
            if path == FEEDBACK
            else service.get().question_max_characters * BYTES_PER_CHARACTER + BYTES_AROUND_QUESTION
        ),
    )
    _answer_errors(api)

    @api.post("/api/ask")
    async def ask(question: Question, request: Request, key: Key) -> Answer:
        """Answer a question with what its caller may see, or refuse it where that holds no answer."""
        settings = service.get()
        presented, client = key.credentials if key else None, request.client.host if request.client else None
        try:
            async with asyncio.timeout(settings.request_timeout_seconds):
                # In a thread, and not one of those that search: another service may have to be asked.
                caller = await to_thread.run_sync(
                    identify, door, presented, question.caller, client, abandon_on_cancel=True
                )
                if len(question.question) > settings.question_max_characters:
                    raise UsageError(
                        f"The question has {len(question.question)} characters; "
                        f"at most {settings.question_max_characters} are answered."
                    )
                return await application.ask(question.question, caller, channel="api")
        except TimeoutError:
            raise ModelUnavailable(
                f"There was no answer within {settings.request_timeout_seconds:g} s; try again later."
            ) from None

    @api.post(FEEDBACK, responses={status: {"model": Problem} for status in (404, 409)})
    def feedback(said: Said, request: Request, key: Key) -> dict[str, str]:
        """Say whether an answer was good, or what is right; a second word on it takes the place of the first."""
        client = request.client.host if request.client else None
        caller = identify(door, key.credentials if key else None, said.caller, client)
        keep(application, caller, said)
        return {"status": "kept"}

    if not door.closed:

        @api.get("/api/callers")
        async def callers() -> list[KnownCaller]:
            """Who can be asked as; there while no keys are set."""
            return [
                KnownCaller(id=id_, name=caller.name, groups=caller.groups)
                for id_, caller in application.index.directory.callers.items()
            ]

    @api.get("/healthz", responses={})
    async def healthz() -> dict[str, str]:
        """Whether the process is up."""
        return {"status": "up"}

    @api.get("/readyz")
    def readyz() -> JSONResponse:
        """Whether questions can be answered; 503 with the reasons where they cannot.

        A changed file that is wrong is a warning: the last good one serves. Every replica has the same file, so that
        taking them all out of service would turn a typing mistake into an outage.
        """
        reasons = _not_ready(application)
        if reasons:
            return JSONResponse({"status": "not ready", "reasons": reasons}, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ready", "warnings": _warnings(application)})

    @api.get("/metrics", response_class=Response)
    def metrics(key: Key) -> Response:
        """Metrics in Prometheus' text format; for any caller's key, once keys are set."""
        if door.closed:
            holder(door, key.credentials if key else None)
        publish(application)
        watch.publish()
        application.index.measure()  # another process may have synced since: the gauges follow the database
        application.live.errors()  # and without traffic nobody else looks at the files
        application.models.measure()
        return Response(application.telemetry.metrics_page(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    @api.get("/", include_in_schema=False)
    def page() -> Response:
        """The page."""
        return Response(_page(service.get(), door.closed), media_type="text/html")

    @api.get("/page/{name}", include_in_schema=False)
    def asset(name: str) -> Response:
        """A file of the page."""
        media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix)
        if media_type is None or name not in {file.name for file in PAGE.iterdir()}:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Response((PAGE / name).read_bytes(), media_type=media_type, headers={"cache-control": "no-cache"})

    return api


def _door(application: Application, service: ServiceFile) -> Door:
    def directory() -> Directory:
        return application.index.directory

    return Door(
        read_keys(application.settings.api_keys, directory().callers),
        Tokens(service.tokens, application.settings.root) if service.tokens else None,
        open_groups(service.groups, directory),
        directory,
    )


def _not_ready(application: Application) -> list[str]:
    # The reasons are short, for they are told to anybody: file names, but no values. The log says more.
    reasons = []
    try:
        with application.state.connect() as connection:
            connection.execute(text("SELECT 1"))
        if application.index.documents() == 0:
            reasons.append("The index is empty; run ingest.")
    except SQLAlchemyError:
        reasons.append("The state database cannot be reached.")
    return reasons


def _warnings(application: Application) -> list[str]:
    errors = {**application.live.errors(), "config/limits.yaml": application.models.limits_error}
    return [
        f"{name} is wrong, or waits for another file; the last good one is served."
        for name, error in errors.items()
        if error
    ]


def _page(service: ServiceFile, keyed: bool) -> str:
    shown = {
        "examples": service.examples,
        "maxCharacters": service.question_max_characters,
        "keyed": keyed,
    }
    return (
        (PAGE / "index.html")
        .read_text("utf-8")
        .replace("SERVICE_TITLE", html.escape(service.title))
        .replace("SERVICE_SETTINGS", html.escape(json.dumps(shown)))
    )


def _answer_errors(api: FastAPI) -> None:
    """Give every error the shape of ``Problem``; what is not expected is the boundary's to answer."""

    @api.exception_handler(ScaffoldError)
    async def scaffold_error(_: Request, error: ScaffoldError) -> JSONResponse:
        return problem(error.http_status, type(error).__name__, str(error), error.after)

    @api.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "RequestError", f"{error.detail.rstrip('.')}.")

    @api.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
        explained = _explain(request.url.path, error.errors())
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "ValidationError", explained)


def _explain(path: str, errors: Sequence[Any]) -> str:
    """The first mistake in one sentence; what was sent is not repeated."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return "The body is not valid JSON."
    field = ".".join(str(part) for part in first["loc"][1:])
    if not field and first["type"] == "value_error":
        return f"{first['ctx']['error']}."
    if not field:
        return 'Send a JSON object such as {"question": "..."}, with Content-Type: application/json.'
    if first["type"] == "extra_forbidden":
        *names, last = FIELDS.get(path, Question).model_fields
        return f"There are only the fields {', '.join(names)} and {last}."
    message = first["msg"].removeprefix("Value error, ")
    return f"{field}: {message[0].lower()}{message[1:]}."
