"""Annotations to be stored."""

from __future__ import annotations

from dataclasses import dataclass

from .stubs import annotations_pb2 as pb

# Far above any valid text. The server rejects a message that is too large as a whole, with all its annotations.
MAX_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class NewAnnotation:
    """One annotation to be stored: a labelled bounding box.

    `x`, `y`, `width` and `height` are fractions of the upright image's width and height, from its top left corner. The
    server validates: it stores valid annotations and reports an invalid one (`on_invalid`). The only check here is that
    no text has more than 10,000 characters, which raises a `ValueError`.
    """

    image_id: str
    label: str
    x: float
    y: float
    width: float
    height: float
    confidence: float | None = None
    model: str = ""

    def __post_init__(self) -> None:
        for name in ("image_id", "label", "model"):
            if len(getattr(self, name)) > MAX_TEXT:
                raise ValueError(f"{name} must have at most {MAX_TEXT} characters")

    @classmethod
    def from_pixels(
        cls,
        image_id: str,
        label: str,
        corners: tuple[float, float, float, float],
        size: tuple[float, float],
        confidence: float | None = None,
        model: str = "",
    ) -> NewAnnotation:
        """Converts `corners` in pixels (left, top, right, bottom) on an upright image of `size` (width, height).

        The bounding box is clipped to the image.
        """
        width, height = size
        if not (width > 0 and height > 0):
            raise ValueError(f"size must be a width and a height above 0, not {size}")
        left, top = _clip(corners[0] / width), _clip(corners[1] / height)
        right, bottom = _clip(corners[2] / width), _clip(corners[3] / height)
        return cls(image_id, label, left, top, right - left, bottom - top, confidence, model)

    def to_proto(self) -> pb.NewAnnotation:
        """Encodes the annotation as its message."""
        return pb.NewAnnotation(
            image_id=self.image_id,
            label=self.label,
            x=self.x,
            y=self.y,
            width=self.width,
            height=self.height,
            confidence=self.confidence,
            model=self.model,
        )

    @classmethod
    def from_proto(cls, message: pb.NewAnnotation) -> NewAnnotation:
        """Decodes an annotation from its message."""
        confidence = message.confidence if message.HasField("confidence") else None
        area = (message.x, message.y, message.width, message.height)
        return cls(message.image_id, message.label, *area, confidence, message.model)


def _clip(fraction: float) -> float:
    """Clips to 0 to 1. NaN stays NaN, and the server rejects it."""
    return 0.0 if fraction < 0 else 1.0 if fraction > 1 else fraction
