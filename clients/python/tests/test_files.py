"""Reading files of annotations."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from reticle_client import NewAnnotation
from reticle_client.command.coco import by_file_name, by_map, read_images
from reticle_client.command.json_stream import MAX_VALUE, InvalidJson, JsonStream
from reticle_client.command.rows import InvalidRow, read, to_annotation


class Trickle(io.BytesIO):
    """A file that returns one byte per read."""

    def read(self, _: int | None = None) -> bytes:
        return super().read(1)


@pytest.mark.parametrize("file", [io.BytesIO, Trickle])
@pytest.mark.parametrize(
    "text",
    [
        "[]",
        " [ ] ",
        '[1, -2.5e+10, 3E5, "ä\\u00e4 ]", {"a": [true, null]}, [[]], NaN]',
        "\ufeff[0.1]",
        "[12345678.5]",
    ],
)
def test_an_array_is_decoded_as_the_json_module_decodes_it(text: str, file: type[io.BytesIO]) -> None:
    stream = JsonStream(file(text.encode()))
    items = list(stream.items())
    stream.end()
    assert repr(items) == repr(json.loads(text.lstrip("\ufeff")))


@pytest.mark.parametrize("file", [io.BytesIO, Trickle])
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[1 2]", "',' is missing before '2'"),
        ("[1,]", "Expecting value"),
        ("[1", "the file ends before"),
        ('["a', "Unterminated string"),
        ("[tru]", "Expecting value"),
        ("[1] 2", "'2' follows the end"),
        ("{}", "'\\[' is missing before '{'"),
        ("[" * 100_000, "nested too deeply|ends before|Expecting value"),
    ],
)
def test_a_file_that_is_not_an_array_is_rejected(text: str, complaint: str, file: type[io.BytesIO]) -> None:
    with pytest.raises(InvalidJson, match=complaint):
        stream = JsonStream(file(text.encode()))
        list(stream.items())
        stream.end()


def test_text_that_is_not_utf_8_is_rejected() -> None:
    with pytest.raises(InvalidJson, match="not UTF-8"):
        list(JsonStream(io.BytesIO(b'["\xff"]')).items())


def test_an_unterminated_value_does_not_read_the_whole_file_into_memory() -> None:
    file = io.BytesIO(b'["never closed' + b"x" * (4 * MAX_VALUE))
    with pytest.raises(InvalidJson, match="Unterminated"):
        list(JsonStream(file).items())
    assert file.tell() <= 3 * MAX_VALUE


def test_rows_are_elements_of_an_array_or_lines() -> None:
    for text in ('[{"a": 1}, {"b": 2}]', '{"a": 1}\n\n{"b": 2}\n', '{"a": 1}\r\n{"b": 2}'):
        assert list(read(io.BytesIO(text.encode()))) == [{"a": 1}, {"b": 2}]
    assert list(read(io.BytesIO(b""))) == []
    for text, complaint in (
        ("image_id,label\n", "begins with 'image_id,label"),
        ("7\n", "a row must be an object, not 7"),
    ):
        with pytest.raises(InvalidJson, match=complaint):
            list(read(io.BytesIO(text.encode())))


GOOD = {"image_id": "i", "label": "car", "x": 0, "y": 0.5, "width": 1, "height": 0.5}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (7, "a row must be an object"),
        ({"image_id": "i"}, "height is missing"),
        (GOOD | {"x": "0"}, "x must be a number"),
        (GOOD | {"x": True}, "x must be a number"),
        (GOOD | {"label": None}, "label must be a string"),
        (GOOD | {"lable": "car"}, "lable is not a field of an annotation"),
        (GOOD | {"label": "\ud800"}, "surrogates"),
        ({"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}, "needs --annotations-file"),
    ],
)
def test_an_invalid_row_reports_why(row: Any, complaint: str) -> None:
    with pytest.raises(InvalidRow, match=complaint):
        to_annotation(row, None, "")


def test_a_row_of_fields_is_decoded() -> None:
    assert to_annotation(GOOD | {"confidence": None}, None, "m") == NewAnnotation(
        "i", "car", 0, 0.5, 1, 0.5, None, "m"
    )
    assert to_annotation(GOOD | {"confidence": 1, "model": "n"}, None, "m") == NewAnnotation(
        "i", "car", 0, 0.5, 1, 0.5, 1, "n"
    )


INSTANCES = {
    "info": {"year": 2017},
    "images": [
        {"id": 7, "width": 100, "height": 200, "file_name": "val/a.jpg"},
        {"id": 8, "width": 10, "height": 10, "file_name": "b.jpg"},
        {"id": 9, "width": 10, "height": 10, "file_name": "c.jpg"},
    ],
    "annotations": [{"id": 1, "segmentation": [[1.5, 2.5]]}],
    "categories": [{"id": 3, "name": "car"}],
}


def test_coco_results_use_sizes_labels_and_ids_of_other_files(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(INSTANCES))
    uploaded = [("a.jpg", "in-reticle"), ("b.jpg", "one"), ("b.jpg", "another"), ("d.jpg", "foreign")]
    with path.open("rb") as file:
        images = read_images(file, by_file_name(uploaded))
    row: dict[str, Any] = {"image_id": 7, "category_id": 3, "bbox": [10, 20, 50, 60], "score": 0.75}
    assert to_annotation(row, images, "m") == NewAnnotation(
        "in-reticle", "car", 0.1, 0.1, 0.5, 0.4 - 0.1, 0.75, "m"
    )
    cases: list[tuple[dict[str, Any], str]] = [
        ({"image_id": 6}, "image 6 is not in the annotations file"),
        ({"image_id": 8}, "image 8 is not in Reticle, or several images have its file name"),
        ({"image_id": 9}, "image 9 is not in Reticle"),
        ({"image_id": []}, "unhashable"),
        ({"category_id": 4}, "category 4 is not in the annotations file"),
        ({"bbox": [1, 2, 3]}, "not enough values"),
        ({"bbox": [1, 2, 3, None]}, "NoneType"),
        ({"score": "high"}, "could not convert"),
    ]
    for broken, complaint in cases:
        with pytest.raises(InvalidRow, match=complaint):
            to_annotation(row | broken, images, "")


def test_an_image_map_finds_images_by_id_or_by_file_name() -> None:
    names = {7: "val/a.jpg", 8: "b.jpg", 9: "c.jpg"}
    assert by_map({"7": "x", "b.jpg": "y"})(names) == {7: "x", 8: "y"}


@pytest.mark.parametrize(
    "broken", [{"images": [{"id": 1}]}, {"categories": [7]}, {"images": {}}, [], {"images": [{"id": []}]}]
)
def test_an_invalid_annotations_file_is_rejected(broken: Any) -> None:
    with pytest.raises(InvalidJson):
        read_images(io.BytesIO(json.dumps(broken).encode()), by_map({}))
