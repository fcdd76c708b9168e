"""Control: whatever a vendor's client raises becomes one clear error, and an answer that breaks off is an error."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from ..errors import ModelError, ModelTimeout, ModelUnavailable, ModelUnreadable, ScaffoldError
from .governed import Governed, Passage
from .refusals import Refusal, refusal
from .settings import WHERE, ModelEntry
from .shape import PARSING, misfit

# The statuses that every vendor uses alike (RFC 9110 section 15, RFC 6585 section 4).
SENTENCES: dict[int, tuple[type[ModelError], str]] = {
    400: (ModelError, "rejected the request as invalid{detail}; check the model's parameters in {where}"),
    401: (ModelError, "did not accept the key; check {key}"),
    403: (ModelError, "refused access to this key{code}; ask whoever administers the account, or check {key}"),
    404: (ModelError, "does not know the model{detail}; check model and base_url in {where}"),
    408: (ModelUnavailable, "gave up waiting for the request; try again"),
    413: (ModelError, "found the request too long; ask for less, or retrieve fewer passages"),
    429: (ModelUnavailable, "throttles: its rate limit or quota is used up; try again later"),
}

PASSING = {408, 429, 500, 502, 503, 504, 529}
"""Statuses that may be gone at the next try; 529 is Anthropic's for too much to do."""

OVERFLOW = ("context length", "context window", "context size")
"""What servers that speak OpenAI's protocol, and Ollama, say of a request that is too long for the model."""

BROKEN = (
    *("RemoteProtocolError", "ReadError"),  # httpx
    *("ConnectionClosedError", "ResponseStreamingError", "IncompleteReadError", "ProtocolError"),  # botocore, urllib3
)
"""Errors of HTTP clients whose connection ended before the answer did."""

NO_LOGIN = (
    *("DefaultCredentialsError", "RefreshError"),  # Google Cloud
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"),  # AWS
    *("NoAuthTokenError", "TokenRetrievalError", "SSOError", "LoginError"),
)
"""Errors of clouds' logins, before anything is sent to a model."""

REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason")
"""What vendors call the reason why an answer ended."""

