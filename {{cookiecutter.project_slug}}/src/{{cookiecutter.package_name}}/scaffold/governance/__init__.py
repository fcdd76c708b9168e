"""What is allowed, who answers for it, and what happened: policy, ownership, audit, callers."""

from .audit import AuditLog
from .chain import Verification
from .ownership import OwnershipFile, placeholders
from .policy import Policy, PolicyFile
from .principal import AccessFile, Directory, Principal

__all__ = [
    "AccessFile",
    "AuditLog",
    "Directory",
    "OwnershipFile",
    "Policy",
    "PolicyFile",
    "Principal",
    "Verification",
    "placeholders",
]
