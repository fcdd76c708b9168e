"""Traces, metrics and logs, by OpenTelemetry's conventions and without content."""

from .calls import Call, calling, current_call, trace_id
from .logs import configure_logging
from .telemetry import Telemetry

__all__ = ["Call", "Telemetry", "calling", "configure_logging", "current_call", "trace_id"]
