"""A bucket as a source: on a real server of the protocol, and on one that throttles and breaks off."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from {{ cookiecutter.package_name }}.scaffold.errors import DocumentError, SourceError
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors.records import NOBODY

from tests.scaffold.models.vendors import nobody_there
from tests.scaffold.retrieval.connectors.api import Api, Fault, Request
from tests.scaffold.retrieval.connectors.conftest import Connect, Watch


@pytest.fixture(autouse=True)
def logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "AKIALOOPBACK", "SECRET_ACCESS_KEY": "loopback"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", "nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def bucket(server: str, logged_in: None) -> Iterator[Any]:
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    client.create_bucket(Bucket="papers")
    yield client
    boto3.resource("s3", endpoint_url=server, region_name="us-east-1").Bucket("papers").objects.delete()
    client.delete_bucket(Bucket="papers")


def source(server: str, **more: Any) -> dict[str, Any]:
    return {"kind": "s3", "bucket": "papers", "region": "us-east-1", "endpoint_url": server, **more}


def test_objects_become_documents(bucket: Any, server: str, connected: Connect) -> None:
    for key, body in {"hr/leave.md": b"30 days.", "hr/": b"", "it/vpn.MD": b"Use it.", "hr/logo.png": b"x"}.items():
        bucket.put_object(Bucket="papers", Key=key, Body=body)
    connector = connected(**source(server, folder="hr/"))
    leave, logo = connector.entries(None)
    assert (leave.id, leave.problem, leave.access) == ("leave.md", "", None)
    assert leave.modified is not None
    assert abs(leave.modified - datetime.now(UTC)).total_seconds() < 600
    assert connector.read(leave).data == b"30 days."
    assert logo.problem.startswith("logo.png: is of no kind that can be read")
    assert (connector.cursor(), [entry.id for entry in connected(**source(server)).entries(None)][-1]) == (
        None,
        "it/vpn.MD",
    )


def test_another_content_is_another_version_and_is_not_read_as_the_old_one(
    bucket: Any, server: str, connected: Connect
) -> None:
    connector = connected(**source(server))
    versions = []
    for body in (b"One.", b"One.", b"Two."):
        bucket.put_object(Bucket="papers", Key="a.md", Body=body)
        versions += list(connector.entries(None))
    one, same, two = versions
    assert one.version == same.version != two.version
    with pytest.raises(DocumentError, match=r"a\.md: changed while it was read"):
        connector.read(one)
    bucket.delete_object(Bucket="papers", Key="a.md")
    with pytest.raises(DocumentError, match=r"a\.md: changed while it was read"):
        connector.read(two)


def test_more_objects_than_a_page_holds_are_all_listed(
    bucket: Any, server: str, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    names = [f"{number}.txt" for number in range(5)]
    for name in names:
        bucket.put_object(Bucket="papers", Key=name, Body=b"")
    assert [entry.id for entry in connected(**source(server)).entries(None)] == names


@pytest.mark.parametrize("kind", ["metadata", "tags"])
def test_an_object_may_say_who_sees_it(bucket: Any, server: str, connected: Connect, kind: str) -> None:
    told = {
        "a.md": {"allow": "group:hr user:anna", "deny": "user:ben"},
        "b.md": {"deny": "user:ben"},
        "c.md": {"allow": "everybody"},
        "d.md": {},
    }
    for key, lists in told.items():
        tags = "&".join(f"{name}={value}" for name, value in lists.items())
        more: dict[str, Any] = {"Metadata": lists} if kind == "metadata" else {"Tagging": tags}
        bucket.put_object(Bucket="papers", Key=key, Body=b"x", **more)
    a, *closed = connected(**source(server, access=kind)).entries(None)
    assert (a.problem, a.access) == ("", Access(("group:hr", "user:anna"), ("user:ben",)))
    assert [entry.access for entry in closed] == [NOBODY] * 3
    assert all("breaks the contract of its source: allow: " in entry.problem for entry in closed)


@pytest.mark.parametrize("key", ["../hr/salaries.md", "a//b.md", "a\nb.md", "/a.md", "\u202egp.md"])
def test_an_object_whose_key_is_no_name_is_put_aside(bucket: Any, server: str, connected: Connect, key: str) -> None:
    listed = {"Key": key, "Size": 1, "ETag": "1", "LastModified": datetime.now(UTC)}
    entry = connected(**source(server))._entry(listed)  # type: ignore[attr-defined]
    assert entry.id.startswith("record-")
    assert "breaks the contract of its source: id: " in entry.problem


def test_an_object_that_is_too_large_is_not_fetched(bucket: Any, server: str, connected: Connect) -> None:
    listed = {"Key": "a.md", "Size": 21_000_000, "ETag": "1", "LastModified": datetime.now(UTC)}
    entry = connected(**source(server))._entry(listed)  # type: ignore[attr-defined]
    assert "is larger than config/retrieval.yaml allows" in entry.problem


def test_a_bucket_that_is_not_there_is_named(bucket: Any, server: str, connected: Connect) -> None:
    with pytest.raises(SourceError, match=r"sources.yaml:\d+: sources.crm.bucket: .* there is no such bucket"):
        list(connected(**{**source(server), "bucket": "nothing"}).entries(None))


def test_without_its_package_the_source_says_which(connected: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(SourceError, match="needs the package boto3; run 'make setup' with s3 among its EXTRAS"):
        list(connected(**source(nobody_there())).entries(None))


def test_a_machine_without_a_login_is_told_so(server: str, connected: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceError, match="needs a login; log in as AWS's own tools do"):
        list(connected(**source(server)).entries(None))


LISTED = b"""<ListBucketResult><IsTruncated>%s</IsTruncated><NextContinuationToken>2</NextContinuationToken>
<Contents><Key>%s.md</Key><Size>5</Size><ETag>"1"</ETag><LastModified>2026-05-01T10:00:00Z</LastModified></Contents>
</ListBucketResult>"""
SLOW = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


def store(request: Request) -> tuple[bytes, dict[str, str]]:
    """S3 as far as a listing of two pages and a body go."""
    if request.query.get("list-type") == "2":
        more = "continuation-token" not in request.query
        return LISTED % ((b"true", b"a") if more else (b"false", b"b")), {"Content-Type": "application/xml"}
    return b"hello" * 1000, {"ETag": '"1"'}


@pytest.fixture
def slow(api: Api) -> Api:
    api.speak = store
    return api


PASSING = {
    "throttled": Fault(503, SLOW, {"Retry-After": "9"}),
    "own fault": Fault(500),
    "hung up": Fault(gone=True),
    "cut off": Fault(cut=True),
    "no XML": Fault(body=b"<html>"),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_what_passes_is_tried_again_and_nothing_is_missed(
    slow: Api, connected: Connect, watch: Watch, fault: Fault
) -> None:
    slow.faults = [fault, None, fault, None, fault]
    connector = connected(**source(slow.host))
    entries = list(connector.entries(None))
    assert [entry.id for entry in entries] == ["a.md", "b.md"]
    if fault.body != b"<html>":  # which a document may be
        assert connector.read(entries[0]).data == b"hello" * 1000
    assert len([wait for wait in watch.waits if wait >= float(fault.headers.get("Retry-After", 0))]) >= 2


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_what_does_not_pass_ends_the_listing(slow: Api, connected: Connect, fault: Fault) -> None:
    slow.faults = [None, *[fault] * 2]
    listing = connected(**source(slow.host, tries=2)).entries(None)
    assert next(listing).id == "a.md"
    with pytest.raises(
        SourceError, match=r"sources.yaml:\d+: sources.crm.bucket: list_objects_v2 of the bucket papers: "
    ):
        next(listing)
    assert len(slow.requests) == 3


def test_a_store_that_is_not_there_is_named(connected: Connect) -> None:
    with pytest.raises(SourceError, match="cannot be reached, or broke off"):
        list(connected(**source(nobody_there(), tries=1)).entries(None))
