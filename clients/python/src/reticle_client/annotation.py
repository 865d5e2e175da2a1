"""Stored annotations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from .stubs import annotations_pb2 as pb


@dataclass(frozen=True, slots=True)
class Annotation:
    """One stored annotation: the fields of a `NewAnnotation`, and those that the server sets."""

    id: str
    image_id: str
    label: str
    x: float
    y: float
    width: float
    height: float
    # None for annotations that people drew.
    confidence: float | None
    model: str
    # The user who stored it.
    created_by: str
    created_at: datetime
    updated_at: datetime
    # Changes with each change of the annotation.
    etag: str

    @classmethod
    def from_proto(cls, message: pb.Annotation) -> Annotation:
        """Decodes an annotation from its message."""
        return cls(
            id=message.id,
            image_id=message.image_id,
            label=message.label,
            x=message.x,
            y=message.y,
            width=message.width,
            height=message.height,
            confidence=message.confidence if message.HasField("confidence") else None,
            model=message.model,
            created_by=message.created_by,
            created_at=message.created_at.ToDatetime(timezone.utc),
            updated_at=message.updated_at.ToDatetime(timezone.utc),
            etag=message.etag,
        )
