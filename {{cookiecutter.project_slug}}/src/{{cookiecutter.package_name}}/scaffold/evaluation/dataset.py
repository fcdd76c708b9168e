"""Cases: what is asked, as whom, and what a good answer holds. One JSON object a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, JsonValue, ValidationError, model_validator

from ..application import QUESTION_MAX_CHARACTERS
from ..config import Strict, decode, nearest, read_file
from ..errors import ConfigurationError

SHOWN = 5
"""Mistakes named at once; a file with more is mended in rounds."""

TEXT_MAX_CHARACTERS, LINE_MAX_CHARACTERS = 4000, 200_000
"""Of what is expected, each text, and of a line: records copy cases, and people read them."""

DEMANDS = ("must_include", "number", "label", "fields")
"""What makes a case tell right from wrong."""


class Line(Strict):
    """One object of a file of lines."""

    id: str = Field(min_length=1, description="Unique in the file.")


L = TypeVar("L", bound=Line)


class Number(Strict):
    """A number that the answer must hold."""

    value: float = Field(allow_inf_nan=False)
    tolerance: float = Field(
        default=0, ge=0, allow_inf_nan=False, description="How far the answer's number may be from it, in its unit."
    )
    unit: str = Field(default="", description="What stands behind the number, such as EUR or %; empty for any.")


class Expected(Strict):
    """What the answer must be. Graders compare it with what was answered."""

    answer: str = Field(
        default="", max_length=TEXT_MAX_CHARACTERS, description="A good answer, for people who read a failure."
    )
    must_include: list[str | list[str]] = Field(
        default=[], description="Texts that the answer must hold; a list inside means any one of them."
    )
    must_not_include: list[str] = Field(default=[], description="Texts that the answer must not hold.")
    sources: list[str] = Field(default=[], description="Documents that hold the answer, as paths below data/documents.")
    number: Number | None = Field(default=None, description="A number that the answer must hold, within a tolerance.")
    label: str = Field(default="", description="What a classifying use case must answer in the field 'label'.")
    fields: dict[str, JsonValue] = Field(default={}, description="Fields of a structured answer, with their values.")
    refusal: bool = Field(default=False, description="True where the caller must be refused an answer.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Expected:
        if any(not wording or not all(wording) for wording in (*self.must_include, *self.must_not_include)):
            raise ValueError("an empty text is in every answer; write what to look for")
        wordings = [each for item in self.must_include for each in ([item] if isinstance(item, str) else item)]
        if (longest := max(map(len, [*wordings, *self.must_not_include]), default=0)) > TEXT_MAX_CHARACTERS:
            raise ValueError(f"a text has {longest} characters, of at most {TEXT_MAX_CHARACTERS}; look for less of it")
        demanded = [name for name in DEMANDS if getattr(self, name)]
        if self.refusal and (demanded or self.sources):
            listed = " and ".join([*demanded, *["sources"] * bool(self.sources)])
            raise ValueError(f"a refusal holds nothing that {listed} could be looked for in; drop it, or refusal")
        return self

    @property
    def demands(self) -> bool:
        """Whether it tells a right answer from a wrong one."""
        return self.refusal or any(getattr(self, name) for name in DEMANDS)


class Review(Strict):
    """Whether a person stands behind the case. Only then does it count."""

    state: Literal["reviewed", "unreviewed", "rejected"] = Field(
        description="Only reviewed cases count; rejected ones stay, so that nobody drafts or reviews them again."
    )
    by: str = Field(default="", description="Who reviewed it.")
    on: date | None = Field(default=None, description="When, ISO 8601.")

    @model_validator(mode="after")
    def _signed(self) -> Review:
        if self.state != "unreviewed" and not (self.by.strip() and self.on):
            raise ValueError(f"a {self.state} case names who reviewed it and when; fill in by and on")
        return self


class Case(Line):
    """One line of ``evals/datasets/*.jsonl``."""

    question: str = Field(min_length=1, max_length=QUESTION_MAX_CHARACTERS, description="What is asked, word for word.")
    caller: str = Field(min_length=1, description="Who asks: a name in data/access.yaml.")
    locale: str = Field(default="en", description="Language of the question.")
    expected: Expected
    tags: list[str] = Field(default=[], description="Slices that results are shown by; 'access' marks a leak test.")
    pair: str = Field(
        default="", description="Cases with the same name here differ in what must not matter; so they must end alike."
    )
    source: str = Field(default="", description="Where the case came from: a person, a draft, a review.")
    review: Review

    @model_validator(mode="after")
    def _checks_something(self) -> Case:
        if self.review.state == "reviewed" and not self.expected.demands:
            raise ValueError(f"a case without {', '.join(DEMANDS[:-1])} or {DEMANDS[-1]} accepts any answer; add one")
        return self

    @property
    def sha256(self) -> str:
        """Names what is asked and expected, whoever reviewed it and when: cases are compared with themselves."""
        return hashlib.sha256(self.model_dump_json(exclude={"review", "source", "tags"}).encode()).hexdigest()

    @property
    def labels(self) -> set[str]:
        """The slices that it belongs to."""
        return labels(self.tags, self.locale, self.caller)


def labels(tags: Iterable[str], locale: str, caller: str) -> set[str]:
    """The names of the slices of a case."""
    return {*tags, f"locale:{locale}", f"caller:{caller}"}


def load_cases(path: Path) -> list[Case]:
    """Read every case of ``path``, reviewed or not, in the file's order.

    Raises ``ConfigurationError`` naming file, line and field of each mistake (the first few of them).
    """
    return load_lines(path, Case, "dataset")


def load_lines(path: Path, shape: type[L], what: str) -> list[L]:
    """Every line of ``path``, as ``load_cases`` reads them; ``what`` such a file is called."""
    if not path.exists():
        raise ConfigurationError(f"{path}: there is no such {what}; name an existing one in the suite.")
    return parse_lines(decode(read_file(path), path), path, shape)


def parse_lines(text: str, path: Path, shape: type[L]) -> list[L]:
    """``load_lines`` for text already read; ``path`` is for messages only."""
    read: list[L] = []
    problems: list[str] = []
    lines_of: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):  # splitlines would also split at U+2028 inside a string
        if not line.strip():
            continue
        where = f"{path}:{number}"
        if len(line) > LINE_MAX_CHARACTERS:
            problems.append(f"{where}: the line has {len(line)} characters, of at most {LINE_MAX_CHARACTERS}.")
            continue
        try:
            one = shape.model_validate_json(json.dumps(json.loads(line, object_pairs_hook=_no_twins)))
        except ValidationError as error:
            problems += [_explain(where, shape, problem) for problem in error.errors()]
        except json.JSONDecodeError as error:
            problems.append(f"{where}: not a JSON object on one line: {error.msg} (column {error.colno}).")
        except (ValueError, RecursionError) as error:
            problems.append(f"{where}: not a JSON object on one line: {error}.")
        else:
            if one.id in lines_of:
                problems.append(f"{where}: id: {one.id!r} is taken by line {lines_of[one.id]}; ids are unique.")
            lines_of.setdefault(one.id, number)
            read.append(one)
    if problems:
        more = [f"… and {len(problems) - SHOWN} more mistakes."] if len(problems) > SHOWN else []
        raise ConfigurationError("\n".join([*problems[:SHOWN], *more]))
    return read


def sample(cases: list[Case], size: int | None) -> list[Case]:
    """``size`` of the cases, in their order, or all: those whose ids have the least digests, whatever else is there."""
    chosen = {case.id for case in sorted(cases, key=lambda case: hashlib.sha256(case.id.encode()).digest())[:size]}
    return [case for case in cases if case.id in chosen]


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} is written twice")
        found[key] = value
    return found


def _explain(where: str, shape: type[BaseModel], problem: Any) -> str:
    loc = [str(part) for part in problem["loc"]]
    message = problem["msg"].removeprefix("Value error, ").rstrip(".")
    message = f"{message[0].lower()}{message[1:]}"
    if problem["type"] == "extra_forbidden":
        shapes: dict[str, type[BaseModel]] = {"expected": Expected, "review": Review}
        known = shapes[loc[0]].model_fields if len(loc) > 1 else shape.model_fields
        message = f"there is no such field; known: {', '.join(sorted(known))}{nearest(loc[-1], known)}"
    elif problem["type"] == "missing":
        message = "this field is required"
    elif problem["type"] == "string_too_long":
        message = f"has {len(problem['input'])} characters, of at most {problem['ctx']['max_length']}; shorten it"
    elif not isinstance(problem["input"], (dict, list)):
        message += f", not {problem['input']!r}"
    return f"{where}: {'.'.join(loc) or 'the object'}: {message}."
