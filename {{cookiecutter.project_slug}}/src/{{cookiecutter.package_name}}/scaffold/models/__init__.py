"""Roles to governed models: the one door that every model call goes through."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from sqlalchemy import Engine

from ..config import LastGood, Settings, load_yaml
from ..errors import ConfigurationError
from ..governance.audit import AuditLog
from ..governance.policy import Policy
from ..observability import Telemetry
from .audited import Audited
from .budget import Budgeted
from .embedded import GovernedEmbeddings
from .faults import Translated
from .governed import Governed
from .ledger import Ledger
from .limits import Limits, LimitsFile
from .metered import Metered
from .personal_data import PersonalData
from .policed import Policed
from .providers import build_chat, build_embeddings
from .settings import WHERE, ModelEntry, ModelInfo, ModelsFile, unknown_role
from .spending import Spending
from .switch import Switched

__all__ = ["Governed", "LimitsFile", "ModelInfo", "Models", "ModelsFile"]

OFFLINE = {
    "chat": ModelEntry(provider="offline", model="extractive-1"),
    "embedding": ModelEntry(provider="offline", model="hashing-1024", kind="embedding"),
}
"""What answers every role in offline mode."""


@dataclass
class _Loaded:
    """One version of the file, built."""

    entries: dict[str, ModelEntry]
    chat: dict[str, BaseChatModel] = field(default_factory=dict)
    embeddings: dict[str, Embeddings] = field(default_factory=dict)
    missing: dict[str, ConfigurationError] = field(default_factory=dict)


class Models:
    """What ``config/models.yaml`` says, as models ready to call; it may change while the service runs.

    A version is built as a whole before it serves. Where that fails, the last good one stays and ``error`` says why.
    At the start, a role whose key or package is missing fails only when it is asked for, so that commands that need no
    model work without them. Raises ``ConfigurationError`` where the file itself is wrong at the start.
    """

    def __init__(
        self, settings: Settings, policy: Policy, audit: AuditLog, telemetry: Telemetry, state: Engine
    ) -> None:
        self._settings, self._policy, self._audit, self._telemetry = settings, policy, audit, telemetry
        self.spending = Spending(Limits(settings), Ledger(state), telemetry)
        self._path = settings.path(WHERE)
        self._running = False
        self._loaded = LastGood(lambda: [self._path], self._load, WHERE)
        self._running = True

    def get(self, role: str) -> BaseChatModel:
        """The governed chat model of ``role``, as the file has it now.

        Raises ``ConfigurationError`` where there is no such role, or where it lacks its key or package.
        """
        loaded = self._of(role)
        if role not in loaded.chat:
            raise ConfigurationError(f"The role {role!r} in {WHERE} is an embedding; ask for one that is of kind chat.")
        return loaded.chat[role]

    def embeddings(self, role: str = "embed") -> Embeddings:
        """The embeddings of ``role``. Raises as ``get`` does."""
        loaded = self._of(role)
        if role not in loaded.embeddings:
            raise ConfigurationError(f"The role {role!r} in {WHERE} is a chat model; ask for one of kind embedding.")
        return loaded.embeddings[role]

    def describe(self, role: str) -> ModelInfo:
        """What answers ``role``, for evidence and answers; also where its key is missing."""
        return self._entry(role, self._loaded.get()).info

    def unusable(self, role: str) -> str | None:
        """Why ``role`` cannot be used, without calling it; None where its key and package are there."""
        try:
            self._of(role)
        except ConfigurationError as error:
            return str(error)
        return None

    @property
    def roles(self) -> list[str]:
        """Every role that the file has."""
        return list(self._loaded.get().entries)

    @property
    def error(self) -> str | None:
        """Why the newest file is not in use, if it is not."""
        return self._loaded.error

    @property
    def limits_error(self) -> str | None:
        """What is wrong with ``config/limits.yaml``, if anything is."""
        return self.spending.limits.problem(self.roles)

    def _of(self, role: str) -> _Loaded:
        loaded = self._loaded.get()
        self._entry(role, loaded)
        if role in loaded.missing:
            raise loaded.missing[role]
        return loaded

    def _entry(self, role: str, loaded: _Loaded) -> ModelEntry:
        if role not in loaded.entries:
            raise unknown_role(role, list(loaded.entries))
        return loaded.entries[role]

    def _load(self) -> _Loaded:
        file = load_yaml(self._path, ModelsFile)
        entries = {role: file.models[name] for role, name in file.roles.items()}
        if self._settings.offline:
            entries = {role: OFFLINE[entry.kind] for role, entry in entries.items()}
        loaded = _Loaded(entries)
        for role, entry in entries.items():
            try:
                if entry.kind == "chat":
                    loaded.chat[role] = self._governed(role, entry)
                else:
                    loaded.embeddings[role] = self._embedded(role, entry)
            except ConfigurationError as error:
                if self._running:
                    raise
                loaded.missing[role] = error
        return loaded

    def _governed(self, role: str, entry: ModelEntry) -> BaseChatModel:
        """The controls round the vendor's model, innermost first."""
        info, spending = entry.info, self.spending
        model: BaseChatModel = Translated(inner=build_chat(entry), entry=entry)
        model = PersonalData(inner=model, policy=self._policy, telemetry=self._telemetry)
        model = Budgeted(inner=model, spending=spending, entry=entry, role=role)
        model = Switched(inner=model, limits=spending.limits, role=role)
        model = Policed(inner=model, policy=self._policy, info=info)
        cost = partial(spending.cost, entry)
        model = Audited(inner=model, audit=self._audit, cost=cost, info=info, role=role)
        return Metered(inner=model, telemetry=self._telemetry, role=role, provider=entry.provider)

    def _embedded(self, role: str, entry: ModelEntry) -> Embeddings:
        if entry.provider == "offline":
            return build_embeddings(entry)  # computed here: nothing leaves that would have to be governed
        return GovernedEmbeddings(
            build_embeddings(entry), entry, role, self._policy, self._audit, self._telemetry, self.spending
        )
