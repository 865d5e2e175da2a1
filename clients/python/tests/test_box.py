"""Boxes: what is decided before they are sent."""

from __future__ import annotations

import math

import pytest

from reticle_client import Box


def test_a_box_in_pixels_becomes_fractions_of_the_image() -> None:
    box = Box.from_pixels("i", "car", (10, 20, 60, 80), (100, 200), 0.5, "m")
    assert box == Box("i", "car", 0.1, 0.1, 0.5, 0.4 - 0.1, 0.5, "m")


def test_a_box_in_pixels_ends_at_the_edge() -> None:
    box = Box.from_pixels("i", "car", (-5, -0.1, 100.4, 999), (100, 200))
    assert (box.x, box.y, box.width, box.height) == (0, 0, 1, 1)
    assert math.isnan(Box.from_pixels("i", "car", (math.nan, 0, 1, 1), (100, 200)).x)
    for size in ((0, 10), (10, -1), (math.nan, 1)):
        with pytest.raises(ValueError, match="a width and a height"):
            Box.from_pixels("i", "car", (0, 0, 1, 1), size)


def test_texts_of_any_length_that_a_message_holds_are_the_servers_to_judge() -> None:
    assert Box("i", "x" * 10_000, 0, 0, 1, 1).label
    with pytest.raises(ValueError, match="label must have at most 10000 characters"):
        Box("i", "x" * 10_001, 0, 0, 1, 1)
