"""Roles to governed models: the one door that every model call goes through."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from sqlalchemy import Engine

from ..config import LastGood, Settings, load_yaml
from ..errors import ConfigurationError
from ..governance.audit import AuditLog
from ..governance.policy import Policy
from ..observability import Telemetry
from .audited import Audited, Cost
from .breaker import Breaker, Circuit
from .budget import Budgeted
from .deadline import Deadline, Timed
from .embedded import GovernedEmbeddings
from .fallback import Fallback
from .faults import Translated
from .governed import Governed
from .ledger import Ledger
from .limits import Limits, LimitsFile
from .metered import Metered
from .personal_data import PersonalData
from .policed import Policed
from .providers import build_chat, build_embeddings
from .request import ANSWERED_BY, Attempted, Pace
from .retry import Retrying
from .settings import WHERE, ModelEntry, ModelInfo, ModelsFile, Role, digest, unknown_role
from .spending import Spending
from .switch import Switched

__all__ = ["ANSWERED_BY", "Governed", "LimitsFile", "ModelInfo", "Models", "ModelsFile", "Pace"]

OFFLINE = {
    "chat": ModelEntry(provider="offline", model="extractive-1"),
    "embedding": ModelEntry(provider="offline", model="hashing-1024", kind="embedding"),
}
"""What answers every role in offline mode."""


@dataclass
class _Loaded:
    """One version of the file, built."""

    file: ModelsFile
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
        self,
        settings: Settings,
        policy: Policy,
        audit: AuditLog,
        telemetry: Telemetry,
        state: Engine,
        pace: Pace | None = None,
    ) -> None:
        self._settings, self._policy, self._audit, self._telemetry = settings, policy, audit, telemetry
        self.spending = Spending(Limits(settings), Ledger(state), telemetry)
        self._pace = pace or Pace()
        self._circuits: dict[tuple[str, str, str], Circuit] = {}
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
        """What is to answer ``role``, for evidence; also where its key is missing. A reply names who wrote it.

        ``sha256`` covers its fallbacks as well.
        """
        infos = [entry.info for entry in self._known(role, self._loaded.get()).entries(role)]
        return infos[0] if len(infos) == 1 else replace(infos[0], sha256=digest([info.sha256 for info in infos]))

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
        return list(self._loaded.get().file.roles)

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
        self._known(role, loaded)
        if role in loaded.missing:
            raise loaded.missing[role]
        return loaded

    def _known(self, role: str, loaded: _Loaded) -> ModelsFile:
        if role not in loaded.file.roles:
            raise unknown_role(role, list(loaded.file.roles))
        return loaded.file

    def _load(self) -> _Loaded:
        # Offline, nothing of what the file names is called, so that a policy which forbids it is no reason to stop.
        file = load_yaml(self._path, ModelsFile, None if self._settings.offline else self._policy)
        if self._settings.offline:
            roles = {role: Role(use=file.entries(role)[0].kind) for role in file.roles}
            file = ModelsFile(models=OFFLINE, roles=roles)
        loaded = _Loaded(file)
        for role in file.roles:
            entries = file.entries(role)
            try:
                if entries[0].kind == "chat":
                    loaded.chat[role] = self._governed(role, file)
                else:
                    loaded.embeddings[role] = self._embedded(role, entries[0])
            except ConfigurationError as error:
                if self._running:
                    raise
                loaded.missing[role] = error
        return loaded

    def _governed(self, role: str, file: ModelsFile) -> BaseChatModel:
        """The controls round the models of a role, innermost first."""
        entries = file.entries(role)
        first, *others = entries
        retries, pace, telemetry = file.roles[role].retries, self._pace, self._telemetry
        model = self._asked(role, first, retries, last=not others)
        if others:
            following = [self._asked(role, entry, retries, last=entry is others[-1]) for entry in others]
            model = Fallback(inner=model, others=following, pace=pace, telemetry=telemetry, role=role)
        model = Audited(inner=model, audit=self._audit, cost=self._cost(entries), info=first.info, role=role)
        model = Metered(inner=model, telemetry=telemetry, role=role, provider=first.provider)
        return Deadline(inner=model, seconds=file.deadline(role), pace=pace)

    def _cost(self, entries: list[ModelEntry]) -> Cost:
        """What a call of the model that answered costs, by that model's entry."""
        by_digest = {entry.info.sha256: entry for entry in entries}
        return lambda info, usage: self.spending.cost(by_digest[info.sha256], info.model, usage)

    def _asked(self, role: str, entry: ModelEntry, retries: int, last: bool) -> BaseChatModel:
        """The controls round one vendor's model, innermost first. Each attempt reserves, and settles, its own cost."""
        info, pace, telemetry, spending = entry.info, self._pace, self._telemetry, self.spending
        circuit = self._circuits.setdefault((entry.provider, entry.model, str(entry.base_url)), Circuit())
        model: BaseChatModel = Translated(inner=build_chat(entry), entry=entry)
        model = Timed(inner=model, entry=entry)
        model = Budgeted(inner=model, spending=spending, entry=entry, role=role)
        model = Breaker(inner=model, circuit=circuit, rule=entry.breaker, info=info, pace=pace)
        model = Attempted(inner=model, info=info)
        model = Retrying(
            inner=model, pace=pace, telemetry=telemetry, role=role, provider=entry.provider, retries=retries, last=last
        )
        model = PersonalData(inner=model, policy=self._policy, telemetry=telemetry)
        model = Switched(inner=model, limits=spending.limits, role=role)
        return Policed(inner=model, policy=self._policy, info=info, region=entry.computes_in)

    def _embedded(self, role: str, entry: ModelEntry) -> Embeddings:
        if entry.provider == "offline":
            return build_embeddings(entry)  # computed here: nothing leaves that would have to be governed
        return GovernedEmbeddings(
            build_embeddings(entry), entry, role, self._policy, self._audit, self._telemetry, self.spending
        )
