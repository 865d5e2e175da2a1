"""Boxes to be stored."""

from __future__ import annotations

from dataclasses import dataclass

from .stubs import annotations_pb2 as pb

# No valid text comes near it. A message holds many boxes, and the server refuses one that is too large as a whole.
MAX_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class Box:
    """One labelled box. Its numbers are fractions of the upright image's width and height, from its top left corner.

    The server says what is valid: it stores the other boxes and reports this one (`on_invalid`). Only a text of more
    than 10,000 characters is a `ValueError` here.
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
    ) -> Box:
        """A box of `corners` in pixels (left, top, right, bottom) on an upright image of `size` (width, height).

        What reaches over the image's edge is cut off.
        """
        width, height = size
        if not (width > 0 and height > 0):
            raise ValueError(f"an image has a width and a height, not {size}")
        left, top = _within(corners[0] / width), _within(corners[1] / height)
        right, bottom = _within(corners[2] / width), _within(corners[3] / height)
        return cls(image_id, label, left, top, right - left, bottom - top, confidence, model)

    def to_proto(self) -> pb.NewAnnotation:
        """The message that carries it."""
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
    def from_proto(cls, message: pb.NewAnnotation) -> Box:
        """The box that a message carries."""
        confidence = message.confidence if message.HasField("confidence") else None
        area = (message.x, message.y, message.width, message.height)
        return cls(message.image_id, message.label, *area, confidence, message.model)


def _within(fraction: float) -> float:
    """What is not a number stays as it is, for the server to refuse."""
    return 0.0 if fraction < 0 else 1.0 if fraction > 1 else fraction
