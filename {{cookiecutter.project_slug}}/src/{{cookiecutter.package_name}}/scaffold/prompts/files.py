"""Prompt files in ``config/prompts/``: one a name and locale, such as ``answer.en.yaml``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import Field

from ..config import File, LastGood, Settings, nearest, parse_yaml
from ..errors import ConfigurationError

MESSAGES: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
# A prompt is edited by people who may not deploy code, so it renders in a sandbox; a typo is an error, never a blank.
# It writes text for a model, not HTML, so nothing is escaped.
ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


class PromptMessage(File):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"] = Field(description="Who speaks.")
    content: str = Field(min_length=1, description="Jinja template over the variables named under 'input'.")


class PromptFile(File):
    """A prompt: name, locale, version, variables, messages."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="What code asks for; begins the file's name.")
    locale: str = Field(pattern=r"^[a-z]{2}$", description="Language, the second part of the file's name.")
    version: str = Field(min_length=1, description="Raise it with every change; traces and records name it.")
    description: str = Field(min_length=1, description="What the prompt is for, in a sentence.")
    input: list[str] = Field(description="Variables that the messages use, all of them and no others.")
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

    @property
    def label(self) -> str:
        """``name.locale@version``, as records and pages show it."""
        return f"{self.name}.{self.locale}@{self.version}"

    @property
    def metadata(self) -> dict[str, str]:
        """What a model call's ``config={"metadata": ...}`` carries, so that trace and audit name the prompt."""
        return {"prompt": self.label, "prompt_sha256": self.sha256}


@dataclass(frozen=True)
class _Loaded:
    file: PromptFile
    sha256: str
    templates: list[tuple[type[BaseMessage], Template]]


class Prompts:
    """All prompts of a project, following their files."""

    default_locale = "en"

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.path("config", "prompts")
        self._loaded = LastGood(self._files, self._load, "config/prompts")

    @property
    def error(self) -> str | None:
        """Why the newest files are not in use, or None."""
        self._loaded.get()
        return self._loaded.error

    def render(self, name: str, locale: str, **variables: Any) -> Prompt:
        """The prompt in ``locale``, or in the default locale where it does not exist in that one.

        Raises ``ConfigurationError`` for an unknown name, and for missing or extra variables.
        """
        loaded = self._loaded.get()
        found = loaded.get((name, locale)) or loaded.get((name, self.default_locale))
        if found is None:
            known = sorted({known for known, _ in loaded})
            raise ConfigurationError(
                f"There is no prompt {name!r} in {self._folder}{nearest(name, known)}; known: {', '.join(known)}."
            )
        if variables.keys() != set(found.file.input):
            raise ConfigurationError(
                f"Prompt {name!r} takes {', '.join(sorted(found.file.input))}, "
                f"but was given {', '.join(sorted(variables)) or 'nothing'}."
            )
        try:
            messages = [kind(content=template.render(variables)) for kind, template in found.templates]
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ConfigurationError(f"Prompt {name!r} cannot be rendered: {error}.") from None
        return Prompt(messages, found.file.name, found.file.locale, found.file.version, found.sha256)

    def digest(self) -> str:
        """SHA-256 over all prompt files in use: what an evaluation was measured on."""
        parts = [f"{name}.{locale}:{loaded.sha256}" for (name, locale), loaded in sorted(self._loaded.get().items())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.yaml"))

    def _load(self) -> dict[tuple[str, str], _Loaded]:
        loaded = {}
        for path in self._files():
            one = _load(path)
            loaded[(one.file.name, one.file.locale)] = one
        if not loaded:
            raise ConfigurationError(f"{self._folder}: there is no prompt file; restore them from git.")
        for name in {name for name, _ in loaded}:
            if (name, self.default_locale) not in loaded:
                raise ConfigurationError(f"{self._folder}: prompt {name!r} has no {name}.{self.default_locale}.yaml.")
        return loaded


def _load(path: Path) -> _Loaded:
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read as UTF-8 text ({error}).") from None
    file = parse_yaml(text, PromptFile, path)
    if path.name != f"{file.name}.{file.locale}.yaml":
        name = f"{file.name}.{file.locale}.yaml"
        raise ConfigurationError(f"{path}: holds {file.name!r} in {file.locale!r}; call it {name}.")
    used: set[str] = set()
    templates = []
    for message in file.messages:
        try:
            used |= meta.find_undeclared_variables(ENVIRONMENT.parse(message.content))
            templates.append((MESSAGES[message.role], ENVIRONMENT.from_string(message.content)))
        except TemplateSyntaxError as error:
            where = f"{path}: messages: line {error.lineno} of the content"
            raise ConfigurationError(f"{where}: {str(error.message).rstrip('.')}.") from None
    for name in used - set(file.input):
        raise ConfigurationError(
            f"{path}: messages use {name!r}, which 'input' does not name{nearest(name, file.input)}; "
            f"known: {', '.join(file.input)}."
        )
    for name in set(file.input) - used:
        raise ConfigurationError(f"{path}: input: {name!r} is not used by any message; use it or remove it.")
    return _Loaded(file, hashlib.sha256(data).hexdigest(), templates)
