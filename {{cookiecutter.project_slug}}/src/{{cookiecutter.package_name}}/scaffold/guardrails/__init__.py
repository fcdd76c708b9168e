"""Guards on what goes to a model and what comes back: personal data, fences round untrusted text, grounding."""

from .fencing import fence
from .grounding import support
from .personal_data import Finding, Pseudonyms, find, redact

__all__ = ["Finding", "Pseudonyms", "fence", "find", "redact", "support"]