WITHHELD = {"content_filter", "refusal", "content_filtered", "guardrail_intervened"}
WITHHELD |= {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"}
"""Reasons to end of vendors' content filters."""


class Translated(Governed):
    """Raises ``ModelError`` or ``ModelUnavailable`` in place of the vendor's own errors, in every kind of call."""

    entry: ModelEntry

    def passage(self, messages: list[BaseMessage], options: Any) -> Passage:
        """Knows whether the answer came to its end."""
        return _Watched(messages, self.entry)


class _Watched(Passage):
    def __init__(self, messages: list[BaseMessage], entry: ModelEntry) -> None:
        super().__init__(messages)
        self._entry = entry
        self._began = self._said = self._finished = self._withheld = False

    def answered(self, result: ChatResult) -> ChatResult:
        for generation in result.generations:
            self._look(generation, result.llm_output or {})
        self._check()
        return result

    def piece(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        self._look(chunk, {})
        return chunk

    def complete(self) -> list[ChatGenerationChunk]:
        self._check()
        return []

    def ended(self, error: BaseException | None) -> None:
        # Not what is no Exception: a cancellation or an abandoned stream is the caller's doing, and stays what it is.
        if isinstance(error, Exception) and not isinstance(error, ScaffoldError):
            raise explain(error, self._entry) from error

    def _look(self, generation: Any, beside: dict[str, Any]) -> None:
        message = generation.message
        self._began = True
        self._said |= bool(message.content or any(message.additional_kwargs.values()))
        self._said |= bool(getattr(message, "tool_calls", None) or getattr(message, "tool_call_chunks", None))
        told = {**beside, **(generation.generation_info or {}), **message.response_metadata}
        ended = isinstance(message, AIMessageChunk) and message.chunk_position == "last"
        reasons = [told.get(key) for key in (*REASONS, "done")]
        self._withheld |= _blocked(told) or not WITHHELD.isdisjoint(reasons)
        self._finished |= ended or any(reasons)

    def _check(self) -> None:
        """A connection that closes between two pieces looks like an end; only the vendor's word makes it one."""
        if self._withheld:
            raise _withheld(self._entry)
        if self._began and not self._finished:
            raise _broken(self._entry)
        if not self._said:
            raise _unreadable(self._entry, "it was empty")


def explain(error: Exception, entry: ModelEntry) -> ModelError:
    """The error that a person can act on. What a vendor said is quoted in part only where it helps to mend."""
    name = _name(entry)
    slow = _is(error, "ModelTimeoutError", "TimeoutException", "TimeoutError")
    if slow and not _is(error, "NewConnectionError"):  # which urllib3 calls a timeout, also of a refused connection
        return too_slow(entry, entry.timeout)
    if _is(error, "ContentFilterFinishReasonError") or "due to a content filter" in str(error):  # the latter is Azure's
        return _withheld(entry)
    if _is(error, "ContextOverflowError"):
        return _too_long(entry)
    if refused := refusal(error):
        return _refused(refused, entry)
    if _is(error, *NO_LOGIN):
        return ModelError(
            f"{name} needs a login of its cloud that works ({' '.join(str(error).split())[:200]}); "
            "log in as the cloud's own tools do, or give this machine a role."
        )
    if _is(error, *BROKEN) or (type(error) is ConnectionError and entry.provider == "bedrock"):  # of its streams
        return _broken(entry)
    if fault := _ours(error):
        return ModelError(
            f"{name} was not asked, or its answer was not read: the program around the call failed ({fault}); ask all "
            "models of a process in one event loop, or look at the code that asks."
        )
    if _is(error, "ModelConnectionError", "TransportError", "ConnectionError"):
        return ModelUnavailable(
            f"{name} cannot be reached at {entry.address}; check the network and that it runs, or base_url in {WHERE}."
        )
    if _is(error, *PARSING):
        return misfit(error, name)
    return _unreadable(entry, type(error).__name__)


def _refused(refused: Refusal, entry: ModelEntry) -> ModelError:
    name, status = _name(entry), refused.status
    if status >= 500:
        return ModelUnavailable(
            f"{name} has a fault of its own (status {status}); try again later.",
            again=status in PASSING,
            after=refused.after,
        )
    if refused.code == "content_filter":
        return _withheld(entry)
    if status == 400 and any(words in refused.said.lower() for words in OVERFLOW):
        return _too_long(entry)
    kind, sentence = SENTENCES.get(status, (ModelError, "refused the request with status {status}{detail}"))
    words = " ".join(refused.said.split())[:200]
    key = "the login of this machine" if entry.keyless else f"the environment variable {entry.key_env}"
    detail, code = (f" ({told})" if told else "" for told in (words, refused.code))
    said = sentence.format(status=status, detail=detail, code=code, where=WHERE, key=key)
    if kind is ModelUnavailable:
        return ModelUnavailable(f"{name} {said}.", after=refused.after)
    return kind(f"{name} {said}.")


def too_slow(entry: ModelEntry, seconds: float) -> ModelTimeout:
    """``seconds`` are what it had: its own timeout, or less where the deadline of the request left less."""
    name = _name(entry)
    if seconds < entry.timeout:
        return ModelTimeout(
            f"{name} did not answer within the {seconds:.3g} seconds that the deadline left it; "
            f"try again, or raise deadline in {WHERE}."
        )
    return ModelTimeout(f"{name} did not answer within {seconds:g} seconds; try again, or raise timeout in {WHERE}.")


def _too_long(entry: ModelEntry) -> ModelError:
    return ModelError(f"{_name(entry)} found the request too long; ask for less, or retrieve fewer passages.")


def _withheld(entry: ModelEntry) -> ModelError:
    return ModelError(f"{_name(entry)} withheld its answer: its content filter found something; put it differently.")


def unbilled(error: BaseException) -> bool:
    """Whether the vendor surely charged nothing: it refused the request (4xx), or was never reached.

    Not where it had a fault of its own or broke off: it may have worked until then.
    """
    refused = refusal(error)
    if refused is not None and 400 <= refused.status < 500:
        return not _is(error, "EventStreamError")  # AWS's, in the midst of a stream
    return _is(error, "ConnectError", "ConnectTimeout", "EndpointConnectionError", "ConnectTimeoutError", *NO_LOGIN)


def _blocked(told: dict[str, Any]) -> bool:
    """Whether the vendor answers nothing because of the prompt, which is how Google says so."""
    return bool((told.get("prompt_feedback") or {}).get("block_reason"))


def _broken(entry: ModelEntry) -> ModelUnavailable:
    return ModelUnavailable(f"{_name(entry)} broke off in the midst of its answer; ask again.")


def _unreadable(entry: ModelEntry, reason: str) -> ModelUnreadable:
    return ModelUnreadable(
        f"{_name(entry)} sent nothing that can be read as an answer ({reason}); check base_url in {WHERE}."
    )


def _ours(error: BaseException) -> RuntimeError | None:
    """What Python says where connections are used after their event loop ended, or from another one."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen) is RuntimeError:
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _is(error: BaseException, *names: str) -> bool:
    """Whether the error, or one that it came from, is of a class of that name.

    By name, because vendors' clients bring HTTP clients of their own whose errors are called the same.
    """
    seen: BaseException | None = error
    while seen is not None:
        if any(kind.__name__ in names for kind in type(seen).__mro__):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _name(entry: ModelEntry) -> str:
    return f"The model {entry.provider}/{entry.model}"
