"""A vendor's refusal in one shape, whichever client told it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

AWS_STATUSES = {
    "ModelErrorException": 500,
    "ServiceQuotaExceededException": 429,
    # In a stream these have no status of their own.
    "ThrottlingException": 429,
    "InternalServerException": 500,
    "ModelStreamErrorException": 500,
    "ServiceUnavailableException": 503,
}
"""The status that an error of AWS stands for, where it is sent with another one."""


@dataclass(frozen=True)
class Refusal:
    """``after`` are the seconds that the vendor asks to wait; 0 where it says nothing."""

    status: int
    code: str | None
    said: str
    after: float


def refusal(error: BaseException) -> Refusal | None:
    """The refusal that an error tells, or one that it came from; None where the vendor refused nothing."""
    seen: BaseException | None = error
    while seen is not None:
        for read in (_plain, _google, _aws):
            if found := read(seen):
                return found
        seen = seen.__cause__
    return None


def _plain(error: Any) -> Refusal | None:
    """Of clients that were generated from OpenAPI, and of Ollama's."""
    status, body = getattr(error, "status_code", None), getattr(error, "body", None)
    told = body.get("error", body) if isinstance(body, dict) else {"message": getattr(error, "error", None)}
    if not isinstance(told, dict) or not (status or told.get("message")):
        return None
    if not isinstance(status, int) or status < 400:  # told in a stream, which had begun well
        status = 500
    code = getattr(error, "code", None) or told.get("type")
    return Refusal(status, code, str(told.get("message") or ""), _retry_after(error))


def _google(error: Any) -> Refusal | None:
    """Of Google's SDK: https://google.aip.dev/193."""
    status, body = getattr(error, "code", None), getattr(error, "details", None)
    if not isinstance(status, int) or not isinstance(body, dict):
        return None
    told = body.get("error", body)
    details = [each for each in told.get("details", []) if isinstance(each, dict)]
    delays = [float(each["retryDelay"].removesuffix("s")) for each in details if "retryDelay" in each]
    if any(each.get("reason") == "API_KEY_INVALID" for each in details):
        status = 401  # sent as 400
    return Refusal(status, told.get("status"), str(told.get("message") or ""), max([_retry_after(error), *delays]))


def _aws(error: Any) -> Refusal | None:
    """Of botocore: https://docs.aws.amazon.com/boto3/latest/guide/error-handling.html."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict) or "Error" not in response:
        return None
    told, metadata = response["Error"], response.get("ResponseMetadata", {})
    code = str(told.get("Code", ""))
    code = code[:1].upper() + code[1:]  # the events of a stream begin small
    status = AWS_STATUSES.get(code, metadata.get("HTTPStatusCode", 400))
    after = seconds(metadata.get("HTTPHeaders", {}).get("retry-after", ""))
    return Refusal(status, code, str(told.get("Message") or ""), after)


def _retry_after(error: Any) -> float:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    return seconds(str(headers.get("retry-after", "")))


def seconds(said: str) -> float:
    """What the header Retry-After says, a number or a date (RFC 9110 section 10.2.3), in seconds from now."""
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
