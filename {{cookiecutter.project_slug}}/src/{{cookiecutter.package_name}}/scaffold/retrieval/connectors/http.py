"""Records of a JSON API, page by page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx

from ...errors import SourceError
from ...models.request import Pace
from ..documents import Raw
from .contract import moment
from .place import Place
from .port import Entry
from .records import ABSENT, Progress, Records, find
from .settings import CursorToken, HttpJson, LinkHeader, NextLink, Offset, PageNumber
from .web import Answer, Web


class JsonApi:
    """A source of kind ``http-json``."""

    def __init__(self, source: HttpJson, place: Place, pace: Pace) -> None:
        """Asks for nothing yet."""
        self._source, self._place = source, place
        self._records = Records(source, place, pace)
        self._web = Web(source, place, pace)
        self._cursor: str | None = None

    def entries(self, since: str | None) -> Iterator[Entry]:
        """Every record, or those that changed."""
        changed, self._cursor = self._source.since, since
        progress = Progress(changed.field) if changed else None
        url = first(self._source)
        if changed and since:
            url = url.copy_set_param(changed.parameter, _before(since, changed.overlap_seconds))
        yield from self._records.listed((record for page in self._pages(url) for record in page), progress)
        if progress and progress.newest is not None:
            self._cursor = str(progress.newest)

    def cursor(self) -> str | None:
        """When the newest record changed that was a good one, as the source wrote it."""
        return self._cursor

    def read(self, entry: Entry) -> Raw:
        """The record's text, which was listed with it."""
        return self._records.read(entry)

    def again(self, payload: bytes) -> Entry:
        """What a record that was set aside is under the present contract."""
        return self._records.again(payload)

    def close(self) -> None:
        """Close the connections."""
        self._web.close()

    def _pages(self, url: httpx.URL) -> Iterator[list[Any]]:
        """The pages; an error where it is not certain that these are all, or that they ever end."""
        by_count = isinstance(self._source.paging, (PageNumber, Offset))
        seen: set[str] = set()
        last, count = "", 0
        while True:
            answer = self._web.get(url)
            items, total = self._items(answer), self._total(answer)
            content = hashlib.sha256(json.dumps(items, sort_keys=True).encode()).hexdigest()
            if str(url) in seen or (items and content == last):
                raise SourceError(f"{self._place('paging')}: the pages go round in a circle; check how it is paged.")
            seen.add(str(url))
            last, count = content, count + len(items)
            yield items
            following = self._following(answer, items)
            if following is None or (by_count and total is not None and count >= total):
                if total is not None and count < total:
                    raise SourceError(f"{self._place('total')}: of {total} records only {count} were listed.")
                return
            url = following

    def _items(self, answer: Answer) -> list[Any]:
        items = find(answer.body, self._source.items)
        if not isinstance(items, list):
            at = self._source.items or "the top of the answer"
            raise SourceError(f"{self._place('items')}: there is no list at {at}; name where the records are.")
        return items

    def _total(self, answer: Answer) -> int | None:
        if self._source.total is None:
            return None
        total = find(answer.body, self._source.total)
        if not isinstance(total, int) or isinstance(total, bool):
            raise SourceError(f"{self._place('total')}: there is no number at {self._source.total} of the answer.")
        return total

    def _following(self, answer: Answer, items: list[Any]) -> httpx.URL | None:
        """What to ask for next; None where that was the last page."""
        paging, url = self._source.paging, answer.url
        match paging:
            case NextLink() | CursorToken():
                told = find(answer.body, paging.field)
                if told is ABSENT and not paging.field.endswith("?"):
                    raise SourceError(
                        f"{self._place('paging', 'field')}: the answer has no {paging.field}, so that nobody knows "
                        f'whether there are more pages; where the last page has none, write "{paging.field}?"'
                    )
                if told is ABSENT or told is None or told == "":
                    return None
                if isinstance(told, bool) or not isinstance(told, (str, int)):
                    raise SourceError(f"{self._place('paging', 'field')}: there is no text at {paging.field}.")
                if isinstance(paging, CursorToken):
                    return url.copy_set_param(paging.parameter, told)
                return self._joined(url, str(told))
            case LinkHeader() if answer.next_link:
                return self._joined(url, answer.next_link)
            case PageNumber() if items:
                return url.copy_set_param(paging.parameter, int(url.params[paging.parameter]) + 1)
            case Offset() if items:
                return url.copy_set_param(paging.parameter, int(url.params[paging.parameter]) + len(items))
        return None

    def _joined(self, url: httpx.URL, link: str) -> httpx.URL:
        try:
            return url.join(link)
        except httpx.InvalidURL:
            raise SourceError(f"{self._place('paging')}: the link to the next page is no address.") from None


def first(source: HttpJson) -> httpx.URL:
    """The address of the first page."""
    url = httpx.URL(str(source.url)).copy_merge_params(source.params)
    match source.paging:
        case PageNumber() as paging:
            return url.copy_set_param(paging.parameter, paging.first)
        case Offset() as paging:
            return url.copy_merge_params({paging.parameter: 0, paging.limit_parameter: paging.limit})
    return url


def _before(cursor: str, overlap: float) -> str:
    """``cursor``, or a little before it where it is a time."""
    if cursor.lstrip("-").isdecimal():
        return cursor
    return (moment(cursor) - timedelta(seconds=overlap)).isoformat().replace("+00:00", "Z")
