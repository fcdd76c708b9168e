"""A page to review cases on, for one person at this machine: loopback only, behind an address that nobody can guess."""

from __future__ import annotations

import contextlib
import hmac
import html
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from ..application import Application
from ..errors import ScaffoldError
from ..evaluation import Case, load_cases
from ..evaluation.cases import Changes, Indexed, approve, edit, passages_of, reject, reset
from .boundary import SECURITY_HEADERS, problem
from .callers import is_loopback
from .server import listen

HOST = "127.0.0.1"
"""There is no other: whoever reaches the page can change what the evaluation measures."""
PAGE = Path(__file__).parent / "review.html"


class Decision(BaseModel):
    """What the reviewer wants of a case."""

    model_config = ConfigDict(extra="forbid")

    id: str
    action: Literal["approve", "reject", "reset", "edit"]
    changes: Changes = Changes()
    """For edit."""


def create_review(
    application: Application, path: Path, by: str, token: str, done: Callable[[], None] = lambda: None
) -> FastAPI:
    """The page for the cases of ``path`` that wait now, at ``/TOKEN/``; ``done`` is called when its reader is.

    A request counts only from this machine, to this machine's own name, with the token, and, where it changes
    something, from the page itself: a page elsewhere can neither read the token nor send JSON without asking first
    (Fetch standard, "CORS-preflight fetch"), and a name that points here is refused (DNS rebinding).
    """
    indexed = Indexed(application)
    chosen = [case.id for case in load_cases(path) if case.review.state == "unreviewed"]
    nonce = secrets.token_urlsafe(16)

    async def guarded(request: Request) -> None:
        check_reader(request, token)

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(guarded)])

    @app.middleware("http")
    async def closed(request: Request, further: Callable[[Request], Any]) -> Response:
        answer: Response = await further(request)
        policy = f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'"
        answer.headers.update({**SECURITY_HEADERS, "cache-control": "no-store"})
        answer.headers["content-security-policy"] = f"{policy}; base-uri 'none'; frame-ancestors 'none'"
        return answer

    @app.exception_handler(ScaffoldError)
    async def mistaken(_: Request, error: ScaffoldError) -> JSONResponse:
        return problem(HTTPStatus.BAD_REQUEST, type(error).__name__, str(error).replace(f"{path}:", "line "))

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "RequestError", error.detail)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "ValidationError", f"{field}: {first['msg']}.")

    @app.get("/{token}/")
    async def page() -> Response:
        """The page."""
        text = PAGE.read_text("utf-8").replace("NONCE", nonce)
        return Response(text.replace("REVIEWER", html.escape(by)), media_type="text/html")

    @app.get("/{token}/cases")
    async def cases() -> list[dict[str, Any]]:
        """Every case of this review, with what its sources say."""
        there = {case.id: case for case in load_cases(path)}
        return [_shown(indexed, there[id_]) for id_ in chosen if id_ in there]

    @app.post("/{token}/decide")
    async def decide(decision: Decision) -> dict[str, Any]:
        """Do what the reviewer wants; answers the case as it is then."""
        if decision.action == "approve":
            case = approve(path, decision.id, by, application.index.directory)
        elif decision.action == "edit":
            case = edit(path, decision.id, decision.changes)
        else:
            case = reject(path, decision.id, by) if decision.action == "reject" else reset(path, decision.id)
        return _shown(indexed, case)

    @app.post("/{token}/done")
    async def finish() -> dict[str, str]:
        """End the review."""
        done()
        return {"status": "done"}

    return app


def check_reader(request: Request, token: str) -> None:
    """Raise ``HTTPException`` unless the request comes from the page, or from whoever opens its address here."""
    client, host = request.client, request.headers.get("host", "")
    if client is None or not is_loopback(client.host) or not is_loopback(host.rpartition(":")[0] or host):
        raise HTTPException(HTTPStatus.FORBIDDEN, "The review answers this machine only.")
    if not hmac.compare_digest(request.path_params["token"].encode(), token.encode()):
        raise HTTPException(HTTPStatus.NOT_FOUND, "Open the address that 'eval review --page' printed.")
    if request.method == "POST":
        if request.headers.get("origin", f"http://{host}") != f"http://{host}":
            raise HTTPException(HTTPStatus.FORBIDDEN, "A page of another origin may not review.")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send JSON.")


def serve_review(application: Application, path: Path, by: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve the page until its reader is done or interrupts. Raises ``ConfigurationError`` where it cannot listen."""
    token = secrets.token_urlsafe(24)

    def done() -> None:
        server.should_exit = True

    with listen(HOST, port) as listening:
        app = create_review(application, path, by, token, done)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, proxy_headers=False, ws="none", lifespan="off"
        )
        server = uvicorn.Server(config)
        tell(f"Review at http://{HOST}:{listening.getsockname()[1]}/{token}/ (Ctrl+C ends it)")
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


def _shown(indexed: Indexed, case: Case) -> dict[str, Any]:
    passages = [asdict(passage) for passage in passages_of(indexed, case)]
    return {**json.loads(case.model_dump_json()), "passages": passages, "demands": case.expected.demands}
