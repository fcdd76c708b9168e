"""Settings and YAML files: read once, validated whole, with the line of a mistake."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import ConfigurationError

Model = TypeVar("Model", bound=BaseModel)

ROOT_MARKER = Path("config/models.yaml")


class Strict(BaseModel):
    """Base of shapes: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class File(Strict):
    """Base of every YAML file's shape."""

    model_config = ConfigDict(allow_inf_nan=False)

    @field_validator("*", mode="wrap")
    @classmethod
    def _truth_is_no_number(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        checked = handler(value)
        if isinstance(value, bool) and isinstance(checked, (int, float)) and not isinstance(checked, bool):
            raise ValueError("yes, no, on, off, true and false are no numbers; write a number")
        return checked


class Settings(BaseSettings):
    """What the environment decides. Everything else is in ``config/`` and ``governance/``.

    Every field is an environment variable with the prefix ``APP_``, for example ``APP_STATE_URL``; a ``.env`` file in
    the project's folder serves as well. Raises ``ConfigurationError`` where a value is wrong.
    """

    model_config = SettingsConfigDict(env_prefix="APP_", frozen=True, extra="ignore")

    root: Path
    """The project's folder: the one that holds ``config/``."""
    state_url: str = ""
    """Where state lives, a SQLAlchemy URL; empty means SQLite in ``var/``. SQLite is what the tests cover."""
    rate_url: str = ""
    """Where replicas share the rates of model calls, ``redis://host``; empty means the state database."""
    offline: bool = False
    """Answer every role with the offline model, whatever ``config/models.yaml`` says."""
    stand_ins: dict[str, str] = {}
    """Models of ``config/models.yaml`` that take the place of a role's, by role: how candidates are tried."""
    audit_key: SecretStr | None = None
    """Key of the audit chain; empty means the key file that the first record makes in ``var/audit/``."""
    api_keys: SecretStr | None = None
    """Callers that may use the service, ``name:key`` separated by commas; empty means loopback only."""

    @classmethod
    def load(cls, root: Path | None = None, **overrides: Any) -> Settings:
        """Read the settings of the project at ``root``, or of the one that holds the working directory."""
        found = root or find_root(_working_directory())
        env_file = found / ".env"
        try:
            return cls(_env_file=env_file, **{"root": found, **overrides})  # type: ignore[call-arg]
        except ValidationError as error:
            first = error.errors()[0]
            name = "APP_" + "_".join(str(part) for part in first["loc"]).upper()
            message = f"{name}: {first['msg'].lower()}; mend it in the environment or in {env_file}."
            raise ConfigurationError(message) from None
        except UnicodeDecodeError as error:
            raise ConfigurationError(_not_utf8(env_file, error)) from None
        except OSError as error:
            raise ConfigurationError(_unreadable(env_file, error)) from None

    @property
    def var(self) -> Path:
        """Folder of everything the project writes while it runs; git ignores it."""
        return self.root / "var"

    def path(self, *parts: str) -> Path:
        """A path below the project's folder."""
        return self.root.joinpath(*parts)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise ConfigurationError("The working directory is gone; go to the project's folder.") from None


def find_root(start: Path) -> Path:
    """The nearest folder at or above ``start`` that holds ``config/models.yaml``."""
    if named := os.environ.get("APP_ROOT"):
        start = Path(named)
        if not (start / ROOT_MARKER).is_file():
            raise ConfigurationError(f"APP_ROOT is {named}, but it holds no {ROOT_MARKER}; point it at the project.")
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / ROOT_MARKER).is_file():
            return folder
    where = start.resolve()
    raise ConfigurationError(f"No {ROOT_MARKER} in {where} or above it; run this inside the project, or set APP_ROOT.")


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key written twice, which YAML itself would silently let win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    problem = f"the key {key.value!r} is written twice"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_yaml(path: Path, shape: type[Model], context: object = None) -> Model:
    """Read ``path`` as ``shape``, whose validators may look at ``context``.

    Raises ``ConfigurationError`` naming file, line, field, what is allowed and the nearest known name.
    """
    return parse_yaml(decode(read_file(path), path), shape, path, context)


def read_file(path: Path) -> bytes:
    """What is in a file that a user writes. Raises ``ConfigurationError`` where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such file; restore it from git or from the template.") from None
    except OSError as error:
        raise ConfigurationError(_unreadable(path, error)) from None


def decode(data: bytes, path: Path) -> str:
    """``data`` of ``path`` as text with ``\\n`` at the ends of its lines, without the mark that spreadsheets put first.

    Raises ``ConfigurationError`` naming file, line and column of what is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise ConfigurationError(_not_utf8(path, error)) from None


