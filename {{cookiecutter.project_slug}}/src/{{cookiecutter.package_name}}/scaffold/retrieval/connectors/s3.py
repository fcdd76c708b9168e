"""Objects of a bucket that speaks S3's protocol."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from ...errors import DocumentError, SourceError
from ...models.refusals import seconds
from ...models.request import Pace
from ..access import Access
from ..documents import Raw
from ..formats import READERS
from .contract import Broken, Record, check, identifier
from .pacing import Paced, Passing
from .place import Place
from .port import Entry
from .records import NOBODY, set_aside
from .settings import S3

THROTTLED = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
REFUSED = {
    "NoSuchBucket": "there is no such bucket; check bucket and region of the source",
    "AccessDenied": "refuses access with this login; it needs to list the bucket and to read its objects",
    "InvalidAccessKeyId": "does not know this login",
    "SignatureDoesNotMatch": "does not accept this login",
    "ExpiredToken": "does not accept this login any more, it has run out",
    "PermanentRedirect": "is in another region; name it as region of the source",
}


class Bucket:
    """A source of kind ``s3``. Who it is comes from the machine, as AWS's own tools find it."""

    def __init__(self, source: S3, place: Place, max_bytes: int, pace: Pace) -> None:
        """Opens no connection. ``max_bytes``: the largest object that is read."""
        self._source, self._place, self._max_bytes = source, place, max_bytes
        self._paced = Paced(source.requests_per_second, source.tries, pace)
        self._made: Any = None

    def entries(self, since: str | None) -> Iterator[Entry]:
        """All objects, a thousand a request."""
        token: dict[str, Any] = {}
        while True:
            page = self._ask("list_objects_v2", Prefix=self._source.folder, **token)
            for found in page.get("Contents", []):
                if not found["Key"].endswith("/"):  # what consoles put there for an empty folder
                    yield self._entry(found)
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def cursor(self) -> str | None:
        """None: all is listed every time."""
        return None

    def read(self, entry: Entry) -> Raw:
        """The object, as it was when it was listed."""
        try:
            data = self._ask("get_object", self._body, Key=self._source.folder + entry.id, IfMatch=entry.version)
        except _Gone:
            raise DocumentError(f"{entry.id}: changed while it was read; the next sync reads it.") from None
        if len(data) > self._max_bytes:
            raise DocumentError(f"{entry.id}: {TOO_LARGE}.")
        return Raw(entry.id, data, PurePosixPath(entry.id).suffix.lower())

    def close(self) -> None:
        """Close the connections."""
        if self._made is not None:
            self._made.close()

    def _entry(self, found: dict[str, Any]) -> Entry:
        key, size = found["Key"], found["Size"]
        name = key.removeprefix(self._source.folder)
        kept = {"id": key, "size": size}
        try:
            name = identifier(name)
        except ValueError as error:
            return set_aside(None, kept, Broken({"id": str(error)}))
        if PurePosixPath(name).suffix.lower() not in READERS:
            return Entry(name, problem=f"{name}: is of no kind that can be read ({', '.join(READERS)}).")
        if size > self._max_bytes:
            return Entry(name, problem=f"{name}: {TOO_LARGE}.")
        try:
            access = self._access(key)
        except Broken as error:
            return set_aside(name, kept, error, NOBODY)
        except _Gone:
            return Entry(name, deleted=True)
        return Entry(name, version=found["ETag"], modified=found["LastModified"], access=access)

    def _access(self, key: str) -> Access | None:
        if self._source.access == "rules":
            return None
        if self._source.access == "metadata":
            told = self._ask("head_object", Key=key)["Metadata"]
        else:
            tags = self._ask("get_object_tagging", Key=key)["TagSet"]
            told = {tag["Key"]: tag["Value"] for tag in tags}
        # Tags may hold no comma, so that a space separates as well.
        names = {
            field: [f"{self._source.prefix}{name}" for name in re.split(r"[,\s]+", told.get(field, "")) if name]
            for field in ("allow", "deny")
        }
        values = {"id": "object", "text": "not read yet", **names}
        return check(Record, values, datetime.now(UTC)).access

    def _ask(self, operation: str, take: Callable[[dict[str, Any]], Any] = lambda answer: answer, **given: Any) -> Any:
        """One request, again where that may help; nothing that the vendor's client raises comes out of here."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        def once() -> Any:
            try:
                return take(getattr(self._client(), operation)(Bucket=self._source.bucket, **given))
            except NoCredentialsError:
                raise SourceError(f"{told}: needs a login; log in as AWS's own tools do, or set its keys.") from None
            except ClientError as error:
                raise self._refused(told, error.response) from None
            except (BotoCoreError, OSError) as error:  # OSError: urllib3's, in the midst of an answer
                raise Passing(
                    f"{told}: cannot be reached, or broke off ({type(error).__name__}); check the network and "
                    "endpoint_url."
                ) from None

        told = f"{self._where}: {operation} of the bucket {self._source.bucket}"
        return self._paced.ask(once)

    @cached_property
    def _where(self) -> str:
        return self._place("bucket")  # which reads the file: not at every request

    def _refused(self, told: str, response: Any) -> Exception:
        code, metadata = str(response["Error"].get("Code", "")), response["ResponseMetadata"]
        status = metadata.get("HTTPStatusCode", 0)
        after = seconds(metadata.get("HTTPHeaders", {}).get("retry-after", ""))
        if code in THROTTLED or status == 429:
            return Passing(f"{told}: limits the rate; it can be asked again later.", after)
        if status >= 500 or code in ("RequestTimeout", "InternalError"):
            return Passing(f"{told}: has a fault of its own (status {status}); it can be asked again.", after)
        if code in ("NoSuchKey", "404", "PreconditionFailed", "412"):
            return _Gone()
        return SourceError(f"{told}: {REFUSED.get(code, f'refuses with {code or status}')}.")

    def _body(self, answer: dict[str, Any]) -> bytes:
        data = bytearray()
        # To its end, and not at once: only then botocore notices that a part of the object did not arrive.
        while len(data) <= self._max_bytes and (piece := answer["Body"].read(1_000_000)):
            data += piece
        return bytes(data)

    def _client(self) -> Any:
        if self._made is None:
            try:
                import boto3
                from botocore.config import Config
            except ImportError:
                raise SourceError(
                    f"{self._place('kind')}: needs the package boto3; run 'make setup' with s3 among its EXTRAS."
                ) from None
            endpoint = self._source.endpoint_url
            self._made = boto3.Session().client(
                "s3",
                region_name=self._source.region,
                endpoint_url=str(endpoint) if endpoint else None,
                config=Config(
                    connect_timeout=self._source.timeout,
                    read_timeout=self._source.timeout,
                    retries={"total_max_attempts": 1},  # ours are paced, and their number is set
                    s3={"addressing_style": "path"} if endpoint else {},
                ),
            )
        return self._made


TOO_LARGE = "is larger than config/retrieval.yaml allows; split it, or raise max_megabytes"


class _Gone(Exception):
    """An object is not there any more, or not as it was listed."""
