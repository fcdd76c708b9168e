"""Listening: where, as whom, and until when."""

from __future__ import annotations

import contextlib
import errno
import logging
import signal
import socket
import threading

import typer
import uvicorn

from ..application import Application
from ..errors import ConfigurationError
from ..guardrails import redact
from ..observability import configure_logging
from ..reindex import works
from ..retrieval.upkeep import Desk
from .api import create_api
from .callers import is_loopback
from .settings import follow


def serve(application: Application, host: str | None = None, port: int | None = None) -> None:
    """Serve ``application`` until it is interrupted; ``host`` and ``port`` go before config/service.yaml.

    Port 0 takes a free one; the line that is printed says which. Raises ``ConfigurationError`` where it may not or
    cannot listen.
    """
    service = follow(application.settings).get()
    host = host if host is not None else service.host
    port = port if port is not None else service.port
    api = create_api(application)
    keys = application.settings.api_keys
    if not (keys and keys.get_secret_value()) and service.tokens is None and not is_loopback(host):
        raise ConfigurationError(
            f"Without keys nobody proves who they are, so {host!r} is refused; "
            "set APP_API_KEYS, or listen on 127.0.0.1 (--host, or host in config/service.yaml)."
        )
    configure_logging(application.settings, redact)
    logging.getLogger().setLevel(service.log_level.upper())
    with (
        listen(host, port) as listening,
        Desk(application.index, application.state, works(application)),
    ):
        shown = f"[{host}]" if ":" in host else host
        typer.echo(f"{service.title} is at http://{shown}:{listening.getsockname()[1]} (Ctrl+C stops it)")
        config = uvicorn.Config(
            api,
            log_config=None,  # its loggers then pass their records on to ours, which redacts them
            access_log=False,
            server_header=False,
            proxy_headers=False,  # who the client is decides who is answered; no header may change that
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=round(service.request_timeout_seconds),
        )
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal again once it has stopped. As an interrupt it ends this function instead of the
            # process, so that the caller closes the application and the last traces are sent.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises ``ConfigurationError`` where that is not possible."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OverflowError:
        reason = "ports go from 0 to 65535"
    except OSError as error:
        reason = str(error.strerror or error).lower()
        if error.errno == errno.EADDRINUSE:
            reason = "another program listens there; stop it, or choose another port"
    where = "--host and --port, or config/service.yaml"
    raise ConfigurationError(f"Cannot listen on {host}, port {port}: {reason} ({where}).")