def _unreadable(path: Path, error: OSError) -> str:
    return f"{path}: cannot be read as UTF-8 text ({str(error.strerror or error).lower()})."


def _not_utf8(path: Path, error: UnicodeDecodeError) -> str:
    before = error.object[: error.start].decode().split("\n")
    where = f"byte 0x{error.object[error.start]:02x} in column {len(before[-1]) + 1}"
    return f"{path}:{len(before)}: is not UTF-8 ({where}); save the file as UTF-8."


def parse_yaml(text: str, shape: type[Model], path: Path, context: object = None) -> Model:
    """``load_yaml`` for text already read; ``path`` is for messages only."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node is not None else {}
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{path}{line}: not valid YAML: {error.problem or error.context}.") from None
    except yaml.reader.ReaderError as error:
        number = text.count("\n", 0, error.position) + 1
        raise ConfigurationError(f"{path}:{number}: not valid YAML: {error.reason}.") from None
    except ValueError as error:  # 2026-02-31 looks like a date and is none
        raise ConfigurationError(f"{path}: not valid YAML: {error}; a text goes into quotes.") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: not valid YAML: nested too deeply to be read.") from None
    try:
        return shape.model_validate(data, context=context)
    except ValidationError as error:
        problems = [_explain(problem, node, shape, path) for problem in error.errors()[:5]]
        raise ConfigurationError("\n".join(problems)) from None


def _explain(problem: Any, node: yaml.Node | None, shape: type[BaseModel], path: Path) -> str:
    loc = tuple(part for part in problem["loc"] if part != "[key]")  # the line is the key's own
    line, field = _line_of(node, loc), ".".join(str(part) for part in loc) or "the file"
    message = problem["msg"].removeprefix("Value error, ")
    if message[1:2].islower():  # but not "URL scheme …"
        message = f"{message[0].lower()}{message[1:]}"
    if problem["type"] == "extra_forbidden":
        known = _fields_at(shape, loc[:-1])
        message = f"there is no such field; known: {', '.join(sorted(known))}{nearest(str(loc[-1]), known)}"
    elif problem["type"] == "missing":
        message = "this field is required"
    elif problem["type"] in ("model_type", "model_attributes_type", "dict_type"):
        message = "must hold fields, each on a line of its own as name: value"
    elif problem["type"] != "value_error" and not isinstance(problem["input"], (dict, list)):
        message = f"{message}, not {problem['input']!r}"
    return f"{path}:{line}: {field}: {message.rstrip('.')}."


def raise_at(shape: type[BaseModel], mistakes: Iterable[tuple[tuple[str | int, ...], str]]) -> None:
    """For validators of ``shape``: an error per mistake, so that its own line is named, not that of the whole."""
    problems = [
        InitErrorDetails(type=PydanticCustomError("mistake", "{said}", {"said": said}), loc=loc, input={})
        for loc, said in mistakes
    ]
    if problems:
        raise ValidationError.from_exception_data(shape.__name__, problems)


def locate(path: Path, text: str, *loc: str | int) -> str:
    """``path:line: field`` of what is at ``loc`` in ``text``, which is valid YAML: how a message about it begins."""
    return f"{path}:{_line_of(yaml.compose(text, _Loader), loc)}: {'.'.join(str(part) for part in loc)}"


def nearest(name: str, known: Iterable[str]) -> str:
    """``" (did you mean 'x'?)"`` for the closest known name, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _line_of(node: yaml.Node | None, loc: tuple[Any, ...]) -> int:
    line = node.start_mark.line + 1 if node is not None else 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                continue  # a union's tag is part of the location but not of the file
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _fields_at(shape: Any, loc: tuple[Any, ...]) -> list[str]:
    """Names allowed where ``loc`` points to, walking through dicts and lists of models."""
    for part in loc:
        if isinstance(shape, type) and issubclass(shape, BaseModel) and part in shape.model_fields:
            shape = shape.model_fields[part].annotation
            continue
        models = _models_in(shape)
        told_by = [each for each in models if "kind" in each.model_fields and part in _kinds(each)]
        shape = told_by[0] if told_by else models[-1] if len(models) == 1 else shape
    return [name for model in _models_in(shape)[:1] for name in model.model_fields]


def _kinds(shape: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(shape.model_fields["kind"].annotation)


def _models_in(shape: Any) -> list[type[BaseModel]]:
    """The shapes that an annotation allows: of dicts' values, lists' items, unions."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return [shape]
    return [model for argument in get_args(shape) for model in _models_in(argument)]
