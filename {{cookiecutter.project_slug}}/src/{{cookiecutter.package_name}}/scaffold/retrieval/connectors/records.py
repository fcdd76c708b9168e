"""Records of a source, made into entries: mapped, held to the contract, and told apart."""

from __future__ import annotations

import hashlib
import json
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ...errors import SourceError
from ...models.request import Pace
from ..access import Access
from ..documents import Raw
from .contract import Broken, Record, check, identifier, moment, not_ahead
from .place import Place
from .port import Entry
from .settings import Mapped

CONTRACT = "breaks the contract of its source: "
NOBODY = Access(())
ABSENT = object()
SUFFIXES = {"markdown": ".md", "html": ".html", "plain": ".txt"}


def find(data: Any, pointer: str) -> Any:
    """What is at ``pointer`` in ``data``, or ``ABSENT``: names joined by dots, or a JSON pointer (RFC 6901)."""
    pointer = pointer.removesuffix("?")
    if pointer.startswith("/"):
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]
    else:
        parts = pointer.split(".") if pointer else []
    for part in parts:
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return ABSENT
    return data


class Records:
    """What a source's settings make of its records."""

    def __init__(self, source: Mapped, place: Place, pace: Pace) -> None:
        """Raises ``SourceError`` where the contract cannot be had."""
        self._source, self._prefix, self._pace = source, source.prefix, pace
        self._contract = Record if source.contract is None else _contract(source.contract, place)
        if unknown := source.fields.keys() - self._contract.model_fields.keys():
            known = ", ".join(self._contract.model_fields)
            first = min(unknown)
            raise SourceError(f"{place('fields', first)}: the contract has no such field; it has {known}.")

    def listed(self, records: Iterable[Any], progress: Progress | None = None) -> Iterator[Entry]:
        """An entry each, but for one that is listed twice alike. ``progress`` hears when the good ones changed.

        Holds on to sixteen bytes a record, to tell which were there: about a hundred megabytes for a million.
        """
        seen: dict[int, int] = {}
        for record in records:
            entry = self.entry(record, progress)
            key, content = _short(entry.id), _short(f"{entry.version} {entry.access} {entry.deleted} {entry.problem}")
            if key not in seen:
                seen[key] = content
                yield entry
            elif seen[key] != content:
                # Under another name: what was listed first is neither replaced nor lost.
                yield set_aside(None, record, Broken({"id": "is that of another record in the same listing"}))

    def entry(self, record: Any, progress: Progress | None = None) -> Entry:
        """The record as a document, or with what is wrong with it."""
        values, broken = dict[str, Any](), dict[str, str]()
        wanted = dict(self._source.fields)
        if self._source.deleted:
            wanted["deleted"] = self._source.deleted
        for field, pointer in wanted.items():
            value = find(record, pointer)
            if value is not ABSENT:
                values[field] = self._named(value) if field in ("allow", "deny") else value
            elif not pointer.endswith("?"):
                broken[field] = f"is missing, there is no {pointer}"
        now = datetime.fromtimestamp(self._pace.clock(), UTC)
        name, deleted = _identified(values), self._source.deleted and values.pop("deleted", None)
        try:
            if name and not broken and deleted not in (None, False, 0, "", "0", "false", "False"):
                made = Entry(name, deleted=True)
            else:
                made = _entry(_checked(self._contract, values, broken, now))
            if progress:
                progress.note(record, now)
        except Broken as error:
            return set_aside(name, record, error, self._access(values, now))
        return made

    def again(self, payload: bytes) -> Entry:
        """What a record that was set aside is under the present contract."""
        return self.entry(json.loads(payload))

    def read(self, entry: Entry) -> Raw:
        """The document in the payload of a good entry."""
        return document(entry, SUFFIXES[self._source.format])

    def _access(self, values: Mapping[str, Any], now: datetime) -> Access | None:
        """Who may see a record that is broken elsewhere; nobody, where that is what is broken."""
        if "allow" not in self._source.fields:
            return None
        lists = {field: values[field] for field in ("allow", "deny") if field in values}
        if len(lists) < len(self._source.fields.keys() & {"allow", "deny"}):
            return NOBODY
        try:
            return check(Record, {"id": "0", "text": "0", **lists}, now).access
        except Broken:
            return NOBODY

    def _named(self, names: Any) -> Any:
        if not self._prefix:
            return names
        if isinstance(names, str):
            names = [name.strip() for name in names.split(",") if name.strip()]
        if isinstance(names, list):
            return [f"{self._prefix}{name}" if isinstance(name, str) and name else name for name in names]
        return names


