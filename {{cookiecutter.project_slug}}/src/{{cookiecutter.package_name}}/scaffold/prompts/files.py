"""Prompt files in ``config/prompts/``: one a name and locale, such as ``answer.en.yaml``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BeforeValidator, Field

from ..config import File, Settings, decode, locate, nearest, parse_yaml, read_file
from ..errors import ConfigurationError, UsageError
from ..live import LastGood, Live
from .parameters import Parameters
from .variables import Variable, by_name

MESSAGES: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
# A prompt is edited by people who may not deploy code, so it renders in a sandbox; a typo is an error, never a blank.
# It writes text for a model, not HTML, so nothing is escaped.
ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


class PromptMessage(File):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"] = Field(description="Who speaks.")
    content: str = Field(min_length=1, description="Jinja template over the variables named under 'input'.")


class PromptFile(File):
    """A prompt: name, locale, version, which model answers it and how, variables, messages."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="What code asks for; begins the file's name.")
    locale: str = Field(pattern=r"^[a-z]{2}$", description="Language, the second part of the file's name.")
    version: str = Field(min_length=1, description="Raise it with every change; traces and records name it.")
    description: str = Field(min_length=1, description="What the prompt is for, in a sentence.")
    role: str | None = Field(
        default=None, min_length=1, description="Role of config/models.yaml that answers it; else the prompt's name."
    )
    parameters: Parameters | None = Field(
        default=None, description="Go before the model's own. A locale without any has those of the default locale."
    )
    input: Annotated[
        dict[str, Variable], BeforeValidator(by_name, json_schema_input_type=list[str] | dict[str, Variable])
    ] = Field(description="Variables that the messages use, all of them and no others; the same in every locale.")
    messages: list[PromptMessage] = Field(min_length=1)


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt and what it was rendered from."""

    messages: list[BaseMessage]
    name: str
    locale: str
    version: str
    sha256: str
    """Digest of the prompt file's bytes."""
    role: str
    """Role of ``config/models.yaml`` that it is for."""
    parameters: Parameters
    """What its model is to be asked with: ``models.get(prompt.role, prompt.parameters)``."""

    @property
    def label(self) -> str:
        """``name.locale@version``, as records and pages show it."""
        return f"{self.name}.{self.locale}@{self.version}"

    @property
    def metadata(self) -> dict[str, str]:
        """What a model call's ``config={"metadata": ...}`` carries, so that trace and audit name the prompt."""
        return {"prompt": self.label, "prompt_sha256": self.sha256}


@dataclass(frozen=True)
class Source:
    """A prompt file that was read."""

    path: Path
    text: str
    file: PromptFile
    sha256: str
    templates: list[tuple[type[BaseMessage], Template]] = field(default_factory=list)
    role: str = ""
    parameters: Parameters = field(default_factory=Parameters)

    @property
    def asks(self) -> bool:
        """Whether it says which role it is for, or what that is to be asked with."""
        return self.file.role is not None or self.file.parameters is not None

    def where(self, *field: str | int) -> str:
        """``path:line: field``."""
        return locate(self.path, self.text, *field)


