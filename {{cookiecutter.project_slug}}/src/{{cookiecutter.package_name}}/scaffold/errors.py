"""The one error hierarchy. A message says what is wrong, where, and how to mend it."""

from __future__ import annotations


class ScaffoldError(Exception):
    """Base of every error that a person can mend; shown as one sentence, never as a traceback.

    ``exit_code`` is what the command line leaves with, ``http_status`` what the service answers with.
    """

    exit_code = 1
    http_status = 500
    after: float = 0
    """Seconds until another try may help, where that is known; the service answers with ``Retry-After``."""


class ConfigurationError(ScaffoldError):
    """A file, a setting or an environment variable is missing or wrong."""

    exit_code = 2


class UsageError(ScaffoldError):
    """The request itself cannot be served: empty question, unknown caller, unknown name."""

    exit_code = 2
    http_status = 400


class NotFound(UsageError):
    """What the request is about is not there, or is somebody else's."""

    http_status = 404


class Conflict(UsageError):
    """What the request is about is not what it says."""

    http_status = 409


class AuthenticationError(ScaffoldError):
    """The caller has not proved who they are."""

    exit_code = 2
    http_status = 401


class PolicyViolation(ScaffoldError):
    """The policy forbids what was about to happen; nothing was sent."""

    http_status = 403


class RightsUnknown(ScaffoldError):
    """What the caller may see cannot be found out; nothing was searched or sent."""

    http_status = 503


class DocumentError(ScaffoldError):
    """A document cannot be read; it is named, skipped and counted."""


class SourceError(ScaffoldError):
    """A source cannot be listed, or not to its end; what is indexed of it stays, and the others are read."""


class IndexBusy(ScaffoldError):
    """Another process is at work on the index, and it takes one at a time; nothing was done."""

    http_status = 503


class StoreUnavailable(ScaffoldError):
    """The server that keeps the index cannot be reached, or does not do what it is asked."""

    http_status = 503

    def __init__(self, message: str, after: float = 0) -> None:
        super().__init__(message)
        self.after = after


class LimitReached(ScaffoldError):
    """A budget of ``config/limits.yaml`` is used up, or cannot be held; nothing was sent."""

    http_status = 429

    def __init__(self, message: str, after: float = 0) -> None:
        super().__init__(message)
        self.after = after


class RateLimited(LimitReached):
    """A role is at its rate, or its queue is full; nothing was sent."""


class ModelsStopped(LimitReached):
    """Somebody stopped this role, or all of them, in ``config/limits.yaml``; nothing was sent."""

    http_status = 503


class LedgerError(ScaffoldError):
    """The ledger or the rates of model calls cannot be written; no call goes out uncounted."""


class ModelError(ScaffoldError):
    """A model could not answer: unreachable, refused, malformed.

    ``elsewhere`` says that the fault is the vendor's rather than the request's, so that another model may answer.
    """

    http_status = 502
    elsewhere = False


class ModelUnreadable(ModelError):
    """What came back is no answer."""

    elsewhere = True


class ModelUnavailable(ModelError):
    """The model is down, or throttles. ``again`` says that another try may help, not before ``after`` seconds."""

    http_status = 503
    elsewhere = True

    def __init__(self, message: str, again: bool = True, after: float = 0) -> None:
        super().__init__(message)
        self.again, self.after = again, after


class ModelTimeout(ModelUnavailable):
    """The model did not answer in time."""


class CircuitOpen(ModelUnavailable):
    """The model failed so often that it is left alone for a while; nothing was sent."""


class AuditError(ScaffoldError):
    """The audit log cannot be written or does not verify; no call goes out unrecorded."""


class RecordError(ScaffoldError):
    """What became of a question cannot be written down; no answer goes out that feedback could not be matched with."""


class EvidenceError(ScaffoldError):
    """Evidence for a gate is missing, stale or measured on something else."""
