"""The shape of ``config/limits.yaml``: what stops model calls. Followed while running, and optional."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pydantic import Field, ValidationInfo, field_validator

from ..config import File, Settings, load_yaml, locate, nearest
from ..errors import ModelsStopped
from ..live import LastGood, Live
from .offers import PROVIDERS

WHERE = "config/limits.yaml"
MILLION = 1_000_000
"""Costs are counted in millionths of a US dollar: whole numbers, which add up exactly."""


class Budget(File):
    """What may be spent; what is left out has no limit. Days and months are those of UTC."""

    day: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="US dollars a day.")
    month: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="US dollars a month.")


class RoleLimits(File):
    """The limits of one role of ``config/models.yaml``."""

    stopped: bool = Field(default=False, description="true refuses every call of this role.")
    budget: Budget = Field(default=Budget(), description="What all calls of this role may cost.")
    requests_per_minute: int | None = Field(
        default=None, gt=0, description="Calls a minute, each try counted, of all replicas together."
    )
    tokens_per_minute: int | None = Field(
        default=None, gt=0, description="Tokens a minute, read and written, of all replicas together."
    )
    concurrent: int | None = Field(default=None, gt=0, description="Calls under way at once, in each process.")
    queue: int = Field(default=100, ge=0, description="How many more may wait for one of these to end.")

    @field_validator("queue")
    @classmethod
    def _of_something(cls, queue: int, info: ValidationInfo) -> int:
        if "concurrent" in info.data and info.data["concurrent"] is None:
            raise ValueError("nothing waits without concurrent; add that, or take queue out")
        return queue


class Price(File):
    """What a model costs, in US dollars."""

    input_per_million: float = Field(ge=0, allow_inf_nan=False, description="US dollars for a million input tokens.")
    output_per_million: float = Field(
        default=0, ge=0, allow_inf_nan=False, description="US dollars for a million output tokens."
    )


class LimitsFile(File):
    """``config/limits.yaml``. Without the file nothing is stopped, and no budget applies."""

    stopped: bool = Field(default=False, description="true refuses every call to every model.")
    budget: Budget = Field(default=Budget(), description="What all calls together may cost.")
    roles: dict[str, RoleLimits] = Field(default={}, description="Limits of single roles of config/models.yaml.")
    each_caller: Budget = Field(default=Budget(), description="What the calls of any one caller may cost.")
    callers: dict[str, Budget] = Field(default={}, description="Budgets of single callers, in place of each_caller.")
    prices: dict[str, Price] = Field(
        default={}, description="Prices by provider/model, for models whose price is not known or is another for you."
    )
    assumed_output_tokens: int = Field(
        default=4096, gt=0, description="Reserved for the answer where config/models.yaml sets no max_tokens."
    )

    @field_validator("prices")
    @classmethod
    def _of_models(cls, prices: dict[str, Price]) -> dict[str, Price]:
        for name in prices:
            provider, _, model = name.partition("/")
            if provider not in PROVIDERS or not model:
                raise ValueError(f"{name!r} is not a provider and a model such as openai/gpt-5.4-mini")
        return prices


@dataclass(frozen=True)
class Cap:
    """One budget, for one period of one scope."""

    scope: str
    period: str
    dollars: float
    setting: str
    """Where in the file it stands."""


class Limits:
    """The limits in force. A file that turns wrong while running leaves the last good ones."""

    def __init__(self, settings: Settings, live: Live | None = None) -> None:
        self._path = path = settings.path(WHERE)
        self._file = LastGood(
            lambda: [path], lambda: load_yaml(path, LimitsFile) if path.exists() else LimitsFile(), WHERE, live
        )

    @property
    def file(self) -> LimitsFile:
        """The limits in force, as written."""
        return self._file.get()

    @property
    def summary(self) -> str:
        """What is stopped, and which budgets and rates there are."""
        file = self.file
        stopped = "all models" if file.stopped else ", ".join(role for role in file.roles if file.roles[role].stopped)
        budgets = ", ".join(cap.setting for cap in self.all_caps([""], ""))
        rates = ", ".join(
            f"roles.{role}.{name} {value}"
            for role, limits in file.roles.items()
            for name in ("requests_per_minute", "tokens_per_minute", "concurrent")
            if (value := getattr(limits, name))
        )
        return f"stopped: {stopped or 'nothing'}; budgets: {budgets or 'none'}; rates: {rates or 'none'}"

    def role(self, role: str) -> RoleLimits:
        """The limits of ``role``, where it has any."""
        return self.file.roles.get(role, RoleLimits())

    def problem(self, roles: Collection[str]) -> str | None:
        """What is wrong with the file as it is now: why it is not in force, or a role that is none of ``roles``."""
        file = self.file
        if self._file.error:
            return self._file.error
        for role in file.roles.keys() - set(roles):
            where = locate(self._path, self._path.read_text("utf-8"), "roles", role)
            return f"{where}: config/models.yaml has no such role{nearest(role, roles)}; mend the name."
        return None

    def check_running(self, role: str) -> None:
        """Raise ``ModelsStopped`` where the kill switch of ``role``, or of everything, is thrown."""
        file = self.file
        stopped = "stopped" if file.stopped else f"roles.{role}.stopped" if self.role(role).stopped else None
        if stopped:
            raise ModelsStopped(
                f"The models of the role {role!r} are stopped by {stopped} in {WHERE}; nothing was sent. "
                "Ask who stopped them; false, or taking the line out, lets calls through again."
            )

    def caps(self, role: str, caller: str | None, day: str) -> Iterator[Cap]:
        """Every budget that a call of this role and caller counts against on ``day`` (``2026-11-21``)."""
        file = self.file
        yield from _caps(file.budget, "project", "budget", day)
        yield from _caps(self.role(role).budget, f"role:{role}", f"roles.{role}.budget", day)
        if caller in file.callers:
            yield from _caps(file.callers[caller], f"caller:{caller}", f"callers.{caller}", day)
        elif caller is not None:
            yield from _caps(file.each_caller, f"caller:{caller}", "each_caller", day)

    def all_caps(self, callers: Collection[str], day: str) -> list[Cap]:
        """Every budget of the file on ``day``; for ``callers`` and those that the file names."""
        found = [*self.caps("", None, day)]
        for role in self.file.roles:
            found += self.caps(role, None, day)
        for caller in sorted({*callers, *self.file.callers}):
            found += self.caps("", caller, day)
        return list(dict.fromkeys(found))


def _caps(budget: Budget, scope: str, setting: str, day: str) -> Iterator[Cap]:
    if budget.day is not None:
        yield Cap(scope, day, budget.day, f"{setting}.day")
    if budget.month is not None:
        yield Cap(scope, day[:7], budget.month, f"{setting}.month")