class Progress:
    """The newest change that a listing has seen."""

    def __init__(self, pointer: str) -> None:
        """``pointer``: where a record says when it changed."""
        self._pointer = pointer
        self.newest: Any = None
        self._key: Any = None

    def note(self, record: Any, now: datetime) -> None:
        """Look at a record. Raises ``Broken`` where it does not say when it changed, or says a time to come."""
        value = find(record, self._pointer)
        try:
            if value is ABSENT or value is None:
                raise ValueError("is missing")
            is_number = isinstance(value, int) and not isinstance(value, bool)
            key = value if is_number else not_ahead(moment(value), now)
            if self._key is not None and type(key) is not type(self._key):
                raise ValueError("is a number in some records and a date in others")
        except ValueError as error:
            raise Broken({self._pointer: str(error)}) from None
        if self._key is None or key > self._key:
            self._key, self.newest = key, value


def entry(values: Mapping[str, Any], contract: type[Record] = Record) -> Entry:
    """An entry for a record that is told in the contract's own fields, or one that says what is wrong with it."""
    try:
        return _entry(check(contract, values, datetime.now(UTC)))
    except Broken as error:
        return set_aside(_identified(values), values, error)


def document(entry: Entry, suffix: str) -> Raw:
    """The document of an entry that ``entry`` made. ``suffix`` says how its text is written, such as ``.md``."""
    values = json.loads(entry.payload)
    # The mark says that it is UTF-8, whatever a page that was stored as text claims of itself.
    return Raw(
        source=entry.id,
        data=b"\xef\xbb\xbf" + values["text"].encode(),
        suffix=suffix,
        title=values["title"],
        updated=values["updated"] and values["updated"][:10],
        language=values["language"],
        status=values["status"] and values["status"].lower(),
    )


def loaded(code: str, kind: type[Any] | None, where: str) -> Any:
    """The class that ``package.module:Class`` names. Raises ``SourceError`` where there is none."""
    try:
        found = pkgutil.resolve_name(code)
    except Exception as error:  # noqa: BLE001  a module of the project's own may raise anything while it is imported
        raise SourceError(f"{where}: {code} cannot be imported ({type(error).__name__}: {error}).") from None
    if not isinstance(found, type) or (kind is not None and not issubclass(found, kind)):
        raise SourceError(f"{where}: {code} is no {'class' if kind is None else f'subclass of {kind.__name__}'}.")
    return found


def _contract(code: str, place: Place) -> type[Record]:
    contract: type[Record] = loaded(code, Record, place("contract"))
    return contract


def _checked(contract: type[Record], values: Mapping[str, Any], broken: Mapping[str, str], now: datetime) -> Record:
    """All that is wrong is told at once: what is not there, and what is there and wrong."""
    try:
        record = check(contract, values, now)
    except Broken as error:
        raise Broken({**error.reasons, **broken}) from None
    if broken:
        raise Broken(broken)
    return record


def _entry(record: Record) -> Entry:
    content = record.model_dump_json(exclude={"allow", "deny"}).encode()
    return Entry(
        id=record.id,
        version=hashlib.sha256(content).hexdigest(),
        modified=record.updated,
        access=record.access,
        payload=content,
    )


def _identified(values: Mapping[str, Any]) -> str | None:
    try:
        return identifier(values.get("id"))
    except ValueError:
        return None


def set_aside(name: str | None, record: Any, error: Broken, access: Access | None = None) -> Entry:
    """The entry of a record that is no document; ``name`` is None where it has no id that can be one."""
    payload = _json(record)
    name = name or f"record-{hashlib.sha256(payload).hexdigest()[:16]}"
    return Entry(name, access=access, problem=f"{CONTRACT}{error}.", payload=payload)


def _json(record: Any) -> bytes:
    return json.dumps(record, sort_keys=True, default=str).encode()


def _short(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).digest())
