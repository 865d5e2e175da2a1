"""COCO annotations files: the images' sizes and the categories' names, which a COCO results file does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from .json_stream import InvalidJson, JsonStream


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its id in Reticle, and its upright size in pixels."""

    reticle_id: str
    size: tuple[float, float]


class Images:
    """The images and the categories of an annotations file."""

    def __init__(
        self, sizes: Mapping[Any, tuple[float, float]], labels: Mapping[Any, str], ids: Mapping[Any, str]
    ) -> None:
        self._sizes, self._labels, self._ids = sizes, labels, ids

    def image(self, coco_id: Any) -> Image:
        """Returns the image with this COCO id."""
        if coco_id not in self._sizes:
            raise ValueError(f"image {coco_id} is not in the annotations file")
        if coco_id not in self._ids:
            raise ValueError(f"image {coco_id} is not in Reticle, or several images have its file name")
        return Image(self._ids[coco_id], self._sizes[coco_id])

    def label(self, category_id: Any) -> str:
        """Returns the name of this category."""
        if category_id not in self._labels:
            raise ValueError(f"category {category_id} is not in the annotations file")
        return self._labels[category_id]


# Maps file names to ids in Reticle; both are keyed by COCO id.
Find = Callable[[Mapping[Any, str]], Mapping[Any, str]]


def read_images(file: BinaryIO, find: Find) -> Images:
    """Reads the images and categories of an annotations file (`instances_….json`), and skips its annotations."""
    stream = JsonStream(file)
    found: dict[str, list[Any]] = {"images": [], "categories": []}
    for name in stream.members():
        if name in found:
            found[name] = [_needed_fields(name, item) for item in stream.items()]
        else:
            stream.skip()
    stream.end()
    sizes = {coco_id: (width, height) for coco_id, width, height, _ in found["images"]}
    names = {coco_id: file_name for coco_id, _, _, file_name in found["images"]}
    return Images(sizes, dict(found["categories"]), find(names))


def _needed_fields(kind: str, item: Any) -> tuple[Any, ...]:
    """Returns the fields of an image or a category that are needed."""
    try:
        hash(item["id"])
        if kind == "categories":
            return item["id"], str(item["name"])
        return item["id"], float(item["width"]), float(item["height"]), str(item.get("file_name", ""))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InvalidJson(f"{item!r:.80} is not a valid element of COCO's {kind}") from None


def by_map(image_map: Mapping[str, Any]) -> Find:
    """Finds images by a map from COCO ids or file names to ids in Reticle."""

    def find(names: Mapping[Any, str]) -> Mapping[Any, str]:
        found = {coco_id: image_map.get(str(coco_id), image_map.get(name)) for coco_id, name in names.items()}
        return {coco_id: str(reticle_id) for coco_id, reticle_id in found.items() if reticle_id is not None}

    return find


def by_file_name(uploaded: Iterable[tuple[str, str]]) -> Find:
    """Finds images among those in Reticle (file name, id). A file name that several images have finds none.

    Folders in the annotations file's names are ignored, because Reticle stores none.
    """

    def find(names: Mapping[Any, str]) -> Mapping[Any, str]:
        plain = {coco_id: name.rpartition("/")[2] for coco_id, name in names.items()}
        wanted = set(plain.values())
        ids: dict[str, str] = {}
        for name, reticle_id in uploaded:
            if name in wanted:
                ids[name] = "" if name in ids else reticle_id
        return {coco_id: ids[name] for coco_id, name in plain.items() if ids.get(name)}

    return find
