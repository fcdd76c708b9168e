"""Roles to governed models: the one door that every model call goes through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from sqlalchemy import Engine

from ..config import Settings, load_yaml, locate, nearest
from ..errors import ConfigurationError
from ..governance.audit import AuditLog
from ..governance.policy import Policy
from ..live import LastGood, Live
from ..observability import Telemetry
from ..observability.names import CALLS_WAITING, FALLBACKS, MODEL_CALLS
from ..prompts import Parameters
from .audited import Audited, Cost
from .breaker import Breaker, Circuit
from .budget import Budgeted
from .cached import Answers, Cached
from .deadline import Deadline, Timed
from .embedded import AuditedEmbedding, GovernedEmbeddings, Searched, Vectors
from .fallback import Fallback
from .faults import Translated
from .foreseen import Foreseen, foresee
from .governed import Governed
from .ledger import Ledger
from .limits import Limits, LimitsFile
from .metered import Metered
from .personal_data import PersonalData
from .policed import Policed
from .providers import build_chat, build_embeddings
from .queued import Places, Queued
from .rated import Rated
from .rates import open_rates
from .recording import Player, Recorder, current_tape
from .request import ANSWERED_BY, REFUSALS, Attempted, Pace
from .retry import Retrying
from .settings import WHERE, ModelEntry, ModelInfo, ModelsFile, Role, digest, misfits, unknown_role
from .spending import Spending
from .switch import Switched
from .taken import Mistake
from .taped import Recorded, Replayed

__all__ = ["ANSWERED_BY", "BASELINE", "Foreseen", "Governed", "LimitsFile", "ModelInfo", "Models", "ModelsFile", "Pace"]

OFFLINE = {
    "chat": ModelEntry(provider="offline", model="extractive-1"),
    "embedding": ModelEntry(provider="offline", model="hashing-1024", kind="embedding"),
}
"""What answers every role in offline mode."""

BASELINE = "offline"
"""The name under which the offline model stands in for a chat role, also where the file does not have it."""

AS_WRITTEN = Parameters()
"""Nothing that goes before a model's own parameters."""

BUILT = 128
"""How many models are kept ready: one a role and its prompts' parameters, as long as that version of the file lasts."""


