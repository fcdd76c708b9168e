"""Whether the project is fit for a stage, decided from evidence."""

from .gate import CheckResult, GateResult, gate, render
from .stages import Stage, StagesFile, load_stage

__all__ = ["CheckResult", "GateResult", "Stage", "StagesFile", "gate", "load_stage", "render"]
