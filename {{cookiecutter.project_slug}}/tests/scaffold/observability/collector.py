"""An OTLP receiver on loopback that keeps what it gets."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.scaffold.loopback import Quiet, listening


@dataclass
class Collector:
    """What arrived, with the path it was sent to."""

    url: str
    requests: list[tuple[str, ExportTraceServiceRequest]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(str(request) for _, request in self.requests)

    @property
    def names(self) -> list[str]:
        """Of all spans."""
        return [
            span.name
            for _, request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens until the block ends."""
    with listening(_Handler) as (server, url):
        server.collector = Collector(url)  # type: ignore[attr-defined]
        yield server.collector  # type: ignore[attr-defined]


class _Handler(Quiet):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        self.server.collector.requests.append((self.path, request))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