@dataclass
class _Loaded:
    """One version of the file, built."""

    written: ModelsFile
    file: ModelsFile
    """What is in effect, which in offline mode is not what was written."""
    chat: Callable[[str, Parameters], BaseChatModel]
    embeddings: dict[tuple[str, str], Embeddings] = field(default_factory=dict)
    """By role, and by the model in its place."""
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
        live: Live | None = None,
    ) -> None:
        live = live or Live()
        self._settings, self._policy, self._audit, self._telemetry = settings, policy, audit, telemetry
        # Apart: no mistake elsewhere may keep a kill switch or a lower budget from taking effect.
        self.spending = Spending(Limits(settings, live.apart()), Ledger(state), telemetry)
        self.tape = current_tape()
        """What answers are recorded on, or come from; None where vendors are asked and nothing is kept."""
        self._pace = pace or Pace()
        self._rates = open_rates(settings, state, self._pace.clock)
        self._places: dict[str, Places] = {}
        self._answers: dict[tuple[str, float, int], Answers] = {}
        self._circuits: dict[tuple[str, str, str], Circuit] = {}
        self._path = settings.path(WHERE)
        self._running = False
        self._loaded = LastGood(lambda: [self._path], self._load, WHERE, live)
        self._running = True

    def get(self, role: str, parameters: Parameters | None = None) -> BaseChatModel:
        """The governed chat model of ``role``, as the file has it now; ``parameters`` go before those of its models.

        Raises ``ConfigurationError`` where there is no such role, or where it lacks its key or package.
        """
        loaded = self._of(role)
        if loaded.file.entries(role)[0].kind == "embedding":
            raise ConfigurationError(f"The role {role!r} in {WHERE} is an embedding; ask for one that is of kind chat.")
        return loaded.chat(role, parameters or AS_WRITTEN)

    def misfits(self, role: str, parameters: Parameters) -> Iterator[Mistake]:
        """Why a prompt for ``role`` with ``parameters`` cannot be served, by its fields; empty where it can.

        Judged by the file as it is written, offline too, and then by building what would answer.
        """
        loaded = self._loaded.get()
        mistakes = list(misfits(loaded.written, role, parameters))
        try:
            if not mistakes and role not in loaded.missing:
                self.get(role, parameters)
        except ConfigurationError as error:
            mistakes = [(("parameters",), str(error))]
        yield from mistakes

    def embeddings(self, role: str = "embed", use: str = "") -> Embeddings:
        """The embeddings of ``role``; with ``use``, that model in the role's place. Raises as ``get`` does."""
        loaded = self._loaded.get() if use else self._of(role)
        named = use or self._known(role, loaded).roles[role].use
        entry = loaded.file.models.get(named)
        if entry is None:
            known = [name for name, each in loaded.file.models.items() if each.kind == "embedding"]
            raise ConfigurationError(
                f"There is no model {use!r} under models in {WHERE}{nearest(use, known)}; embeddings there: "
                f"{', '.join(known)}."
            )
        if entry.kind != "embedding":
            what = f"model {use!r}" if use else f"role {role!r}"
            raise ConfigurationError(f"The {what} in {WHERE} is a chat model; ask for one of kind embedding.")
        if (role, named) not in loaded.embeddings:
            others = {name: each for name, each in loaded.file.roles.items() if name != role}
            asked = Role(**{**dict(self._known(role, loaded).roles[role]), "use": named})
            file = loaded.file.model_copy(update={"roles": {**others, role: asked}})
            loaded.embeddings[role, named] = self._embedded(role, file)
        return loaded.embeddings[role, named]

    def named(self, role: str = "embed") -> str:
        """The model that the file names for ``role``, by its name under models."""
        loaded = self._loaded.get()
        return self._known(role, loaded).roles[role].use

    def retiring(self, until: date) -> dict[str, date]:
        """The models in use whose vendor takes them away until then, with the day."""
        file = self._loaded.get().written
        used = {name for role in file.roles.values() for name in role.names}
        return {
            name: entry.retires
            for name, entry in file.models.items()
            if name in used and entry.retires and entry.retires <= until
        }

    def candidates(self) -> dict[str, ModelEntry]:
        """The chat models that the file names, by their names."""
        return {name: each for name, each in self._loaded.get().written.models.items() if each.kind == "chat"}

    def foresee(self, use: str, passages: int, size: int, at_once: int, role: str = "embed") -> Foreseen:
        """What it takes to embed passages of ``size`` bytes with ``use`` in the place of ``role``; nothing is sent.

        Raises ``ConfigurationError`` where there is no such embedding, ``PolicyViolation`` where it may not be called,
        ``ModelsStopped`` where somebody stopped the role.
        """
        self.embeddings(role, use)
        entry = self._loaded.get().file.models[use]
        if entry.provider != "offline":
            self._policy.check_model(entry.provider, entry.model, entry.computes_in)
            self.spending.limits.check_running(role)
        return foresee(self.spending, entry, role, passages, size, at_once)

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

    def measure(self) -> None:
        """Bring the gauges up to now: calls that wait, and what is used of budgets."""
        for role, places in list(self._places.items()):
            self._telemetry.observe(CALLS_WAITING, places.waiting, role=role)
        self.spending.measure()

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
        policy = None if self._settings.offline else self._policy
        written = file = load_yaml(self._path, ModelsFile, policy)
        for role, name in self._settings.stand_ins.items():
            models = {BASELINE: OFFLINE["chat"], **file.models}  # the baseline can always be tried
            written = file = file.model_copy(update={"models": models}).standing_in(role, name, policy)
        if self._settings.offline:
            roles = {role: Role(use=file.entries(role)[0].kind) for role in file.roles}
            file = ModelsFile(models=OFFLINE, roles=roles)
        loaded = _Loaded(written, file, lru_cache(BUILT)(lambda role, given: self._governed(role, file, given)))
        for role in file.roles:
            entries = file.entries(role)
            try:
                if entries[0].kind == "chat":
                    loaded.chat(role, AS_WRITTEN)
                else:
                    loaded.embeddings[role, file.roles[role].use] = self._embedded(role, file)
            except ConfigurationError as error:
                where = locate(self._path, self._path.read_text("utf-8"), "roles", role)
                loaded.missing[role] = ConfigurationError(f"{where}: {error}")
                if self._running:
                    raise loaded.missing[role] from error
        return loaded

    def _governed(self, role: str, file: ModelsFile, parameters: Parameters = AS_WRITTEN) -> BaseChatModel:
        """The controls round the models of a role, innermost first."""
        entries = [entry.with_parameters(parameters) for entry in file.entries(role)]
        first, *others = entries
        retries, pace, telemetry = file.roles[role].retries, self._pace, self._telemetry
        model = self._asked(role, first, retries, last=not others)
        if others:
            following = [self._asked(role, entry, retries, last=entry is others[-1]) for entry in others]
            model = Fallback(inner=model, others=following, pace=pace, telemetry=telemetry, role=role)
        places = self._places.setdefault(role, Places(self.spending.limits, role))
        model = Queued(inner=model, places=places, telemetry=telemetry, role=role)
        if rule := file.roles[role].cache:
            answers = self._answers.setdefault((role, rule.seconds, rule.entries), Answers(rule, pace.now))
            models = [entry.info.sha256 for entry in entries]
            model = Cached(inner=model, answers=answers, models=models, policy=self._policy)
            # Once more, out here: a role that is stopped answers nothing, kept or not.
            model = Switched(inner=model, limits=self.spending.limits, role=role)
        audited = AuditedEmbedding if first.kind == "embedding" else Audited
        model = audited(inner=model, audit=self._audit, cost=self._cost(entries), info=first.info, role=role)
        self._start_counting(role, first.provider)
        model = Metered(inner=model, telemetry=telemetry, role=role, provider=first.provider)
        return Deadline(inner=model, seconds=file.deadline(role), pace=pace)

    def _start_counting(self, role: str, provider: str) -> None:
        """Zeros for what alerts look at: Prometheus sees no increase in a series that begins with one."""
        self._telemetry.count(FALLBACKS, 0, role=role, provider=provider)
        for outcome in REFUSALS.values():
            self._telemetry.count(MODEL_CALLS, 0, role=role, provider=provider, outcome=outcome)

    def _cost(self, entries: list[ModelEntry]) -> Cost:
        """What a call of the model that answered costs, by that model's entry."""
        by_digest = {entry.info.sha256: entry for entry in entries}
        return lambda info, usage: self.spending.cost(by_digest[info.sha256], info.model, usage)

    def _asked(self, role: str, entry: ModelEntry, retries: int, last: bool) -> BaseChatModel:
        """The controls round one vendor's model, innermost first. Each attempt reserves, and settles, its own cost."""
        info, pace, telemetry, spending = entry.info, self._pace, self._telemetry, self.spending
        circuit = self._circuits.setdefault((entry.provider, entry.model, entry.address), Circuit())
        embeds = entry.kind == "embedding"
        model: BaseChatModel
        if isinstance(self.tape, Player) and entry.provider != "offline":
            model = Replayed(entry=entry, player=self.tape, spending=spending)
        else:
            model = Vectors(embeddings=build_embeddings(entry), entry=entry) if embeds else build_chat(entry)
            model = Translated(inner=model, entry=entry)
            if isinstance(self.tape, Recorder) and entry.provider != "offline":
                model = Recorded(inner=model, entry=entry, recorder=self.tape)
            model = Timed(inner=model, entry=entry)
            model = Budgeted(inner=model, spending=spending, entry=entry, role=role)
            model = Rated(
                inner=model,
                rates=self._rates,
                limits=spending.limits,
                telemetry=telemetry,
                pace=pace,
                entry=entry,
                role=role,
            )
            model = Breaker(inner=model, circuit=circuit, rule=entry.breaker, info=info, pace=pace)
        model = Attempted(inner=model, info=info)
        model = Retrying(
            inner=model, pace=pace, telemetry=telemetry, role=role, provider=entry.provider, retries=retries, last=last
        )
        hiding = Searched if embeds else PersonalData
        model = hiding(inner=model, policy=self._policy, telemetry=telemetry)
        model = Switched(inner=model, limits=spending.limits, role=role)
        return Policed(inner=model, policy=self._policy, info=info, region=entry.computes_in)

    def _embedded(self, role: str, file: ModelsFile) -> Embeddings:
        entry = file.entries(role)[0]
        if entry.provider == "offline":
            return build_embeddings(entry)  # computed here: nothing leaves that would have to be governed
        return GovernedEmbeddings(self._governed(role, file, Parameters()), entry.info.label)
