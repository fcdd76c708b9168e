"""Arguments of a tool call out of a text, by the tool's JSON schema: deterministic, and without understanding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

QUOTED = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"|„([^“”\n]+)[“”]|“([^”\n]+)”|«([^»\n]+)»")
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w)")
PHRASE = re.compile(r"\b[A-ZÄÖÜ][\w-]*(?:[ ,]+[A-ZÄÖÜ][\w-]*)*")


def fill(schema: dict[str, Any], text: str) -> dict[str, Any]:
    """The required arguments, and those optional ones that the text names, in the order of the schema.

    Numbers are the text's numbers in turn. Strings are what stands behind the argument's name, else quotations in turn,
    else the last run of capitalised words, else the whole text.
    """
    return _Filler(schema, text).object(schema)


class _Filler:
    def __init__(self, root: dict[str, Any], text: str) -> None:
        self._root, self._text = root, text
        self._numbers: Iterator[str] = iter(NUMBER.findall(text))
        self._quotes: Iterator[str] = iter([next(filter(None, found)) for found in QUOTED.findall(text)])

    def object(self, schema: dict[str, Any]) -> dict[str, Any]:
        required = schema.get("required", [])
        return {
            name: self._value(name, each)
            for name, each in schema.get("properties", {}).items()
            if name in required or self._named(name)
        }

    def _value(self, name: str, schema: dict[str, Any]) -> Any:
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            named = [choice for choice in schema["enum"] if str(choice).casefold() in self._text.casefold()]
            return (named or schema["enum"])[0]
        kind = schema.get("type")
        if kind == "object":
            return self.object(schema)
        if kind == "array":
            return [self._value(name, schema.get("items", {}))]
        if kind == "boolean":
            return not re.search(r"\b(no|not|without|nein|nicht|kein\w*|ohne|false)\b", self._text, re.IGNORECASE)
        if kind in ("integer", "number"):
            number = float(next(self._numbers, None) or schema.get("default") or schema.get("minimum") or 0)
            return int(number) if kind == "integer" else number
        if kind == "null":
            return None
        return self._string(name)

    def _string(self, name: str) -> str:
        if quoted := next(self._quotes, None):
            return quoted
        if named := self._named(name):
            return named
        phrases = PHRASE.findall(self._text)[1:]
        return phrases[-1] if phrases else self._text.strip()

    def _named(self, name: str) -> str | None:
        """What the text says behind the argument's name: ``location: Bergen``, ``location = Bergen``."""
        label = r"[\s_-]+".join(map(re.escape, re.split(r"[_\s]+", name)))
        found = re.search(rf"\b{label}\s*[:=]\s*([^\n,;]+)", self._text, re.IGNORECASE)
        return found[1].strip() if found else None

    def _resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema behind references, and the first of several alternatives that is not null."""
        while True:
            if "$ref" in schema:
                target: Any = self._root
                for part in schema["$ref"].removeprefix("#/").split("/"):
                    target = target[part]
                schema = target
            elif options := (schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")):
                schema = next((option for option in options if option.get("type") != "null"), options[0])
            else:
                return schema
