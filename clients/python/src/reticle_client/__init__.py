"""Reticle for model servers: boxes that are stored exactly once, and images that are watched."""

from .box import Box
from .errors import (
    Fenced,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Refused,
    ReticleError,
    Rewound,
    Unauthenticated,
    Unavailable,
)
from .ingest import IngestSession

__all__ = [
    "Box",
    "Fenced",
    "IngestSession",
    "InvalidArgument",
    "NotFound",
    "PermissionDenied",
    "Refused",
    "ReticleError",
    "Rewound",
    "Unauthenticated",
    "Unavailable",
]
