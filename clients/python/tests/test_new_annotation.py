"""New annotations: what the client converts and checks."""

from __future__ import annotations

import math

import pytest

from reticle_client import NewAnnotation


def test_an_annotation_in_pixels_becomes_fractions_of_the_image() -> None:
    annotation = NewAnnotation.from_pixels("i", "car", (10, 20, 60, 80), (100, 200), 0.5, "m")
    assert annotation == NewAnnotation("i", "car", 0.1, 0.1, 0.5, 0.4 - 0.1, 0.5, "m")


def test_an_annotation_in_pixels_is_clipped_to_the_image() -> None:
    annotation = NewAnnotation.from_pixels("i", "car", (-5, -0.1, 100.4, 999), (100, 200))
    assert (annotation.x, annotation.y, annotation.width, annotation.height) == (0, 0, 1, 1)
    assert math.isnan(NewAnnotation.from_pixels("i", "car", (math.nan, 0, 1, 1), (100, 200)).x)
    for size in ((0, 10), (10, -1), (math.nan, 1)):
        with pytest.raises(ValueError, match="a width and a height"):
            NewAnnotation.from_pixels("i", "car", (0, 0, 1, 1), size)


def test_texts_of_up_to_10_000_characters_are_left_for_the_server_to_validate() -> None:
    assert NewAnnotation("i", "x" * 10_000, 0, 0, 1, 1).label
    with pytest.raises(ValueError, match="label must have at most 10000 characters"):
        NewAnnotation("i", "x" * 10_001, 0, 0, 1, 1)
