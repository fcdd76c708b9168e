"""JSON schemas of every file that people edit, for editors and for checks."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from .evaluation import Case, SuiteFile
from .evaluation.agreement import Label
from .evaluation.matrix import MatrixFile
from .governance.intended_use import IntendedUseFile
from .governance.ownership import OwnershipFile
from .governance.policy import PolicyFile
from .governance.principal import AccessFile
from .models import LimitsFile, ModelsFile
from .observability.settings import DriftFile
from .prompts import PromptFile
from .readiness import StagesFile
from .retrieval import RetrievalFile
from .retrieval.connectors import SourcesFile
from .retrieval.quality import QualityFile
from .serving import ServiceFile

SHAPES: dict[str, type[BaseModel]] = {
    "access": AccessFile,
    "case": Case,
    "drift": DriftFile,
    "intended_use": IntendedUseFile,
    "label": Label,
    "limits": LimitsFile,
    "matrix": MatrixFile,
    "models": ModelsFile,
    "ownership": OwnershipFile,
    "policy": PolicyFile,
    "prompt": PromptFile,
    "quality": QualityFile,
    "retrieval": RetrievalFile,
    "service": ServiceFile,
    "sources": SourcesFile,
    "stages": StagesFile,
    "suite": SuiteFile,
}


def write(folder: Path, dry: bool = False) -> list[Path]:
    """Bring ``folder`` in line with the shapes in code; answer the files that were not, writing nothing if ``dry``."""
    stale = []
    for name, shape in SHAPES.items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **shape.model_json_schema()}
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        path = folder / f"{name}.schema.json"
        if not path.is_file() or path.read_text("utf-8") != text:
            stale.append(path)
            if not dry:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
    return stale
