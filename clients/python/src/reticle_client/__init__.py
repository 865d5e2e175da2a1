"""Reticle for model servers: boxes that are stored exactly once, and images that are watched."""

from .annotation import Annotation
from .box import Box
from .errors import (
    Fenced,
    InvalidArgument,
    NotFound,
    NothingSent,
    PermissionDenied,
    Refused,
    ReticleError,
    Rewound,
    Unauthenticated,
    Unavailable,
    WrongServer,
)
from .ingest import IngestSession
from .watch import Changed, Current, Event, Removed, Reset, Watch, watch

__all__ = [
    "Annotation",
    "Box",
    "Changed",
    "Current",
    "Event",
    "Fenced",
    "IngestSession",
    "InvalidArgument",
    "NotFound",
    "NothingSent",
    "PermissionDenied",
    "Refused",
    "Removed",
    "Reset",
    "ReticleError",
    "Rewound",
    "Unauthenticated",
    "Unavailable",
    "Watch",
    "WrongServer",
    "watch",
]
