"""What may go where: ``governance/policy.yaml``, read by code and followed while running."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ..config import File, Settings, load_yaml
from ..errors import PolicyViolation
from ..live import LastGood, Live

Classification = Literal["public", "internal", "confidential", "restricted"]
Action = Literal["pseudonymise", "redact", "block"]


class PersonalData(File):
    """What happens to personal data that the recognisers find."""

    on_the_way_to_the_model: Action = Field(
        default="pseudonymise",
        description="pseudonymise: replaced, and restored in the answer; redact: replaced for good; block: refused.",
    )


class PolicyFile(File):
    """``governance/policy.yaml``: the class of the data, and what follows from it."""

    data_classification: Classification = Field(description="The highest class of data that this project works on.")
    providers: dict[Classification, list[str]] = Field(
        description="For each class, the model providers that may receive such data; any other is refused."
    )
    regions: list[str] | None = Field(
        default=None, description="Where models may compute, as region in config/models.yaml; left out, anywhere."
    )
    personal_data: PersonalData = Field(default=PersonalData(), description="What happens to personal data.")

    @model_validator(mode="after")
    def _class_is_ruled(self) -> Self:
        if self.data_classification not in self.providers:
            raise ValueError(f"providers says nothing about {self.data_classification!r}, the class of this project")
        return self


class Policy:
    """The rules in force. A file that turns wrong while running leaves the last good rules; ``error`` says why.

    Raises ``ConfigurationError`` where the file is missing or wrong at the start.
    """

    def __init__(self, settings: Settings, live: Live | None = None) -> None:
        path = settings.path("governance", "policy.yaml")
        self._file = LastGood(lambda: [path], lambda: load_yaml(path, PolicyFile), "governance/policy.yaml", live)

    @property
    def file(self) -> PolicyFile:
        """The rules in force, as written."""
        return self._file.get()

    @property
    def error(self) -> str | None:
        """Why the newest file is not in force, if it is not."""
        return self._file.error

    @property
    def personal_data_action(self) -> Action:
        """What happens to personal data on the way to a model."""
        return self.file.personal_data.on_the_way_to_the_model

    def check_model(self, provider: str, model: str, region: str | None = None) -> None:
        """Raise ``PolicyViolation`` unless this provider may receive the project's class of data, in this region.

        The offline provider is in no region: it computes in the process.
        """
        rules = self.file
        allowed = rules.providers[rules.data_classification]
        if provider not in allowed:
            raise PolicyViolation(
                f"governance/policy.yaml does not allow {provider}/{model} for {rules.data_classification} data "
                f"(allowed: {', '.join(allowed) or 'none'}); use one of those in config/models.yaml, "
                "or change the policy with whoever answers for the data."
            )
        if rules.regions is not None and provider != "offline" and region not in rules.regions:
            named = f"in the region {region}" if region else "without a region"
            raise PolicyViolation(
                f"governance/policy.yaml does not allow {provider}/{model} {named} "
                f"(allowed: {', '.join(rules.regions) or 'none'}); name one of those as its region in "
                "config/models.yaml where it computes there, or change the policy with whoever answers for the data."
            )
