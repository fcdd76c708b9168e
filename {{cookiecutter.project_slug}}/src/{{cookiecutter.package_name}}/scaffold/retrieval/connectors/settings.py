"""The shape of ``config/sources.yaml``: where documents come from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, HttpUrl, Tag, field_validator

from ...config import File, Settings, load_yaml

WHERE = "config/sources.yaml"


def _name(name: str) -> str:
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > 60:
        raise ValueError("a source's name is lower-case words joined by -, of at most 60 characters together")
    return name


def _variable(name: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):  # and is not shown: it may be the secret
        raise ValueError("must be the name of an environment variable, such as CRM_TOKEN, never the secret itself")
    return name


def _code(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", name):
        raise ValueError("must be package.module:Class")
    return name


def _address(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError("a URL here must not hold a name or password; name their variables in auth")
    return url


def _kind(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) else None


def _told_by_kind(*known: str) -> Discriminator:
    # By a function, because a field with a validator round it, as every field of a File has, cannot tell shapes apart.
    return Discriminator(_kind, "unknown_kind", f"its kind must be one of {', '.join(known)}")


Name = Annotated[str, AfterValidator(_name)]
Variable = Annotated[str, AfterValidator(_variable)]
Code = Annotated[str, AfterValidator(_code)]
Address = Annotated[HttpUrl, AfterValidator(_address)]
Prefix = Annotated[
    Literal["", "group:", "user:"],
    Field(description="Put before each name of allow and deny, where the source writes bare names."),
]
Pointer = Annotated[str, Field(min_length=1)]
"""To a value in a record: names joined by dots, or a JSON pointer (RFC 6901); with ? behind it, it may be absent."""


class Source(File):
    """What every source has."""

    fresh_within_hours: float = Field(
        default=24, gt=0, description="Oldest that a change may be before it must be in the index."
    )
    full_every_hours: float = Field(
        default=24,
        ge=0,
        description="How often all is listed of a source that can list changes, and all is read of a folder of files.",
    )


class Files(Source):
    """A folder of files."""

    kind: Literal["files"]
    folder: str = Field(default="data/documents", description="Below the project's folder, or absolute.")


class Asked(Source):
    """A source that is asked over the network."""

    requests_per_second: float = Field(default=5, gt=0, description="How often it is asked at most.")
    tries: int = Field(default=5, ge=1, le=20, description="How often one request is made at most.")
    timeout: float = Field(default=30, gt=0, description="Seconds until an answer must be complete.")


class Mapped(Source):
    """A source whose documents are records."""

    fields: dict[str, Pointer] = Field(
        description="Where in a record each field of the contract is; id and text are needed, title, updated, "
        "language, status, allow and deny may be given. A path with ? behind it may be absent."
    )
    prefix: Prefix = ""
    format: Literal["markdown", "html", "plain"] = Field(default="plain", description="How text is written.")
    deleted: Pointer | None = Field(default=None, description="Where a record says that it is deleted.")
    contract: Code | None = Field(
        default=None, description="package.module:Class of a subclass of Record that records must fit."
    )

    @field_validator("fields")
    @classmethod
    def _needed(cls, fields: dict[str, str]) -> dict[str, str]:
        for name in ("id", "text"):
            if name not in fields:
                raise ValueError(f"must say where {name} is")
        for name in ("allow", "deny"):
            if fields.get(name, "").endswith("?"):  # absent would mean that nothing is forbidden
                raise ValueError(f"{name} must not be absent from a record; take the ? away")
        if "deny" in fields and "allow" not in fields:
            raise ValueError("deny needs allow beside it: lists of the source's own go before the rules")
        return fields


class Bearer(File):
    """``Authorization: Bearer …`` (RFC 6750)."""

    kind: Literal["bearer"]
    token_env: Variable = Field(description="Environment variable that holds the token.")


class HeaderKey(File):
    """A key in a header of its own."""

    kind: Literal["header"]
    header: str = Field(default="X-API-Key", pattern="^[A-Za-z0-9-]+$", description="Name of the header.")
    token_env: Variable = Field(description="Environment variable that holds the key.")


class Basic(File):
    """Name and password (RFC 7617)."""

    kind: Literal["basic"]
    user_env: Variable = Field(description="Environment variable that holds the name.")
    password_env: Variable = Field(description="Environment variable that holds the password.")


class ClientCredentials(File):
    """OAuth 2.0 client credentials (RFC 6749 section 4.4)."""

    kind: Literal["oauth2"]
    token_url: Address = Field(description="Where tokens are issued.")
    client_id_env: Variable = Field(description="Environment variable that holds the client's id.")
    client_secret_env: Variable = Field(description="Environment variable that holds the client's secret.")
    scope: str | None = Field(default=None, description="What is asked for.")


Auth = Annotated[
    Annotated[Bearer, Tag("bearer")]
    | Annotated[HeaderKey, Tag("header")]
    | Annotated[Basic, Tag("basic")]
    | Annotated[ClientCredentials, Tag("oauth2")],
    _told_by_kind("bearer", "header", "basic", "oauth2"),
]


class NextLink(File):
    """Each answer holds the address of the next page."""

    kind: Literal["next-link"]
    field: Pointer = Field(description="Where in the answer it is; null or empty on the last page.")


class LinkHeader(File):
    """Each answer has a header ``Link`` with rel="next" (RFC 8288), but for the last one."""

    kind: Literal["link-header"]


class PageNumber(File):
    """Pages by number, up to one that is empty."""

    kind: Literal["page"]
    parameter: str = "page"
    first: int = Field(default=1, ge=0)


class Offset(File):
    """Pages by the number of records before them, up to one that is empty."""

    kind: Literal["offset"]
    parameter: str = "offset"
    limit_parameter: str = "limit"
    limit: int = Field(default=100, ge=1, description="Records that a page is asked for; it may hold fewer.")


class CursorToken(File):
    """Each answer holds what to ask for the next page with."""

    kind: Literal["cursor"]
    parameter: str = "cursor"
    field: Pointer = Field(description="Where in the answer it is; null or empty on the last page.")


Paging = Annotated[
    Annotated[NextLink, Tag("next-link")]
    | Annotated[LinkHeader, Tag("link-header")]
    | Annotated[PageNumber, Tag("page")]
    | Annotated[Offset, Tag("offset")]
    | Annotated[CursorToken, Tag("cursor")],
    _told_by_kind("next-link", "link-header", "page", "offset", "cursor"),
]


class Since(File):
    """Listings of what changed."""

    parameter: str = Field(min_length=1, description="The parameter of the request that says since when.")
    field: Pointer = Field(description="Where a record says when it changed: a date (ISO 8601) or a rising number.")
    overlap_seconds: float = Field(
        default=300, ge=0, description="Asked for again each time, for what became visible late; not of numbers."
    )


class HttpJson(Mapped, Asked):
    """Records of a JSON API."""

    kind: Literal["http-json"]
    url: Address
    params: dict[str, str | int] = Field(default={}, description="Parameters of every request.")
    items: str = Field(default="", description="Where in an answer its records are; empty where it is their list.")
    total: Pointer | None = Field(default=None, description="Where an answer says how many records there are in all.")
    paging: Paging | None = Field(default=None, description="How further pages are asked for; without it there is one.")
    auth: Auth | None = Field(default=None, description="How the source knows us.")
    max_megabytes: float = Field(default=20, gt=0, le=1000, description="Largest answer.")
    since: Since | None = Field(default=None, description="Without it, all is listed every time.")


class Sql(Mapped):
    """Rows of a database."""

    kind: Literal["sql"]
    url_env: Variable = Field(description="Environment variable that holds the database's address, a SQLAlchemy URL.")
    query: str = Field(description="Lists every document: SELECT or WITH.")
    changes: str | None = Field(default=None, description="Lists what changed since the bound parameter :since.")
    since: Pointer | None = Field(
        default=None, validate_default=True, description="Column that says when a row changed."
    )
    rows_at_once: int = Field(default=500, ge=1, description="Rows that are fetched at a time.")

    @field_validator("query", "changes")
    @classmethod
    def _reads(cls, query: str | None) -> str | None:
        if query is not None and not re.match(r"\s*(select|with)\b", query, re.IGNORECASE):
            raise ValueError("must be a query that reads: SELECT …, or WITH … SELECT …")
        return query

    @field_validator("since")
    @classmethod
    def _both(cls, since: str | None, info: Any) -> str | None:
        changes = info.data.get("changes")
        if (changes is None) != (since is None) or (changes and ":since" not in changes):
            raise ValueError("changes, with :since in it, and since belong together")
        return since


class S3(Asked):
    """Objects of a bucket."""

    kind: Literal["s3"]
    requests_per_second: float = Field(default=100, gt=0, description="How often it is asked at most.")
    bucket: str = Field(min_length=3)
    folder: str = Field(default="", description="Only objects whose key begins so; with / at its end.")
    endpoint_url: Address | None = Field(default=None, description="Of a store that is compatible with S3.")
    region: str | None = None
    access: Literal["rules", "metadata", "tags"] = Field(
        default="rules", description="Who sees an object: data/access.yaml, or allow and deny of its metadata or tags."
    )
    prefix: Prefix = ""


class Custom(Source):
    """A connector of your own."""

    kind: Literal["custom"]
    connector: Code = Field(description="package.module:Class; see docs/connectors.md.")
    options: dict[str, Any] = Field(default={}, description="What the class is made with, by name.")


AnySource = Annotated[
    Annotated[Files, Tag("files")]
    | Annotated[HttpJson, Tag("http-json")]
    | Annotated[Sql, Tag("sql")]
    | Annotated[S3, Tag("s3")]
    | Annotated[Custom, Tag("custom")],
    _told_by_kind("files", "http-json", "sql", "s3", "custom"),
]


class SourcesFile(File):
    """``config/sources.yaml``: every source by its name, which stands before the names of its documents."""

    sources: dict[Name, AnySource] = Field(min_length=1, description="Sources by name.")


DEFAULT = SourcesFile(sources={"documents": Files(kind="files")})
"""Where there is no file: the folder that the project ships with."""


def load_sources(settings: Settings) -> SourcesFile:
    """The sources of the project. Raises ``ConfigurationError`` where the file is wrong."""
    path = settings.path(*Path(WHERE).parts)
    return load_yaml(path, SourcesFile) if path.exists() else DEFAULT
