"""The Reticle client for model servers: stores annotations exactly once, and watches those of an image."""

from .annotation import Annotation
from .errors import (
    Fenced,
    InvalidArgument,
    NotFound,
    NothingSent,
    PermissionDenied,
    Rejected,
    ReticleError,
    Rewound,
    Unauthenticated,
    Unavailable,
    WrongServer,
)
from .ingest import IngestSession
from .new_annotation import NewAnnotation
from .watch import Changed, Current, Event, Removed, Reset, Watch, watch

__all__ = [
    "Annotation",
    "Changed",
    "Current",
    "Event",
    "Fenced",
    "IngestSession",
    "InvalidArgument",
    "NewAnnotation",
    "NotFound",
    "NothingSent",
    "PermissionDenied",
    "Rejected",
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
