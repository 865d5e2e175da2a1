"""Reads the rows of a file for `reticle-ingest`, and decodes each into an annotation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ..new_annotation import NewAnnotation
from .coco import Images
from .json_stream import InvalidJson, JsonStream

_TEXTS = {"image_id", "label", "model"}
_NUMBERS = {"x", "y", "width", "height", "confidence"}
_REQUIRED = (_TEXTS | _NUMBERS) - {"confidence", "model"}


class InvalidRow(ValueError):
    """Why a row is not a valid annotation."""


def read(file: BinaryIO) -> Iterator[Any]:
    """Yields the rows of a file: the elements of one JSON array, or one JSON object per line."""
    stream = JsonStream(file)
    if stream.peek() == "[":
        yield from stream.items()
        stream.end()
        return
    while stream.peek():
        row = stream.value()
        if not isinstance(row, dict):
            raise InvalidJson(f"a row must be an object, not {row!r:.40}")
        yield row


def to_annotation(row: Any, images: Images | None, model: str) -> NewAnnotation:
    """Decodes one row: a COCO result if it has a `bbox`, else the fields of a `NewAnnotation`.

    A row that `--invalid-out` has written is unwrapped first.
    """
    if isinstance(row, dict) and "row" in row and "reasons" in row:
        row = row["row"]
    if not isinstance(row, dict):
        raise InvalidRow("a row must be an object")
    try:
        annotation = _from_coco(row, images, model) if "bbox" in row else _from_fields(row, model)
        # Rejects a row that cannot be encoded before anything is sent.
        annotation.to_proto()
        return annotation
    except KeyError as missing:
        raise InvalidRow(f"{missing.args[0]} is missing") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidRow(str(error)) from None


def _from_coco(row: dict[str, Any], images: Images | None, model: str) -> NewAnnotation:
    if images is None:
        raise InvalidRow("a COCO result needs --annotations-file, for image sizes and category names")
    image, label = images.image(row["image_id"]), images.label(row["category_id"])
    left, top, width, height = (float(number) for number in row["bbox"])
    corners = (left, top, left + width, top + height)
    score = row.get("score")
    confidence = None if score is None else float(score)
    return NewAnnotation.from_pixels(image.reticle_id, label, corners, image.size, confidence, model)


def _from_fields(row: dict[str, Any], model: str) -> NewAnnotation:
    row = {"model": model} | row
    if unknown := row.keys() - _TEXTS - _NUMBERS:
        raise InvalidRow(f"{min(unknown)} is not a field of an annotation")
    if row.get("confidence", 0) is None:
        del row["confidence"]
    for name in sorted(_REQUIRED | row.keys()):
        value = row[name]
        if name in _TEXTS and not isinstance(value, str):
            raise InvalidRow(f"{name} must be a string")
        if name in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InvalidRow(f"{name} must be a number")
    return NewAnnotation(**row)