class Prompts:
    """All prompts of a project, following their files."""

    default_locale = "en"

    def __init__(self, settings: Settings, live: Live | None = None) -> None:
        self._folder = settings.path("config", "prompts")
        self._loaded = LastGood(self._files, self._load, "config/prompts", live)

    @property
    def error(self) -> str | None:
        """Why the newest files are not in use, or None."""
        return self._loaded.error

    @property
    def sources(self) -> Collection[Source]:
        """Every prompt file in use."""
        return self._loaded.get().values()

    def render(self, name: str, locale: str, **variables: Any) -> Prompt:
        """The prompt in ``locale``, or in the default locale where it does not exist in that one.

        Raises ``ConfigurationError`` for an unknown name, and for variables that are missing, extra or of another type;
        ``UsageError`` for a text that is longer than the prompt allows.
        """
        loaded = self._loaded.get()
        found = loaded.get((name, locale)) or loaded.get((name, self.default_locale))
        if found is None:
            known = sorted({known for known, _ in loaded})
            raise ConfigurationError(
                f"There is no prompt {name!r} in {self._folder}{nearest(name, known)}; known: {', '.join(known)}."
            )
        values = _values(found.file, variables)
        try:
            messages = [kind(content=template.render(values)) for kind, template in found.templates]
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ConfigurationError(f"Prompt {name!r} cannot be rendered: {error}.") from None
        file = found.file
        return Prompt(messages, name, file.locale, file.version, found.sha256, found.role, found.parameters)

    def digest(self) -> str:
        """SHA-256 over all prompt files in use: what an evaluation was measured on."""
        parts = [f"{name}.{locale}:{loaded.sha256}" for (name, locale), loaded in sorted(self._loaded.get().items())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _files(self) -> list[str]:
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 - at every reading, and much quicker than Path.glob
        except OSError:
            return []
        return [f"{self._folder}/{name}" for name in sorted(names) if name.endswith(".yaml")]

    def _load(self) -> dict[tuple[str, str], Source]:
        loaded = {}
        for path in self._files():
            one = _read(Path(path))
            loaded[(one.file.name, one.file.locale)] = one
        if not loaded:
            raise ConfigurationError(f"{self._folder}: there is no prompt file; restore them from git.")
        for name in {name for name, _ in loaded}:
            if (name, self.default_locale) not in loaded:
                raise ConfigurationError(f"{self._folder}: prompt {name!r} has no {name}.{self.default_locale}.yaml.")
        return {key: _agreeing(one, loaded[key[0], self.default_locale]) for key, one in loaded.items()}


def _values(file: PromptFile, given: dict[str, Any]) -> dict[str, Any]:
    """The variables as the messages get them."""
    required = {name for name, variable in file.input.items() if variable.required}
    if given.keys() - file.input.keys() or required - given.keys():
        takes = ", ".join(name if name in required else f"{name} (optional)" for name in sorted(file.input))
        raise ConfigurationError(
            f"Prompt {file.name!r} takes {takes}, but was given {', '.join(sorted(given)) or 'nothing'}."
        )
    for name, value in given.items():
        if wrong := file.input[name].wrong(value):
            raise ConfigurationError(f"Prompt {file.name!r}: {name} {wrong}.")
        if too_long := file.input[name].too_long(value):
            raise UsageError(f"Prompt {file.name!r}: {name} {too_long}.")
    return {name: given.get(name, variable.default) for name, variable in file.input.items()}


def _agreeing(one: Source, first: Source) -> Source:
    """``one`` with role and parameters, where it agrees with its prompt in the default locale, which is ``first``."""
    role = first.file.role or first.file.name
    if one.file.role not in (None, role):
        raise ConfigurationError(
            f"{one.where('role')}: is {one.file.role!r}, but {role!r} in {first.path}; "
            "a prompt has one role in all its locales."
        )
    for name in sorted(one.file.input.keys() | first.file.input.keys()):
        ours, theirs = one.file.input.get(name), first.file.input.get(name)
        if ours is None or theirs is None or ours.contract != theirs.contract:
            raise ConfigurationError(
                f"{one.where('input', name)}: is not what it is in {first.path}; "
                "a prompt takes the same variables in all its locales."
            )
    own = one.file.parameters
    parameters = (own if own is not None else first.file.parameters) or Parameters()
    return replace(one, role=role, parameters=parameters)


def _read(path: Path) -> Source:
    data = read_file(path)
    text = decode(data, path)
    file = parse_yaml(text, PromptFile, path)
    source = Source(path, text, file, hashlib.sha256(data).hexdigest())
    if path.name != f"{file.name}.{file.locale}.yaml":
        name = f"{file.name}.{file.locale}.yaml"
        raise ConfigurationError(f"{path}: holds {file.name!r} in {file.locale!r}; call it {name}.")
    used: set[str] = set()
    for position, message in enumerate(file.messages):
        content = ("messages", position, "content")
        try:
            names = meta.find_undeclared_variables(ENVIRONMENT.parse(message.content))
            source.templates.append((MESSAGES[message.role], ENVIRONMENT.from_string(message.content)))
        except TemplateSyntaxError as error:
            reason = f"line {error.lineno} of the content: {str(error.message).rstrip('.')}"
            raise ConfigurationError(f"{source.where(*content)}: {reason}.") from None
        for name in sorted(names - file.input.keys()):
            raise ConfigurationError(
                f"{source.where(*content)}: uses {name!r}, which 'input' does not name{nearest(name, file.input)}; "
                f"known: {', '.join(file.input)}."
            )
        used |= names
    for name in sorted(file.input.keys() - used):
        raise ConfigurationError(
            f"{source.where('input', name)}: {name!r} is not used by any message; use it or remove it."
        )
    return source
